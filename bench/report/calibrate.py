# SPDX-License-Identifier: GPL-2.0-only
"""scripts/calibrate: measure, where the truth is known.

Every comparison is of `none` with `none_twin`, the same source compiled
again, which is equal, or does a known share of operations more.  The blocks
are made by the program that makes those of any run.
"""
from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

import numpy as np

from bench.report import Refused, calibration
from bench.report.compare import COST, series_of
from bench.report.load import TWIN, Run, load_run

WORKLOAD = "lookup/own_1k"
CASE = (WORKLOAD, 1, "")
ROUNDS = 100
# Of any phase: enough for two comparisons.
LEAST_BLOCKS = 12
# A live trial takes no longer.
LIVE_LIMIT_S = 1200
# A sign of life so often.
PATIENCE_S = 60
# In the folder: what each process measured, too much to keep for ever.
RAW = "raw"
# Copies memory on whichever processor the scheduler gives it.
NEIGHBOUR = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1M"]
COMPARE_PY = Path("/usr/share/benchmark/compare.py")


@dataclass(frozen=True)
class Phase:
    """Blocks measured under one condition."""

    name: str
    percent: float
    busy: bool
    blocks: int


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    phases: list[Phase]
    gbench_pairs: int
    live_trials: int
    live_share: float


@dataclass(frozen=True)
class Program:
    """delwribench, and what its results are to call this machine."""

    path: Path
    host: str | None

    def words(self) -> list[str]:
        """For a new run; an old one knows."""
        return ["--host", self.host] if self.host else []


def plan_of(scale: float) -> Plan:
    def blocks(full: int) -> int:
        return max(LEAST_BLOCKS, round(full * scale))

    phases = []
    for busy in (False, True):
        word = "busy" if busy else "quiet"
        phases.append(Phase(f"{word}-aa", 0, busy, blocks(6000)))
        for percent, full in ((0.5, 480), (1, 960), (2, 960), (5, 240)):
            phases.append(Phase(f"{word}-{percent:g}", percent, busy,
                                blocks(full)))
    return Plan(phases, max(1, round(60 * scale)),
                max(1, round(10 * scale)), min(1, scale))


# --- measuring ---------------------------------------------------------------

def started(command: list[str], **options: object) -> subprocess.Popen:
    """A process, or Refused."""
    try:
        return subprocess.Popen(command, **options)
    except OSError as error:
        raise Refused(f"cannot start {command[0]}: {error.strerror} (see "
                      "ulimit -u); what is measured is kept, go on with "
                      "--resume") from error


