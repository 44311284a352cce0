# SPDX-License-Identifier: GPL-2.0-only
"""The table of verdicts as text, with the kernel's word below its rows."""
from __future__ import annotations

import math

from bench.report import confirm, summary, units
from bench.report.columns import wrap
from bench.report.compare import (EQUIVALENT, FASTER, INCONCLUSIVE,
                                  NOT_MEASURED, SLOWER, TWIN_ROLE, VIOLATED,
                                  Comparison, Result, Side, in_time)
from bench.report.load import BASELINE, TWIN

HEAD = (f"  {'':<20} {'verdict':<12} {'ratio':>5} {'95 % interval':^13} "
        f"{'adj. p':>6} {'mde':>5} {'n':>3}")
# Of rows whose cost is a time.
TIME_HEAD = (f"  {'':<20} {'verdict':<12} {'more':>9} "
             f"{'95 % interval':^15} {'adj. p':>6} {'n':>3}")


def within(result: Result, comparison: Comparison) -> bool:
    """Is a difference, though found, smaller than delta for certain?"""
    margin = math.log1p(comparison.options.delta)
    return (result.verdict in (FASTER, SLOWER) and result.interval is not None
            and max(map(abs, result.interval)) <= margin)


def result_lines(result: Result, comparison: Comparison,
                 name: str = "") -> list[str]:
    name = name or result.fix
    if result.verdict in (NOT_MEASURED, VIOLATED):
        return wrap(f"{name:<20} {result.verdict}: {result.why}",
                    " " * 23, "  ")
    mark = "*" if within(result, comparison) else ""
    lines = [] if len(name) <= 20 else [f"  {name}"]
    name = name if len(name) <= 20 else ""
    if in_time(result.case):
        more, span = time_cells(result, comparison)
        lines.append(f"  {name:<20} {result.verdict + mark:<12} {more:>9} "
                     f"{span:>15} {units.p_value(result.p_adjusted):>6} "
                     f"{len(result.units):>3}")
        return lines + wrap(result.why, " " * 4)
    span = units.interval(result.interval)
    # A long interval takes of its neighbour's blanks.
    lines.append(f"  {name:<20} {result.verdict + mark:<12} "
                 f"{units.ratio(result.estimate):>5} {span:>13} "
                 f"{units.p_value(result.p_adjusted):>6} "
                 f"{units.percent(result.detectable):>5} "
                 f"{len(result.units):>3}")
    return lines + wrap(result.why, " " * 4)


def time_cells(result: Result, comparison: Comparison) -> tuple[str, str]:
    """No time of one machine stands beside another's."""
    if not result.more or not summary.one_machine(comparison):
        return "-", "-"
    return units.more(result.more.estimate, result.more.interval)


def verdict_lines(comparison: Comparison,
                  kernel: dict | None = None) -> list[str]:
    """The pre-declared family; several machines beside each other."""
    if len(comparison.sides) > 1:
        return side_by_side(comparison, kernel)
    side = comparison.sides[0]
    lines: list[str] = []
    for part in summary.closed_first(side.cases()):
        lines += loop_heading(part, lines)
        head = ""
        for case in part:
            rows = [r for r in side.of(case) if r.confirmatory]
            if not rows:
                continue
            new = head_of(case)
            if new != head:
                lines += ([""] if head else []) + [new]
            head = new
            lines.append(summary.case_title(case))
            for note in case_notes(side, case, kernel):
                lines += wrap(note, "    ", "  ")
            for row in rows:
                lines += result_lines(row, comparison)
                lines += beside_row(row, side, kernel)
            lines += twin_lines(side, case)
            for note in case_end(side, case, kernel):
                lines += wrap(note, "    ", "  ")
    return lines


def head_of(case: tuple) -> str:
    return (TIME_HEAD if in_time(case) else HEAD).rstrip()


def case_notes(side: Side, case: tuple, kernel: dict | None,
               times: bool = True) -> list[str]:
    """What the baseline did wrong, and how long it takes."""
    note = summary.baseline_note(side, case)
    if note and kernel:
        note += f"; {confirm.of_baseline(case, kernel)}"
    time = summary.base_time(side, case) if times else ""
    return [line for line in (note, time) if line]


def case_end(side: Side, case: tuple, kernel: dict | None) -> list[str]:
    """Who met nothing; where the kernel sees no order."""
    lines = []
    idle = summary.met_none(side, case)
    if idle:
        lines.append(f"no stale, linked block was met by {', '.join(idle)}")
    return lines + (confirm.ties(side, case, kernel) if kernel else [])


