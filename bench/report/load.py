# SPDX-License-Identifier: GPL-2.0-only
"""Reading a run's folder, and refusing what is not one run, whole and sound.

Only what a comparison needs is kept: a large run would not fit otherwise.
"""
from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import Refused, conditions, histogram
from bench.report.histogram import Histogram
from bench.report.series import Series

SCHEMA_BLOCK = "delwribench-block-1"
SCHEMA_MACHINE = "delwribench-machine-1"
BLOCK_NAME = re.compile(r"block-(\d+)\.json")
WAITS = ("lock", "list", "log", "io")
BASELINE = "none"
TWIN = "none_twin"
IDLE = "null"
# Blocks of before there were two generations are of this one.
FIRST_CACHE = "6.12"
NO_REASON = "no reason was given"


@dataclass
class Row:
    """One fix under one workload in one block."""

    workload: str
    fix: str
    threads: int
    placement: str
    batches: np.ndarray | None
    reason: str
    operations: int
    counted: int    # operations in which waits and counters were counted
    latency: Histogram | None
    latency_reason: str
    series: Series | None
    waits: dict[str, tuple[int, int, int]] | None
    stall: tuple[int, int, int] | None
    stall_reason: str
    counters: dict[str, float]
    perf: list[dict]
    checked: int
    violated: int
    misqueued: int | None
    left: dict[str, int]
    floor: str
    parameters: Any

    @property
    def case(self) -> tuple[str, int, str]:
        return self.workload, self.threads, self.placement


@dataclass
class Block:
    """A process that measured; its rows by (case, fix)."""

    name: str
    number: int
    seed: str
    block_seed: str
    threads: int
    device: str
    cache: str              # the kernel whose cache was modelled
    layout: str | None
    layout_of: int
    layout_reason: str
    before: dict
    after: dict
    rows: dict[tuple, Row]
    run: str
    environment_bytes: int | None
    injected: bool
    skipped: dict[str, str]
    processors: int | None
    bound_to: set[int]
    misplaced: list[str]
    unseen: list[str]


@dataclass
class Run:
    """A folder of blocks."""

    path: Path
    name: str
    identity: str
    machine: dict
    command: list[str]
    before: dict
    blocks: list[Block]
    planned: int | None = None
    # Each with its reason: blocks left out here, and those that scripts/run
    # has set aside and measured again.
    discarded: list[str] = field(default_factory=list)
    left_out: int = 0
    matrix: dict | None = None
    matrix_reason: str = ""
    picture: Path | None = None

    @property
    def first(self) -> Block:
        return self.blocks[0]

    @property
    def injected(self) -> bool:
        return any(b.injected for b in self.blocks)

    @property
    def layouts(self) -> int:
        return len({b.layout for b in self.blocks if b.layout is not None})


