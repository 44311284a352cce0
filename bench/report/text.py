# SPDX-License-Identifier: GPL-2.0-only
"""The comparison as text of at most 72 columns, for a mailing list."""
from __future__ import annotations

from bench.report import (about, confirm, control, counters, distance,
                          summary, units)
from bench.report.columns import command, heading, pairs, wrap
from bench.report.compare import (COST, EQUIVALENT, FASTER, FLOOR_ROLE,
                                  INCONCLUSIVE, MEMORY, NOT_MEASURED,
                                  NO_VERDICT, QUANTILES, SLOWER, TWIN_ROLE,
                                  VIOLATED, Comparison, Side)
from bench.report.load import BASELINE, WAITS
from bench.report.review import answers
from bench.report.timeline import events_of, headline, replay
from bench.report.verdicts import (loop_heading, standing, verdict_legend,
                                   verdict_lines)

QUESTION = (
    "XFS online repair can commit the root of a new btree before all its "
    "blocks are on disk, because a freed and reused buffer may still be "
    "linked on a delayed-write list of somebody else. Which of the fixes "
    "that were proposed is correct, and what does each cost?")


# --- correctness -------------------------------------------------------------

def matrix_lines(side: Side) -> list[str]:
    matrix = summary.judged(side.run)
    if not matrix:
        return wrap(f"Not checked: {side.run.matrix_reason}. Without it a "
                    "fast fix may be a wrong one.")
    hazards = [h for h in summary.HAZARDS
               if any(h in cells for cells in matrix.values())]
    lines = [f"{'':<22}" + "".join(f" {summary.HAZARDS[h][0]:<3}"
                                   for h in hazards).rstrip()]
    for fix, cells in matrix.items():
        marks = "".join(f" {summary.mark(cells.get(h)):<3}" for h in hazards)
        lines.append(f"{fix:<22.22}{marks}".rstrip())
    lines += [""] + wrap("ok: held in every scenario; no: broken; BAD: broken "
                         "in spite of its claim; ?: could not be tested; -: "
                         "not run.")
    for hazard in hazards:
        short, meaning = summary.HAZARDS[hazard]
        lines += wrap(f"{hazard}: {meaning}", " " * 6, f"{short}   ")
    for (fix, why), which in summary.untested(side.run).items():
        lines += wrap(f"? {fix}, {', '.join(which)}: {why}", "  ", "")
    return lines


def evidence_lines(side: Side) -> list[str]:
    """One line per violation; the first one's timeline in full."""
    lines: list[str] = []
    for fix, cells in summary.judged(side.run).items():
        for hazard, cell in cells.items():
            if cell["verdict"] == "violated":
                lines += wrap(f"{fix}, {hazard} ({cell['violated']} of "
                              f"{cell['runs']} runs): "
                              f"{headline(cell['evidence'])}", "  ", "")
    control_cell = (side.run.matrix or {}).get(BASELINE, {}).get("ordering")
    events = events_of(control_cell["evidence"]) if control_cell else []
    if events:
        lines += ["", f"{BASELINE}, ordering, step by step (Q queued, S "
                      "stale, P pinned):", ""]
    for e in events:
        state = "" if e.flags is None else (
            f"{e.flags} {'linked' if e.linked else '-':<6} "
            f"{'locked' if e.locked else '-'}")
        lines.append(f"{e.ms:8.1f} {e.actor:<8} {e.step:<20.20} "
                     f"{state}".rstrip())
    again = replay(control_cell["evidence"]) if control_cell else ""
    if again:
        lines += ["", f"  {again}"]
    return lines


# --- what is exploratory -----------------------------------------------------

def exploratory_lines(side: Side) -> list[str]:
    """The floors; the rest is too much for a mail."""
    lines = []
    for case in side.cases():
        rows = [r for r in side.of(case)
                if r.role == FLOOR_ROLE and len(r.units)]
        if rows:
            lines.append(summary.case_title(case))
        lines += [f"  {r.fix:<33.33} {units.ratio(r.estimate):>5} "
                  f"{units.interval(r.interval):>13} {units.p_value(r.p):>6}"
                  for r in rows]
    if lines:
        lines.insert(0, f"  {'floors: the least work':<33} {'ratio':>5} "
                        f"{'95 % interval':>13} {'p':>6}")
    memory = [r for r in side.results.values()
              if r.metric == MEMORY and r.role != FLOOR_ROLE]
    if memory:
        lines.append(f"  {'peak memory of a process':<33} {'ratio':>5} "
                     f"{'95 % interval':>13} {'p':>6}")
    for r in memory:
        name = f"{r.case[0]}, {r.fix}"
        lines.append(f"  {name:<33.33} {units.ratio(r.estimate):>5} "
                     f"{units.interval(r.interval):>13} "
                     f"{units.p_value(r.p):>6}")
    ratios = [r for r in side.results.values() if r.metric in QUANTILES]
    if ratios:
        lines += wrap("Ratios of the percentiles "
                      f"{' and '.join(QUANTILES)}: in report.html.")
    return lines or ["Nothing."]


