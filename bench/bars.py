# SPDX-License-Identifier: GPL-2.0-only
"""Measure what the project demands of itself, and say whether it holds here.

Usage: scripts/bars [--slow] [--blocks N]

Ratios of times are paired: batches of the same round, the median over rounds
and then over processes ("blocks").  --slow also clones the last commit and
runs scripts/run in it, build and all.  Status 1 if a bar does not hold or
could not be measured, 2 if nothing could.
"""
import argparse
import json
import math
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP))
sys.dont_write_bytecode = True
from bench.output import closed  # noqa: E402

BASELINE, FLOOR, BARE = "none", "floor", "bare"
SCALING_RUNS = 5
SHIM_RUNS = 3
EXPLORE_SECONDS = 3
MIN_BLOCKS = 6                  # fewer have no interval of 95 %
SECONDS, BYTES = 240, 2 << 30   # for scripts/run without arguments


class Unmeasured(Exception):
    """Why there is no figure."""


class Bars:
    """The table as it is printed."""

    def __init__(self) -> None:
        self.failed = False

    def show(self, what: str, bar: str, value: str, holds: object) -> None:
        """One line; holds: True, False, or None for a report only."""
        verdict = {True: "ok", False: "OVER", None: "report only"}[holds]
        if holds is False:
            self.failed = True
        print(f"{what:42} {bar:>8} {value:>16} {verdict}", flush=True)

    def at_most(self, what: str, bar: float, values: list,
                digits: int = 2) -> None:
        """The median of `values` against a bar, with the range."""
        median = statistics.median(values)
        self.show(what, f"<= {bar:g}", spread(values, digits), median <= bar)

    def bounded(self, what: str, bar: float, values: list) -> None:
        """Holds if the 95 % interval of the median ends below the bar."""
        upper = upper_bound(values)
        if upper is None:
            self.unmeasured(f"{what}: {spread(values)}; its bound",
                            f"--blocks {MIN_BLOCKS} or more are needed")
            return
        self.show(what, f"<= {bar:g}", f"{statistics.median(values):.3f} "
                  f"to {upper:.3f}", upper <= bar)

    def unmeasured(self, what: str, why: object, required: bool = True) -> None:
        """A bar without a figure does not hold."""
        print(f"{what:42} not measured: {why}", flush=True)
        self.failed |= required