@contextmanager
def neighbour(busy: bool) -> Iterator[None]:
    """A process that is always busy, or none."""
    if not busy:
        yield
        return
    process = started(NEIGHBOUR, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def run_command(program: Program, words: list[str],
                waiting: Callable[[], None] = lambda: None) -> None:
    """Run delwribench; an interruption ends this program as well.

    `waiting` is called now and then meanwhile.
    """
    with tempfile.TemporaryFile("w+") as said:
        with started([str(program.path), "run", *words],
                     stdout=subprocess.DEVNULL, stderr=said) as process:
            try:
                while ended(process) is None:
                    waiting()
            except KeyboardInterrupt:
                process.terminate()	# it keeps what is finished
                process.wait()
                raise
        if process.returncode in (130, -signal.SIGINT):
            raise KeyboardInterrupt
        if process.returncode:
            said.seek(0)
            last = said.read().strip().splitlines()[-1:] or ["nothing"]
            raise Refused(f"a run ended with status {process.returncode}; "
                          f"what it said last: {last[0]}")


def ended(process: subprocess.Popen) -> int | None:
    """Its status, or None when it still runs after a while."""
    try:
        return process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        return None


def options_of(fixes: list[str], blocks: int, rounds: int, seed: int,
               inject: tuple[str, float] | None) -> list[str]:
    words = ["--no-verify", "--threads", "1", "--workload", WORKLOAD,
             "--rounds", str(rounds), "--blocks", str(blocks),
             "--seed", str(seed)]
    names = "|".join(fixes)
    words.append(f"--benchmark_filter=^{WORKLOAD}/({names})$")
    for fix in fixes:
        words += ["--fix", fix]
    if inject and inject[1]:
        words += ["--inject", f"{inject[0]}={inject[1]:g}"]
    return words


def run_in(folder: Path) -> Path | None:
    """The run that `folder` was made for, if it was begun."""
    found = sorted(folder.glob("*/machine.json"))
    return found[0].parent if found else None


def finished(folder: Path) -> int:
    return len(list(folder.glob("*/block-*.json")))


def measure(program: Program, folder: Path, blocks: int, percent: float,
            seed: int, say: "Progress") -> dict:
    """The twin's log ratios to the baseline; what is there is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    begun = run_in(folder)

    def waiting() -> None:
        say(f"  {finished(folder)} of {blocks} blocks")

    if begun is None:
        run_command(program, options_of(
            ["none", TWIN], blocks, ROUNDS, seed, (TWIN, percent))
            + [*program.words(), "--out", str(folder)], waiting)
    elif finished(folder) < blocks:
        run_command(program, ["--resume", str(begun)], waiting)
    run = load_run(run_in(folder))
    series = series_of(run, CASE, TWIN, COST)
    return {"log_ratios": [round(float(v), 7) for v in series.values],
            "layouts": series.layouts, "seconds": seconds_of(run)}


def seconds_of(run: Run) -> float:
    """What the blocks took, without what lay between interruptions."""
    starts = [b.before["clock_s"] for b in run.blocks]
    each = np.median(np.diff(starts)) if len(starts) > 1 else (
        run.first.after["clock_s"] - starts[0])
    return round(float(each) * len(starts), 1)


def run_phases(program: Program, out: Path, plan: Plan,
               say: "Progress") -> dict[str, dict]:
    found = {}
    for seed, phase in enumerate(plan.phases, start=1):
        say(f"{phase.name}: {phase.blocks} blocks")
        with neighbour(phase.busy):
            found[phase.name] = {
                "percent": phase.percent, "busy": phase.busy,
                **measure(program, out / RAW / phase.name, phase.blocks,
                          phase.percent, seed, say)}
    return found


# --- Google Benchmark and its own compare ------------------------------------

def invoke(program: Program, folder: Path, name: str, seed: int, rounds: int,
           percent: float) -> Path:
    """One invocation that measures `none` alone; its report."""
    report = folder / f"{name}.json"
    run_command(program, options_of(["none"], 1, rounds, seed,
                                    ("none", percent))
                + [*program.words(), "--out", str(folder),
                   f"--benchmark_out={report}"])
    data = json.loads(report.read_text(encoding="utf-8"))
    for row in data["benchmarks"]:
        # Its names hold counts of operations, which are calibrated anew:
        # compare.py would find nothing in common.
        row["name"] = row["run_name"] = f"{WORKLOAD}/none"
    data["benchmarks"] = [r for r in data["benchmarks"]
                          if r["run_type"] == "iteration"]
    write(report, data)
    return report


def compare_py(first: Path, second: Path) -> float:
    """The p value that Google Benchmark's compare.py gives two reports."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        with started([sys.executable, str(COMPARE_PY), "--no-color",
                      "--dump_to_json", out.name, "benchmarks", str(first),
                      str(second)], stdout=subprocess.DEVNULL,
                     stderr=subprocess.PIPE, text=True) as process:
            said = process.communicate()[1].strip().splitlines()[-1:]
        if process.returncode:
            raise Refused(f"{COMPARE_PY} failed: {' '.join(said)}")
        found = json.loads(Path(out.name).read_text(encoding="utf-8"))
    tests = [row["utest"] for row in found if row.get("utest")]
    if not tests:
        raise Refused(f"{COMPARE_PY} made no test of {first} and {second}")
    return tests[0]["time_pvalue"]


def gbench_pairs(program: Program, out: Path, plan: Plan, busy: bool,
                 percent: float, rounds: int, say: "Progress") -> dict:
    """p values of pairs of invocations; the same binary for both."""
    name = f"gbench-{'busy' if busy else 'quiet'}-{percent:g}"
    kept = out / RAW / f"{name}.json"
    values = json.loads(kept.read_text()) if kept.exists() else []
    say(f"{name}: {plan.gbench_pairs} pairs of invocations")
    with neighbour(busy):
        for i in range(len(values), plan.gbench_pairs):
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch)
                first = invoke(program, folder, "first", i + 1, rounds, 0)
                second = invoke(program, folder, "second", i + 1, rounds,
                                percent)
                values.append(compare_py(first, second))
            write(kept, values)	# each, so that none is made twice
    return {"percent": percent, "busy": busy, "rounds": rounds,
            "p_values": values}


# --- trials with a number of blocks that the spread gave ---------------------

def live_trials(program: Program, out: Path, plan: Plan, phases: dict,
                say: "Progress") -> dict:
    percent = 0.5
    quiet = phases["quiet-aa"]
    needed = calibration.blocks_needed(quiet, percent)
    most = int(LIVE_LIMIT_S / calibration.seconds_per_block(quiet))
    blocks = max(LEAST_BLOCKS, round(min(needed or most, most)
                                     * plan.live_share))
    say(f"live: {plan.live_trials} trials of +{percent} %, {blocks} blocks "
        f"each; by the spread {needed or 'no number of blocks'} would find "
        "it")
    trials = [measure(program, out / RAW / f"live-{i + 1}", blocks, percent,
                      1000 + i, say) for i in range(plan.live_trials)]
    return {"percent": percent, "blocks": blocks, "needed": needed,
            "trials": trials}