def compared(side: Side, case: tuple) -> list[summary.Total]:
    """The baseline and the fixes, without twin and floors."""
    fixes = {BASELINE, *summary.fixes_of(side)}
    return [t for t in summary.totals(side.run, case) if t.fix in fixes]


def latency_lines(side: Side) -> list[str]:
    lines: list[str] = []
    reasons: dict[str, list[str]] = {}
    for part in summary.closed_first(side.cases()):
        made = []
        for case in part:
            made += case_latency(side, case, reasons)
        if made:
            lines += loop_heading(part, lines)
            lines.append(f"  {'':<22} {'p50':>9} {'p99':>9} {'p99.9':>9} "
                         f"{'max':>9} {'number':>7}")
        lines += made
    if lines:
        lines += wrap("To 1 %. -: too few for that percentile. Number: of "
                      "operations timed singly.")
    for reason, cases in reasons.items():
        lines += wrap(f"None for {', '.join(cases)}: {reason}.", "  ", "")
    return lines


def case_latency(side: Side, case: tuple,
                 reasons: dict[str, list[str]]) -> list[str]:
    """Rows of one case; why there are none goes to `reasons`."""
    found = compared(side, case)
    rows = [t for t in found if t.latency]
    if not rows:
        reasons.setdefault(found[0].latency_reason if found else "",
                           []).append(case[0])
        return []
    lines = [summary.case_title(case)]
    for t in rows:
        cells = [units.time(v) if v is not None else "-"
                 for v in (*summary.percentiles(t.latency),
                           t.latency.largest)]
        lines.append(f"  {t.fix:<22.22}" + "".join(f" {c:>9}" for c in cells)
                     + f" {t.latency.count:>7}")
        if t.series:
            lines += wrap(t.series.text(), "      ", "    ")
    return lines


def wait_cell(ns: float) -> str:
    """In seven columns."""
    if 0 < ns < 1:
        return f"{ns:.2f} ns" if ns >= 0.005 else "<.01 ns"
    return units.time(ns) if ns else "0"


def wait_lines(side: Side) -> list[str]:
    lines, quiet = [], []
    for case in side.cases():
        rows = [t for t in compared(side, case) if t.waits and t.counted]
        if not any(t.waits[k][0] for t in rows for k in WAITS):
            quiet.append(case[0])
            continue
        lines.append(summary.case_title(case))
        for t in rows:
            cells = [t.waits[k][1] / t.counted for k in WAITS]
            cells.append(max(t.waits[k][2] for k in WAITS))
            texts = [wait_cell(c) for c in cells]
            texts.append(units.time(t.stall[2]) if t.stall else "-")
            lines.append(f"  {t.fix:<22.22}"
                         + "".join(f" {x:>7}" for x in texts))
    if lines:
        lines.insert(0, f"  {'per operation':<22}" + "".join(
            f" {k:>7}" for k in [*WAITS, "longest", "stall"]))
        lines += wrap("longest: of any wait; stall: the longest that others "
                      "were delayed by what a waiter held; -: not measured. "
                      + summary.COUNTED)
    if quiet:
        lines += wrap(f"Nobody waited in {', '.join(quiet)}.", "  ", "")
    return lines


# --- trust -------------------------------------------------------------------

def control_lines(side: Side, comparison: Comparison) -> list[str]:
    options = comparison.options
    aa = control.control_of(side, options)
    lines: list[str] = []
    if aa.reason:
        lines += wrap(f"A/A: {aa.reason}.")
    else:
        if aa.failed:
            lines += wrap("WARNING: the baseline differs from its own copy "
                          "more often than alpha allows: believe no verdict "
                          "of this run.")
        lines += wrap(
            f"A/A at alpha {options.alpha:g}: {BASELINE} was declared "
            "different from its own twin, the same source compiled again, "
            f"in {aa.whole.text()} workloads with all units, and in "
            f"{aa.groups.text()} disjoint groups of {aa.group_size} units. "
            "The intervals take comparisons for independent; workloads of "
            "one block are not quite.")
    rows = control.measured_rows(side)
    twins = [r for r in rows if r.role == TWIN_ROLE]
    lines += wrap(f"Ratio of the twin: {control.typical_spread(twins)}."
                  if twins else "Ratio of the twin: not measured.")
    lines += wrap("Ratios of the fixes (median row): "
                  + control.typical_spread([r for r in rows
                                            if r.role != TWIN_ROLE]) + ".")
    lines += discarded_lines(side)
    return lines


def discarded_lines(side: Side) -> list[str]:
    lines = wrap(f"Discarded: {len(side.run.discarded)} of "
                 f"{len(side.run.blocks) + len(side.run.discarded)} blocks"
                 + (":" if side.run.discarded else "."))
    for what in side.run.discarded:
        lines += wrap(what, "    ", "  ")
    for what in summary.unseen(side.run):
        lines += wrap(f"perhaps not as placed: {what}", "    ", "  ")
    dropped = {d for r in side.results.values() if r.metric == COST
               and len(r.units) for d in r.series.dropped}
    for what in sorted(dropped)[:5]:
        lines += wrap(f"row left out: {what}", "    ", "  ")
    if len(dropped) > 5:
        lines.append(f"  and {len(dropped) - 5} more rows of single blocks")
    return lines


