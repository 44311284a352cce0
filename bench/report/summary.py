# SPDX-License-Identifier: GPL-2.0-only
"""What text and HTML both show: rows of tables, ready to be laid out."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.report import histogram, units
from bench.report.compare import (CONFIRMATORY_ROLE, Comparison, Result, Side,
                                  in_time, violations)
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


@dataclass(frozen=True)
class Met:
    """What a fix waited for lists, where it met stale, linked blocks."""

    blocks: int | None      # None: not counted
    waits: int
    ns: int
    operations: int     # in which that was counted

    def text(self, operation: str) -> str:
        """Milliseconds per met block and per operation."""
        if self.blocks == 0 and not self.waits:
            return ""
        if self.blocks is None:
            who = f"waited {self.waits} times for a list"
        else:
            who = (f"met {self.blocks} stale, linked block"
                   f"{'s' * (self.blocks != 1)}")
        if not self.waits:
            return f"{who}, waited for none"
        each = self.ns / (self.blocks or self.waits) / 1e6
        per = self.ns / self.operations / 1e6
        return (f"{who}: {units.figure(each)} ms waited for each, "
                f"{units.figure(per)} ms a {operation}")


def met(side: Side, case: tuple, fix: str) -> Met | None:
    """None: nothing of it was counted."""
    rows = [b.rows[case, fix] for b in side.run.blocks]
    rows = [r for r in rows if r.waits and r.counted]
    if not rows:
        return None
    waits = add_waits([r.waits["list"] for r in rows])
    known = all("meetings" in r.counters for r in rows)
    return Met(int(sum(r.counters["meetings"] for r in rows)) if known
               else None, waits[0], waits[1],
               sum(r.counted for r in rows))


def operation(case: tuple) -> str:
    return "repair" if case[0].startswith("repair_storm") else "load"


def met_text(side: Side, result: Result) -> str:
    """Under a row whose cost is a time, if anything was met."""
    if not in_time(result.case) or not result.confirmatory:
        return ""
    found = met(side, result.case, result.fix)
    return found.text(operation(result.case)) if found else ""


def met_none(side: Side, case: tuple) -> list[str]:
    """The fixes of a case that had nothing to wait for."""
    found = {r.fix: met(side, case, r.fix) for r in side.of(case)
             if r.confirmatory and in_time(case)}
    return [fix for fix, m in found.items()
            if m and m.blocks == 0 and not m.waits]


def base_time(side: Side, case: tuple) -> str:
    """What an operation takes without a fix, where a ratio says little."""
    base = [b.rows.get((case, BASELINE)) for b in side.run.blocks]
    medians = [float(np.median(r.batches)) for r in base
               if r and r.batches is not None and len(r.batches)]
    if not medians or not in_time(case):
        return ""
    return (f"a {operation(case)} takes "
            f"{units.time(float(np.median(medians)))} with {BASELINE}")


@dataclass
class Total:
    """One fix under one workload, all blocks together."""

    fix: str
    operations: int
    counted: int
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
        sum(r.counted for r in rows),
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


# Runs of before have them of the timed copies, which then counted.
COUNTED = ("Waits, stalls and counters are of instrumented copies of the "
           "fixes, in a round of their own; times are of copies that count "
           "nothing.")
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