def read_json(path: Path) -> dict:
    """An object from a file."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise Refused(f"{path} is no JSON ({error}): cut short? Measure it "
                      "again: scripts/run --resume") from error
    if not isinstance(data, dict):
        raise Refused(f"{path} holds no object: not a result of delwribench")
    return data


def read_result(path: Path, schema: str) -> dict:
    """An object of this schema from a file."""
    data = read_json(path)
    found = data.get("schema")
    if found != schema:
        raise Refused(f"{path} is of schema {found!r}, and {schema!r} is "
                      "understood: use the sources that wrote it")
    return data


def wait_of(data: dict | None) -> tuple[int, int, int] | None:
    if data is None:
        return None
    return data["count"], data["total_ns"], data["max_ns"]


def reason_of(data: dict, key: str) -> str:
    """Why a field is null."""
    return str(data.get(key + "_reason") or NO_REASON)


def parse_row(data: dict, block: dict) -> Row:
    batches = data["batches_ns"]
    latency = data["latency"]
    waits = data["waits"]
    return Row(
        workload=str(data["workload"]),
        fix=str(data["fix"]),
        threads=int(data.get("threads") or block["threads"]),
        placement=str(data.get("placement") or ""),
        batches=None if batches is None else np.array(batches, dtype=float),
        reason="" if batches is not None else reason_of(data, "batches_ns"),
        operations=data["operations"],
        # Older blocks counted where they took times.
        counted=(data.get("counted", data) or {}).get("operations", 0),
        latency=None if latency is None else histogram.from_json(latency),
        latency_reason="" if latency else reason_of(data, "latency"),
        series=Series.of(data.get("series")),
        waits=None if waits is None else {
            kind: wait_of(waits[kind]) for kind in WAITS},
        stall=wait_of(data["stall"]),
        stall_reason="" if data["stall"] else reason_of(data, "stall"),
        counters=data["counters"] or {},
        perf=data.get("perf") or [],
        checked=data["checked"] or 0,
        violated=data["violated"] or 0,
        misqueued=data["misqueued"],
        left={k: v for k, v in data["left_at_unmount"].items() if v},
        floor=data.get("floor_sha256") or "",
        parameters=data.get("parameters"),
    )


def is_elsewhere(what: dict) -> bool:
    """Was a thread or a kind of pages seen where it was not to be?"""
    return (what.get("ok") is False and what.get("pages") != 0
            and ("found_pu" not in what or what["found_pu"] is not None))


def misplaced(data: dict) -> tuple[list[str], list[str]]:
    """Threads and memory that were not where the plan had them, and those
    of which nobody could see where they were."""
    found, unseen = [], []
    for placed in data.get("placements") or []:
        if "skipped" in placed:
            continue
        name = placed["placement"] and placed["placement"] + ": "
        here, hidden = [], [placed["reason"]] if "reason" in placed else []
        floating = placed.get("floating") or []
        if floating:
            hidden.append(f"{len(floating)} of {placed['nr_threads']} lookers "
                          "float, which makes times noisier: "
                          f"{placed.get('floating_reason') or NO_REASON}")
        if placed.get("memory_refused"):
            hidden.append(str(placed["memory_refused"]))
        if "changed" in placed:
            here.append(f"changed while it was measured: {placed['changed']}")
        for what in (placed.get("threads") or []) + (placed.get("pages")
                                                     or []):
            if what.get("ok") is not True:
                (here if is_elsewhere(what) else hidden).append(
                    str(what.get("reason") or NO_REASON))
        here += [f"worker {w['worker']} was on processor {w['found']} "
                 f"instead of {w['processor']}"
                 for w in placed.get("moved") or []]
        if placed.get("ok") is False and not here and not hidden:
            here.append(NO_REASON)
        found += [name + why for why in here]
        unseen += [name + why for why in hidden]
    return found, unseen


def bound_to(data: dict) -> set[int]:
    """All processors that its threads were given."""
    return {p for placed in data.get("placements") or []
            for key in ("worker_processors", "daemon_processors")
            for p in placed.get(key) or []}


def parse_block(path: Path, data: dict) -> Block:
    rows = {}
    for item in data["rows"]:
        row = parse_row(item, data)
        if (row.case, row.fix) in rows:
            raise ValueError(f"{row.workload}/{row.fix} is there twice")
        rows[row.case, row.fix] = row
    layout = data.get("layout")
    elsewhere, unseen = misplaced(data)
    return Block(
        name=path.name,
        number=data["block"],
        seed=str(data["seed"]),
        block_seed=str(data["block_seed"]),
        threads=data["threads"],
        device=data["device"],
        cache=str(data.get("cache") or FIRST_CACHE),
        layout=None if layout is None else str(layout["program_crc64"]),
        layout_of=layout["of"] if layout else 1,
        layout_reason="" if layout else reason_of(data, "layout"),
        before=data["before"],
        after=data["after"],
        rows=rows,
        run=str(data.get("run") or ""),
        environment_bytes=data.get("environment_bytes"),
        injected="injected" in data,
        skipped={p["placement"]: p["skipped"] for p in
                 data.get("placements") or [] if "skipped" in p},
        processors=data.get("processors"),
        bound_to=bound_to(data),
        misplaced=elsewhere,
        unseen=unseen,
    )


def load_block(path: Path) -> tuple[Block, dict | None]:
    """A block, and the correctness matrix if it carries one."""
    data = read_result(path, SCHEMA_BLOCK)
    try:
        return parse_block(path, data), data.get("matrix")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise Refused(f"{path}: {what}: not a block as this version writes "
                      "it; remove it and measure it again: scripts/run "
                      "--resume") from error


def load_matrix(path: Path) -> dict | None:
    """What `scripts/verify --json` printed: {fix: {hazard: cell}}."""
    if not path.exists():
        return None
    fixes = read_json(path).get("fixes")
    if not isinstance(fixes, dict):
        raise Refused(f"{path} holds no matrix: write it anew with "
                      "scripts/verify --json")
    return fixes


def load_run(path: Path) -> Run:
    """A run with all its sound blocks; Refused if it is not one."""
    if not path.is_dir():
        raise Refused(f"{path} is no folder: name a run's, as scripts/run "
                      "prints it")
    files = sorted(f for f in path.iterdir() if BLOCK_NAME.fullmatch(f.name))
    aside = set_aside(path)
    if not files:
        raise Refused(f"{path} holds no block-*.json: "
                      + (f"all were discarded, {aside[0]}: scripts/run "
                         "--resume measures them again" if aside else
                         "name the folder of a run, as scripts/run prints it"))
    about = read_result(path / "machine.json", SCHEMA_MACHINE)
    loaded = [load_block(f) for f in files]
    matrices = [m.get("fixes", m) for _, m in loaded if m]
    run = Run(path=path, name=path.resolve().name,
              identity=str(about.get("run") or ""),
              machine=about.get("machine") or {},
              command=about.get("command") or [],
              before=about.get("before") or {},
              blocks=[b for b, _ in loaded],
              matrix=matrices[0] if matrices else None,
              planned=planned_blocks(about))
    if run.matrix is None:
        run.matrix = load_matrix(path / "verify.json")
    if run.matrix is None:
        run.matrix_reason = ("the run was not verified: scripts/verify "
                             "--json > RUN/verify.json")
    picture = path / "topology.svg"
    run.picture = picture if picture.exists() else None
    of_this_run(run)
    discard(run)
    alike(run)
    run.discarded += aside
    return run


def set_aside(path: Path) -> list[str]:
    """What scripts/run has discarded itself, to measure it again."""
    return [f"{file.name}: {read_json(file).get('discarded') or NO_REASON}"
            for file in sorted(path.glob("discarded-*.json"))]


# --- is it one run? ----------------------------------------------------------

def refuse_foreign(run: Run, block: Block,
                   values: list[tuple[str, Any, Any]]) -> None:
    """What must agree: (what it is, this block's, the run's)."""
    for what, value, expected in values:
        if value != expected:
            raise Refused(
                f"{run.path / block.name}: its {what} is {value}, that "
                f"of the run is {expected}: a block of another run; take "
                "it out")


def of_this_run(run: Run) -> None:
    """Every block is of the run that machine.json describes."""
    for block in run.blocks:
        number = int(BLOCK_NAME.fullmatch(block.name).group(1))
        refuse_foreign(run, block, [
            ("block number", block.number, number),
            ("run", block.run, run.identity),
            ("seed", block.seed, run.first.seed)])
        if block.before["time"] < run.before.get("time", ""):
            raise Refused(
                f"{run.path / block.name} was measured at "
                f"{block.before['time']}, before its run began at "
                f"{run.before['time']}: a block of another run; take it out")
    seeds: dict[str, str] = {}
    for block in run.blocks:
        other = seeds.setdefault(block.block_seed, block.name)
        if other != block.name:
            raise Refused(f"{run.path}: {other} and {block.name} have the "
                          "same seed: a copy; take it out")


def alike(run: Run) -> None:
    """Every block that is left has measured the same."""
    first = run.first
    for block in run.blocks:
        refuse_foreign(run, block, [
            ("number of threads", block.threads, first.threads),
            ("device", block.device, first.device),
            ("cache", block.cache, first.cache),
            ("number of layouts", block.layout_of, first.layout_of),
            ("set of rows", rows_text(block, first), rows_text(first, first)),
            ("workload parameters", parameters(block), parameters(first)),
            ("floors", floors(block), floors(first))])


def rows_text(block: Block, first: Block) -> str:
    """The rows, named only as far as they are not the first block's."""
    if block.rows.keys() == first.rows.keys():
        return f"{len(first.rows)} rows"
    names = {f"{case[0]}/{fix}" for case, fix in
             block.rows.keys() ^ first.rows.keys()}
    more = ", ..." if len(names) > 3 else ""
    return (f"{len(block.rows)} rows, differing in "
            f"{', '.join(sorted(names)[:3])}{more}")