def review_lines(comparison: Comparison, kernel: dict | None) -> list[str]:
    lines: list[str] = []
    for i, answer in enumerate(answers(comparison, kernel), 1):
        lines += wrap(f"{i}. {answer.question}", "   ", "")
        for line in answer.lines:
            lines += wrap(line, "   ")
        lines += [f"   {line}" for line in
                  command(f"$ {answer.command}", "  ")] + [""]
    return lines[:-1]


def machine_lines(side: Side) -> list[str]:
    return pairs(about.machine(side.run) + about.activity(side.run)
                 + about.design(side.run))


def summary_lines(comparison: Comparison,
                  kernel: dict | None = None) -> list[str]:
    """The first thing that is read."""
    counted = summary.counts(comparison)
    words = [f"{counted[v]} {v}" for v in
             (FASTER, SLOWER, EQUIVALENT, INCONCLUSIVE, NO_VERDICT, VIOLATED,
              NOT_MEASURED) if v in counted]
    lines = wrap(f"Of {comparison.family} rows (fix x workload"
                 + (" x run" if len(comparison.sides) > 1 else "")
                 + f"): {', '.join(words)}.")
    lines += wrap(confirm.sentence(comparison, kernel))
    for side in comparison.sides:
        broken = sorted({fix for fix, cells in summary.judged(side.run).items()
                         if any(c["verdict"] == "violated"
                                for c in cells.values())})
        clean = [f for f, cells in summary.judged(side.run).items()
                 if all(c["verdict"] == "holds" for c in cells.values())]
        if clean or broken:
            lines += wrap("Hold every hazard tested: "
                          f"{', '.join(clean) or 'no fix'}. Violate one or "
                          f"more: {', '.join(broken) or 'no fix'}.")
            break
    return lines


def run_lines(comparison: Comparison) -> list[str]:
    lines: list[str] = []
    for side in comparison.sides:
        label = f"{side.label}: " if len(comparison.sides) > 1 else ""
        lines += wrap(f"{label}{side.run.name}: {about.short(side.run)}",
                      "    ", "")
        lines += standing(side)
    return lines


def compare_text(comparison: Comparison) -> str:
    """What scripts/compare prints."""
    lines = run_lines(comparison)
    lines += [""] + verdict_lines(comparison)
    lines += [""] + verdict_legend(comparison)
    for side in comparison.sides:
        if len(comparison.sides) > 1:
            lines += ["", side.label]
        lines += [""] + control_lines(side, comparison)
    return "\n".join(lines) + "\n"


def report_text(comparison: Comparison, kernel: dict | None = None) -> str:
    """report.txt"""
    many = len(comparison.sides) > 1
    lines = ["delwribench: fixes for XFS delayed-write buffers, compared",
             "=" * 58, ""] + wrap(QUESTION) + [""]
    lines += run_lines(comparison) + [""] + summary_lines(comparison, kernel)
    lines += heading("Correctness")
    verified = next((s for s in comparison.sides if s.run.matrix),
                    comparison.sides[0])
    lines += matrix_lines(verified)
    for line in summary.matrix_differences(comparison.sides):
        lines += wrap(line, "    ", "")
    for line in confirm.trials(verified, kernel) if kernel else []:
        lines += wrap(line, "  ", "")
    lines += heading("Cost: verdicts") + verdict_lines(comparison, kernel)
    lines += [""] + verdict_legend(comparison)
    lines += heading("The questions of the review")
    lines += review_lines(comparison, kernel)
    if verified.run.matrix:
        lines += heading("What broke") + evidence_lines(verified)
    times = summary.one_machine(comparison)
    if not times:
        lines += heading("Latency and waits") + wrap(summary.NO_TIMES)
    for side in comparison.sides:
        title = f" ({side.label}, {side.run.name})" if many else ""
        lines += heading(f"Can this be believed?{title}")
        lines += control_lines(side, comparison)
        if times:
            lines += heading(f"Latency of single operations{title}")
            lines += latency_lines(side)
            lines += heading(f"Waits{title}") + wait_lines(side)
            lines += heading(f"Counters{title}") + counters.lines(side)
            apart = distance.lines(side.run, BASELINE)
            if apart:
                lines += heading(f"Distance{title}") + apart
        lines += heading(f"Exploratory: no verdicts{title}")
        lines += exploratory_lines(side)
        lines += heading(f"Machine and design{title}") + machine_lines(side)
    lines += heading("To reproduce")
    lines += about.checkout(comparison.sides[0].run)
    for side in comparison.sides:
        lines += command(about.command(side.run))
    lines += ["scripts/report RUN     (RUN: the folder that it prints)"]
    return "\n".join(lines) + "\n"