# --- the program -------------------------------------------------------------

class Progress:
    """One line per step, with the time since the start."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def __call__(self, text: str) -> None:
        minutes = (time.monotonic() - self.start) / 60
        print(f"[{minutes:5.1f} min] {text}", file=sys.stderr, flush=True)


def write(path: Path, value: object) -> None:
    """Whole, or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, path)


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/calibrate",
        description="Prove the method on this machine, by comparisons whose "
        "outcome is known.")
    parser.add_argument("--program", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--results", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="folder to make (default: results/"
                        "<host>-calibration)")
    parser.add_argument("--host", metavar="NAME",
                        help="what results call this machine (default: its "
                        "host name)")
    parser.add_argument("--resume", type=Path, metavar="DIR",
                        help="go on with an interrupted calibration")
    parser.add_argument("--scale", type=float, default=1.0, metavar="X",
                        help="so much of everything (default: 1, one to two "
                        "hours); less than 1 proves less")
    args = parser.parse_args(argv)
    if not 0 < args.scale <= 10:
        parser.error(f"--scale {args.scale:g}: give a number above 0, at "
                     "most 10")
    if args.out and args.resume:
        parser.error("--out and --resume: a calibration goes on where it is")
    if args.host and not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,63}", args.host,
                                      re.ASCII):
        parser.error(f"--host '{args.host}': give at most 64 letters, "
                     "digits, '.', '_' or '-', a letter or digit first")
    if args.host and args.resume:
        parser.error("--host and --resume: a calibration keeps its host")
    return args


def folder_of(args: argparse.Namespace) -> tuple[Path, float]:
    """Where, and how much: the latter is decided once."""
    if args.resume:
        about = args.resume / "plan.json"
        if not about.exists():
            raise Refused(f"{args.resume} is no calibration: it has no "
                          "plan.json")
        begun = json.loads(about.read_text())
        args.host = begun.get("host")
        return args.resume, begun["scale"]
    host = args.host or socket.gethostname()
    out = args.out or args.results / f"{host}-calibration"
    try:
        out.mkdir(parents=True)
    except FileExistsError as error:
        raise Refused(f"{out} exists and would be overwritten: name another "
                      f"with --out, or go on with --resume {out}") from error
    except OSError as error:
        raise Refused(f"cannot make {out}: {error.strerror}") from error
    write(out / "plan.json", {"scale": args.scale, "host": args.host})
    (out / ".gitignore").write_text(f"{RAW}/\n", encoding="utf-8")
    return out, args.scale


def calibrate(args: argparse.Namespace) -> None:
    if not COMPARE_PY.exists():
        raise Refused(f"{COMPARE_PY} is missing: install "
                      "libbenchmark-tools")
    out, scale = folder_of(args)
    plan, say = plan_of(scale), Progress()
    program = Program(args.program, args.host)
    try:
        phases = run_phases(program, out, plan, say)
        # As many batches as one comparison of ours has.
        rounds = ROUNDS * calibration.BLOCKS_PER_COMPARISON
        pairs = [gbench_pairs(program, out, plan, busy, percent, rounds,
                              say)
                 for busy, percent in itertools.product((False, True),
                                                        (0, 1))]
        live = live_trials(program, out, plan, phases, say)
    except KeyboardInterrupt:
        print("interrupted; what is measured is kept: scripts/calibrate "
              f"--resume {out}", file=sys.stderr)
        sys.exit(130)
    first = run_in(out / RAW / plan.phases[0].name)
    about = json.loads((first / "machine.json").read_text())
    result = {"schema": "delwribench-calibration-1", "scale": scale,
              "workload": WORKLOAD, "rounds": ROUNDS, "machine":
              about["machine"], "before": about["before"], "phases": phases,
              "gbench": pairs, "live": live}
    write(out / "calibration.json", result)
    text = calibration.text_of(result)
    (out / "calibration.txt").write_text(text, encoding="utf-8")
    print(text, end="")
    print(f"\nresults: {out}")


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main(argv: list[str]) -> int:
    args = arguments(argv)
    # As Ctrl-C: the neighbour is not to be left behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        calibrate(args)
    except (Refused, OSError) as error:
        print(f"scripts/calibrate: {error}", file=sys.stderr)
        return 2
    return 0