def beside_row(row: Result, side: Side, kernel: dict | None,
               indent: str = "    ") -> list[str]:
    """What it met, if anything, and what the kernel says."""
    lines = wrap(summary.met_text(side, row), indent + "  ", indent)
    said = confirm.word(row, side, kernel) if kernel else None
    return lines + (wrap(said.text(), indent + "  ", indent) if said else [])


def loop_heading(cases: list[tuple], before: list[str]) -> list[str]:
    """Above a table of open loops, which is not one with closed loops'."""
    if not cases[0][0].startswith(summary.OPEN):
        return []
    return [""] * bool(before) + wrap(
        "Open loop: operations arrive at a given rate, and are timed from "
        "when they were to start.")


def twin_lines(side: Side, case: tuple, name: str = TWIN) -> list[str]:
    """What the same source, compiled again, came to in the same rounds."""
    lines = []
    for r in side.of(case):
        if r.role != TWIN_ROLE or not len(r.units):
            continue
        if r.more:
            more, span = units.more(r.more.estimate, r.more.interval)
            lines.append(f"  {name:<20} {'(A/A)':<12} {more:>9} {span:>15} "
                         f"{'':>6} {len(r.units):>3}")
        else:
            lines.append(f"  {name:<20} {'(A/A)':<12} "
                         f"{units.ratio(r.estimate):>5} "
                         f"{units.interval(r.interval):>13} {'':>6} {'':>5} "
                         f"{len(r.units):>3}")
    return lines


def side_by_side(comparison: Comparison, kernel: dict | None) -> list[str]:
    """A line per row and run; times only if all are of one machine."""
    lines: list[str] = []
    known: dict[tuple, None] = {}
    for side in comparison.sides:
        known.update({(c[0], r.fix): None for c in side.cases()
                      for r in side.of(c) if r.confirmatory})
    title, head = None, ""
    for workload, fix in known:
        new = head_of((workload,))
        if new != head:
            lines += ([""] if head else []) + [new]
            head = new
        if workload != title:
            lines.append(workload)
            title = workload
        lines.append(f" {fix}")
        for side in comparison.sides:
            lines += one_side(side, workload, fix, comparison, kernel)
    return lines


def one_side(side: Side, workload: str, fix: str,
             comparison: Comparison, kernel: dict | None) -> list[str]:
    found = [r for c in side.cases() if c[0] == workload
             for r in side.of(c) if r.fix == fix]
    if not found:
        return [f"  {side.label:<20} not in this run"]
    lines = []
    for r in found:
        name = f"{side.label}, {r.case[1]} thread{'s' * (r.case[1] != 1)}"
        lines += result_lines(r, comparison, name)
        if summary.one_machine(comparison):
            lines += beside_row(r, side, kernel)
    return lines


def verdict_legend(comparison: Comparison) -> list[str]:
    o = comparison.options
    sizes = {r.blocks for s in comparison.sides for r in s.results.values()
             if r.confirmatory and r.blocks}
    blocks = " to ".join(map(str, sorted({min(sizes), max(sizes)}))) \
        if sizes else "0"
    plural = "es" * (blocks != "1")
    layouts = ", ".join(f"{s.run.layouts or 1}" for s in comparison.sides)
    return wrap(
        f"Ratio: time per operation over that of {BASELINE} in the same "
        "round; median over rounds, then over n independent units: blocks "
        f"({blocks} process{plural}; K = {layouts} layouts), or layouts where "
        "several blocks share one. More: the same of differences, where a "
        "ratio would only say how short the operation is. Interval: sign test "
        f"inverted, {100 * (1 - o.alpha):g} % per row, so that some leave 1 "
        "out by chance. adj. p, which decides: exact sign test, Holm over "
        f"all {comparison.family} rows of this table. mde: "
        "minimum detectable effect, the difference that n such units find "
        f"with 80 % power after that. {EQUIVALENT}: the whole interval is "
        f"within +-{100 * o.delta:g} %, and Holm over that question agrees. "
        f"*: found, yet certainly within +-{100 * o.delta:g} %. "
        f"{INCONCLUSIVE}: neither a difference nor equivalence is shown. "
        f"{TWIN}: {BASELINE} compiled again, whatever it differs by is error "
        "of measurement.")


def standing(side: Side) -> list[str]:
    """What keeps the verdicts of a run from being any."""
    lines: list[str] = []
    if side.broken:
        lines += wrap("AN INVARIANT BROKE, so no timing of this run counts: "
                      + "; ".join(side.broken))
    for why in side.no_verdict:
        lines += wrap(f"No verdict: {why}.")
    return lines
