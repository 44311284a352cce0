# SPDX-License-Identifier: GPL-2.0-only
"""What text and HTML both show: rows of tables, ready to be laid out."""
from __future__ import annotations

from dataclasses import dataclass

from bench.report import histogram
from bench.report.compare import (CONFIRMATORY_ROLE, Comparison, Side,
                                  violations)
from bench.report.histogram import Histogram
from bench.report.load import BASELINE, IDLE, WAITS, Row, Run
from bench.report.series import Series
from bench.report.timeline import headline

SHARES = (0.5, 0.99, 0.999)
OPEN = "open/"

HAZARDS = {
    "ordering": ("ord", "a root was committed before all its blocks were "
                        "durable"),
    "lost-error": ("err", "a write error was not returned to the bulk "
                          "loader"),
    "reread": ("rer", "old disk contents were read over a newer block"),
    "stale-write": ("stw", "freed contents reached the disk after newer "
                           "ones"),
    "flag-leak": ("flg", "DELWRI_Q was set on a buffer on no list"),
    "deadlock": ("dlk", "a cycle of waits"),
    "collateral-stall": ("col", "others waited for what a waiter held"),
    "unbounded-wait": ("unb", "other traffic can prolong a wait without "
                              "limit"),
    "lost-wakeup": ("wak", "a waiter slept on although its condition held"),
    "list-corruption": ("lst", "two threads changed one list without a "
                               "common lock"),
    "leak": ("lek", "something was left at teardown"),
}


def mark(cell: dict | None) -> str:
    """ok, no (as the fix itself says), BAD (in spite of its claim), ?, -"""
    if cell is None:
        return "-"
    if cell["verdict"] == "holds":
        return "ok"
    if cell["verdict"] == "violated":
        return "BAD" if cell.get("claimed") else "no"
    return "?"


def judged(run: Run) -> dict[str, dict]:
    """The matrix without what is no implementation."""
    return {fix: cells for fix, cells in (run.matrix or {}).items()
            if fix != IDLE}


def untested(run: Run) -> dict[tuple[str, str], list[str]]:
    """(fix, why) -> the hazards against which it could not be tested."""
    found: dict[tuple[str, str], list[str]] = {}
    for fix, cells in judged(run).items():
        for hazard, cell in cells.items():
            if cell["verdict"] == "untested":
                why = headline(cell["evidence"]).partition(": ")[2]
                found.setdefault((fix, why), []).append(hazard)
    return found


def matrix_differences(sides: list[Side]) -> list[str]:
    """What other runs' matrices say otherwise than the first one's."""
    first = next((s for s in sides if s.run.matrix), sides[0])
    found = []
    for side in sides:
        if side is first:
            continue
        if not side.run.matrix:
            found.append(f"{side.label} was not checked")
            continue
        one, other = judged(first.run), judged(side.run)
        for fix in [*one, *(f for f in other if f not in one)]:
            for hazard in HAZARDS:
                marks = [mark(m.get(fix, {}).get(hazard))
                         for m in (one, other)]
                if marks[0] != marks[1]:
                    found.append(f"{side.label}: {fix}, {hazard}: {marks[1]} "
                                 f"(above: {marks[0]})")
    return found or ["The other runs found the same."] * (len(sides) > 1)


def baseline_note(side: Side, case: tuple) -> str:
    """What the baseline did wrong in a case while it was timed; or ""."""
    what = violations(side.run).get((case, BASELINE))
    return what and (f"{BASELINE} is no alternative here: {what}") or ""


def unseen(run: Run) -> list[str]:
    """What nobody could see the place of, with the block that is the first
    to say so."""
    first: dict[str, str] = {}
    for block in run.blocks:
        for what in block.unseen:
            first.setdefault(what, block.name)
    return [f"{name}: {what}" for what, name in first.items()]


def case_title(case: tuple[str, int, str]) -> str:
    workload, threads, placement = case
    title = f"{workload}, {threads} thread{'s' * (threads != 1)}"
    return f"{title}, {placement}" if placement else title


@dataclass
class Total:
    """One fix under one workload, all blocks together."""

    fix: str
    operations: int
    latency: Histogram | None
    latency_reason: str
    series: Series | None
    waits: dict[str, tuple[int, int, int]] | None
    stall: tuple[int, int, int] | None
    violated: int
    checked: int


def percentiles(latency: Histogram) -> list[float | None]:
    """Those of SHARES; None where fewer than one value is to lie beyond."""
    values = latency.quantiles(SHARES)
    return [float(v) if latency.count * (1 - share) >= 0.9999 else None
            for v, share in zip(values, SHARES)]


def closed_first(cases: list[tuple]) -> list[list[tuple]]:
    """Closed and open loops, which no table has together; none is empty."""
    parts = [[c for c in cases if c[0].startswith(OPEN) == is_open]
             for is_open in (False, True)]
    return [part for part in parts if part]


def add_waits(parts: list[tuple[int, int, int]]) -> tuple[int, int, int]:
    return (sum(p[0] for p in parts), sum(p[1] for p in parts),
            max(p[2] for p in parts))


def total(rows: list[Row]) -> Total:
    latencies = [r.latency for r in rows if r.latency is not None]
    waits = [r.waits for r in rows if r.waits is not None]
    stalls = [r.stall for r in rows if r.stall is not None]
    return Total(
        rows[0].fix, sum(r.operations for r in rows),
        histogram.merge(latencies) if latencies else None,
        rows[0].latency_reason,
        Series.joined([r.series for r in rows if r.series is not None]),
        {k: add_waits([w[k] for w in waits]) for k in WAITS} if waits
        else None,
        add_waits(stalls) if stalls else None,
        sum(r.violated for r in rows), sum(r.checked for r in rows))


def totals(run: Run, case: tuple) -> list[Total]:
    """Every fix that was measured under a workload."""
    keys = [key for key in run.first.rows if key[0] == case]
    return [total([b.rows[key] for b in run.blocks]) for key in keys
            if key[1] != IDLE]


def machine_of(side: Side) -> tuple:
    """What tells machines apart; guests may share a name."""
    return tuple(str(side.run.machine.get(key)) for key in
                 ("host", "cpu_model", "processors"))


def one_machine(comparison: Comparison) -> bool:
    """Times of several machines are never shown beside each other."""
    return len({machine_of(side) for side in comparison.sides}) == 1


NO_TIMES = ("Not shown: times of several machines are not to be compared. "
            "scripts/report on each run alone has them.")


def counts(comparison: Comparison) -> dict[str, int]:
    """How many rows of the family got which verdict."""
    found: dict[str, int] = {}
    for side in comparison.sides:
        for result in side.results.values():
            if result.confirmatory:
                found[result.verdict] = found.get(result.verdict, 0) + 1
    return found


def groups(side: Side) -> dict[str, list[tuple]]:
    """The cases of each workload: "lookup" -> those named lookup/..."""
    found: dict[str, list[tuple]] = {}
    for case in side.cases():
        found.setdefault(case[0].partition("/")[0], []).append(case)
    return found


def fixes_of(side: Side) -> list[str]:
    """The implementations compared, as the run ordered them."""
    return list(dict.fromkeys(r.fix for r in side.results.values()
                              if r.role == CONFIRMATORY_ROLE))