def upper_bound(values: list) -> object:
    """Upper end of the sign test's 95 % interval of the median, or None."""
    n, tail = len(values), 0.0
    for k in range(n // 2 + 1):
        # So many values at each end may be left out.
        tail += math.comb(n, k) / 2 ** n
        if tail > 0.025:
            return sorted(values)[n - k] if k else None
    return None


def spread(values: list, digits: int = 2) -> str:
    """Median, and the range of the others."""
    text = f"{statistics.median(values):.{digits}f}"
    if len(values) > 1:
        text += f" {min(values):.{digits}f}-{max(values):.{digits}f}"
    return text


def output(*command: object) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run([str(c) for c in command], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise Unmeasured(f"{pathlib.Path(str(command[0])).name} ended with "
                         f"status {done.returncode}: {said[-1]}")
    return done.stdout


def build(target: str) -> pathlib.Path:
    """A program of the release build."""
    folder = subprocess.run([TOP / "scripts/build", "release", target],
                            text=True, stdout=subprocess.PIPE)
    if folder.returncode:
        sys.exit(2)             # it has said why
    return pathlib.Path(folder.stdout.strip()) / target


def generations(program: pathlib.Path) -> list:
    """Of the buffer cache, the newest first."""
    return json.loads(output(program, "run", "--list", "--json"))["caches"]


def measure(program: pathlib.Path, workloads: list,
            *options: object) -> list:
    """Rows of each block of a run of the baseline, and what bounds it."""
    with tempfile.TemporaryDirectory() as folder:
        output(program, "run", "--no-verify", "--out", folder,
               "--fix", BASELINE, *options,
               *(f"--workload={w}" for w in workloads))
        return [json.loads(path.read_text())["rows"] for path in
                sorted(pathlib.Path(folder).rglob("block-*.json"))]


def batches(rows: list, workload: str, fix: str) -> list:
    """Times of one fix's batches, by round."""
    for row in rows:
        if (row["workload"], row["fix"]) == (workload, fix):
            if row["batches_ns"]:
                return row["batches_ns"]
            raise Unmeasured(row.get("batches_ns_reason", "no batches"))
    raise Unmeasured(f"no {fix} in {workload}")


def ratios(blocks: list, workload: str, fix: str, base: str) -> list:
    """Of each block the median ratio of batches of the same round."""
    return [statistics.median(a / b for a, b in zip(
        batches(rows, workload, fix), batches(rows, workload, base)))
        for rows in blocks]


def huge_pages(blocks: list, workload: str) -> str:
    """A note on what the bar takes for granted."""
    kib = [row["counters"].get("huge_pages_kb", 0) for rows in blocks
           for row in rows if row["workload"] == workload
           and row["fix"] == BASELINE]
    return f"{max(kib, default=0) / 1024:.0f} MiB in huge pages"


def bar_lookup(bars: Bars, program: pathlib.Path, cache: str,
               nr_blocks: int) -> None:
    """A hit and its release against the floor, one thread."""
    sizes = {"lookup/own_1k": ("1 Ki", 1.15), "lookup/own_64k":
             ("64 Ki", 1.08), "lookup/own_400k": ("400 Ki", 1.08)}
    extra = "lookup/independent"
    what = f"{cache}: hit over floor, 1 thread"
    try:
        blocks = measure(program, [*sizes, extra], "--cache", cache,
                         "--threads", 1, "--blocks", nr_blocks)
        for workload, (size, bar) in sizes.items():
            bars.bounded(f"{what}, {size}", bar,
                         ratios(blocks, workload, BASELINE, FLOOR))
            bars.show("  over the bare walk", "", spread(
                ratios(blocks, workload, BASELINE, BARE)), None)
        bars.show("  independent keys, over floor", "", spread(
            ratios(blocks, extra, BASELINE, FLOOR)), None)
        bars.show("  independent keys, over the bare walk", "", spread(
            ratios(blocks, extra, BASELINE, BARE)), None)
        print(f"  ({huge_pages(blocks, 'lookup/own_400k')})")
    except Unmeasured as why:
        bars.unmeasured(what, why)


def throughput(program: pathlib.Path, cache: str, workload: str,
               threads: int) -> float:
    """Lookups per ns of all threads, the median of a short run."""
    rows = measure(program, [workload], "--cache", cache, "--threads",
                   threads, "--rounds", 25)[0]
    return threads / statistics.median(batches(rows, workload, BASELINE))


def bar_scaling(bars: Bars, program: pathlib.Path, cache: str) -> None:
    """Two threads over one; machines differ too much for a verdict."""
    own = f"{cache}: 2 threads over 1, own AGs"
    one = f"{cache}: 2 threads over 1, one AG"
    if len(os.sched_getaffinity(0)) < 2:
        for what in own, one:
            bars.unmeasured(what, "only one processor may be used", False)
        return
    try:
        alone, apart, together = [], [], []
        for _ in range(SCALING_RUNS):
            for values, workload, threads in (
                    (alone, "lookup/own_1k", 1), (apart, "lookup/own_1k", 2),
                    (together, "lookup/one_ag", 2)):
                values.append(throughput(program, cache, workload, threads))
        for what, two in (own, apart), (one, together):
            bars.show(what, "", spread(
                [t / a for t, a in zip(two, alone)]), None)
    except Unmeasured as why:
        bars.unmeasured(own, why, False)


def bar_shim(bars: Bars, shim: pathlib.Path) -> None:
    """An empty benchmark through C over one in C++."""
    what = "empty benchmark, gbench.h over C++"
    try:
        bars.at_most(what, 1.02, [json.loads(output(shim))["ratio"]
                                  for _ in range(SHIM_RUNS)], 3)
    except Unmeasured as why:
        bars.unmeasured(what, why)


def bar_histogram(bars: Bars, shim: pathlib.Path) -> None:
    """Recording a value, the clock read excluded."""
    what = "a value into a histogram, ns"
    try:
        bars.at_most(what, 3, [json.loads(output(shim))["record_ns"]
                               for _ in range(SHIM_RUNS)])
    except Unmeasured as why:
        bars.unmeasured(what, why)


def bar_bulkload(bars: Bars, program: pathlib.Path, nr_blocks: int) -> None:
    """Bulk loads to memory against filling, checksum and copy alone."""
    workload, bar = "bulkload/idle", 0.5
    what = "bulk load's rate over its floor's, least"
    try:
        # The least of five is below the median 31 times in 32.
        blocks = measure(program, [workload], "--blocks", max(nr_blocks, 5))
        values = ratios(blocks, workload, FLOOR, BASELINE)
        bars.show(what, f">= {bar:g}", spread(values), min(values) >= bar)
    except Unmeasured as why:
        bars.unmeasured(what, why)


def bar_instructions(bars: Bars, program: pathlib.Path, cache: str) -> None:
    """What callgrind counts on the uncontended hit."""
    oracle = f"{cache}: oracle's instructions per hit"
    fixes = f"{cache}: hit, most over none's, any fix"
    try:
        costs = json.loads(output(TOP / "scripts/cost", "--json", "--program",
                                  program, "--operation", "hit", "--cache",
                                  cache))["fixes"]
        hits = {fix: cost["hit"] for fix, cost in costs.items()
                if fix != "null"}
        base = hits[BASELINE]["instructions"]
        bars.at_most(oracle, 3, [hits[BASELINE]["oracle"]], 0)
        bars.at_most(fixes, 0, [max(abs(h["instructions"] - base)
                                    for h in hits.values())], 0)
    except Unmeasured as why:
        for what in oracle, fixes:
            bars.unmeasured(what, why)


def bar_planning(bars: Bars, program: pathlib.Path) -> None:
    """The dearest plan for 3,840 processors, hwloc's work included."""
    what = "planning 3,840 processors, CPU s, most"
    machines = ("pack:8 node:4 l3:2 core:30 pu:2",
                "pack:4 node:1 l3:60 core:8 pu:2")
    policies = ("compact", "spread", "smt-pair", "same-l3", "cross-l3",
                "cross-node")
    most = 0.0
    try:
        for machine in machines:
            for policy in policies:
                for threads in 2, 960, 3840, 8192:
                    before = os.times()
                    output(program, "plan", "--json",
                           "--topology", machine, "--policy", policy,
                           "--threads", threads)
                    after = os.times()
                    most = max(most, after.children_user
                               + after.children_system
                               - before.children_user
                               - before.children_system)
        bars.at_most(what, 1, [most])
    except Unmeasured as why:
        bars.unmeasured(what, why)


def explored(explorer: pathlib.Path, *options: object) -> dict:
    """What a search of the review's scenario says of itself."""
    fix = "delwri_queue_here"
    # Not exhausted is no failure here.
    done = subprocess.run(
        [explorer, "--json", "--scenario", "review", "--fix", fix, "--seconds",
         str(EXPLORE_SECONDS), *map(str, options)],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        return json.loads(done.stdout)[fix]
    except (ValueError, KeyError):
        raise Unmeasured(f"explore ended with status {done.returncode}: "
                         f"{done.stderr.strip()}") from None


def bar_explore(bars: Bars, explorer: pathlib.Path) -> None:
    """The search of all schedules: whole runs of one processor, and of two."""
    what = "whole schedules/s, least"
    random = "--strategy", "pct", "--runs", 10 ** 9, "--workers"
    try:
        for memory, bar in (("sc", 20000), ("tso", 7000)):
            alone, twice, points = [], [], 0
            for _ in range(SCALING_RUNS):
                for values, workers in (alone, 1), (twice, 2):
                    got = explored(explorer, *random, workers, "--memory",
                                   memory)
                    values.append(got["schedules"] / got["seconds"])
                    points = got["points"] / got["schedules"]
            bars.show(f"{memory}: {what}", f">= {bar}", spread(alone, 0),
                      statistics.median(alone) >= bar)
            print(f"  (of {points:.0f} accesses)")
            if len(os.sched_getaffinity(0)) < 2:
                bars.unmeasured("  two processors over one",
                                "only one may be used", False)
                continue
            ratio = [b / a for a, b in zip(alone, twice)]
            bars.show("  two processors over one", ">= 1.7", spread(ratio),
                      statistics.median(ratio) >= 1.7)
        bars.at_most("a snapshot put back, us", 5, [
            explored(explorer, "--workers", 1)["restore_us"]
            for _ in range(SHIM_RUNS)])
    except Unmeasured as why:
        bars.unmeasured(what, why)


def resident(session: int) -> int:
    """Bytes of memory that a session's processes have, shared ones once."""
    kib = 0
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) != session:
                continue
            rollup = (folder / "smaps_rollup").read_text()
        except OSError:
            continue            # it has ended
        found = re.search(r"^Pss: +(\d+) kB$", rollup, re.M)
        kib += int(found[1]) if found else 0
    return kib << 10


def bar_run(bars: Bars) -> None:
    """scripts/run without arguments in a fresh clone."""
    what = "scripts/run in a fresh clone"
    with tempfile.TemporaryDirectory() as folder:
        clone, peak = pathlib.Path(folder) / "clone", 0
        try:
            output("git", "clone", "-q", TOP, clone)
        except Unmeasured as why:
            bars.unmeasured(what, why)
            return
        start = time.monotonic()
        with open(pathlib.Path(folder) / "log", "w+") as log:
            process = subprocess.Popen(["scripts/run"], cwd=clone, stdout=log,
                                       stderr=log, start_new_session=True)
            try:
                while process.poll() is None:
                    peak = max(peak, resident(process.pid))
                    time.sleep(0.2)
            finally:
                # Not reaped yet, so the number is its own.
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGTERM)
                    process.wait()
            seconds = time.monotonic() - start
            log.seek(0)
            last = (log.read().strip().splitlines() or [""])[-1]
        if process.returncode:
            bars.unmeasured(what, f"status {process.returncode}: {last}")
            return
    bars.at_most(what + ", seconds", SECONDS, [seconds], 0)
    bars.at_most(what + ", peak MiB", BYTES >> 20, [peak >> 20], 0)


def main() -> int:
    """Exit status."""
    parser = argparse.ArgumentParser(
        prog="scripts/bars", description="Measure what the project demands "
        "of itself, and say whether it holds on this machine.")
    parser.add_argument("--slow", action="store_true",
                        help="also run scripts/run in a fresh clone")
    parser.add_argument("--blocks", type=int, default=24, metavar="N",
                        help="processes per ratio of times (default: 24)")
    args = parser.parse_args()
    if args.blocks < 1:
        parser.error("--blocks: give a number from 1 on")
    if subprocess.run([TOP / "scripts/setup", "cost"]).returncode:
        return 2                # it has said why
    program, shim = build("delwribench"), build("shim_bench")
    explorer = build("explore")

    bars = Bars()
    print(f"{'what':42} {'bar':>8} {'median and range':>16}")
    try:
        caches = generations(program)
    except Unmeasured as why:
        print(f"scripts/bars: {why}", file=sys.stderr)
        return 2
    for cache in caches:
        bar_lookup(bars, program, cache, args.blocks)
        bar_scaling(bars, program, cache)
    bar_shim(bars, shim)
    bar_histogram(bars, shim)
    bar_bulkload(bars, program, args.blocks)
    for cache in caches:
        bar_instructions(bars, program, cache)
    bar_planning(bars, program)
    bar_explore(bars, explorer)
    if args.slow:
        bar_run(bars)
    else:
        print("scripts/run in a fresh clone: only with --slow")
    return int(bars.failed)


if __name__ == "__main__":
    sys.exit(closed(main, "scripts/bars"))