def parameters(block: Block) -> dict:
    return {r.workload: r.parameters for r in block.rows.values()}


def floors(block: Block) -> dict:
    return {r.fix: r.floor for r in block.rows.values() if r.floor}


def planned_blocks(about: dict) -> int | None:
    """How many blocks the run was to have; None: it did not say."""
    if isinstance(about.get("blocks"), int):
        return about["blocks"]
    words = about.get("command") or []
    for i, word in enumerate(words):
        name, _, value = word.partition("=")
        if name in ("-b", "--blocks"):
            value = value or (words[i + 1] if i + 1 < len(words) else "")
            return int(value) if value.isdigit() else None
    return None


# --- what is left out, by rules that do not look at the outcome --------------

def discard(run: Run) -> None:
    """Leave out blocks whose clock cannot be trusted, or that had another
    part of the machine than the others, and say so."""
    kept = []
    for block in run.blocks:
        why = untrusted(block) or conditions.changed(run, block)
        if not why and block.misplaced:
            why = f"not as placed, {block.misplaced[0]}"
        if why:
            run.discarded.append(f"{block.name}: {why}")
        else:
            kept.append(block)
    if not kept:
        raise Refused(f"{run.path}: no block is left; {run.discarded[0]}")
    run.left_out = len(run.discarded)
    run.blocks = kept


def untrusted(block: Block) -> str:
    if block.after["time"] < block.before["time"]:
        return (f"the clock went backwards, from {block.before['time']} to "
                f"{block.after['time']}")
    start, end = (s.get("clock_s") for s in (block.before, block.after))
    if start is not None and end is not None and end < start:
        return f"the monotonic clock went from {start} s back to {end} s"
    for row in block.rows.values():
        if row.batches is None:
            continue
        bad = [b for b in row.batches if not (math.isfinite(b) and b > 0)]
        if bad:
            return (f"{row.workload}/{row.fix} has a batch of {bad[0]:g} ns: "
                    "the clock went backwards or stood still")
    return ""
