# SPDX-License-Identifier: GPL-2.0-only
"""Whether the kernel confirms what a row of the model says.

Directions only: its paces are not the model's, and times of emulated
processors are none.  A sleep is as long there as anywhere.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

from bench.linux import verdict
from bench.report import fidelity
from bench.report.agreement import ENOUGH_POWER
from bench.report.compare import (EQUIVALENT, FASTER, SLOWER, VIOLATED,
                                  Comparison, Result, Side)
from bench.report.load import BASELINE, Row
from bench.report.pace import is_of
from bench.report.rates import Figure, rate, short

CONFIRMED, TIE = "confirmed", "not confirmed"
CONTRADICTED, NOT_MEASURED = "contradicted", "not measured"
ORDER = (CONFIRMED, TIE, CONTRADICTED, NOT_MEASURED)
CLAIMS = (FASTER, SLOWER, EQUIVALENT, VIOLATED)
# Model's workload, kernel's scenario.
SCENARIOS = {"repair_storm/1": "natural", "repair_storm/1k": "widened",
             "repair_storm/100k": "long_list", "churn": "churn_alone",
             "open/churn": "churn_alone"}
# Where nobody contends: instructions say something of them.
HITS = re.compile(r"lookup/(own_\w+|independent)")


@dataclass(frozen=True)
class Word:
    """The kernel's, on one row."""

    verdict: str
    why: str

    def text(self) -> str:
        return f"kernel: {self.verdict}: {self.why}"


class Kernel:
    """A run of scripts/kernel as a witness."""

    def __init__(self, data: dict) -> None:
        self.data = data

    def steps(self, case: tuple, fix: str) -> list[dict]:
        scenario = SCENARIOS.get(case[0], "")
        return verdict.by_fix(self.data, scenario).get(fix, []) \
            if scenario else []

    def unknown(self, fix: str, figure: str) -> bool:
        return any(verdict.unknown(self.data, f, figure)
                   for f in (fix, BASELINE))

    def waits(self, case: tuple, fix: str) -> Figure | None:
        """For a list, per load, or per lookup where nothing is loaded."""
        steps = self.steps(case, fix)
        exposure = verdict.total(steps, "loads") \
            or verdict.total(steps, "lookups")
        if not exposure or verdict.unknown(self.data, fix, "wait_count"):
            return None
        return rate(int(verdict.total(steps, "wait_count")), exposure,
                    verdict.cluster(steps, "wait_count"))

    def instructions(self, fix: str) -> list[float]:
        """Of a hit, in each of its steps."""
        return [s["lookup_min_ps"] / 1000
                for s in verdict.by_fix(self.data, "cost").get(fix, [])
                if "lookup_min_ps" in s]


def word(result: Result, side: Side, kernel: dict) -> Word | None:
    """None: the row claims nothing."""
    if not result.confirmatory or result.verdict not in CLAIMS:
        return None
    of = Kernel(kernel)
    rows = [b.rows[result.case, result.fix] for b in side.run.blocks]
    cache = side.run.first.cache
    if not is_of({"cache": cache}, kernel["kernel"]):
        return Word(NOT_MEASURED, f"the run's cache is {cache}'s, the "
                                  f"kernel {kernel['kernel']}")
    if result.verdict == VIOLATED:
        return lost(result.case, result.fix, of)
    if HITS.fullmatch(result.case[0]):
        return by_instructions(result, of)
    if result.case[0] not in SCENARIOS:
        return Word(NOT_MEASURED, "no scenario of it")
    if not of.steps(result.case, result.fix) \
            or not of.steps(result.case, BASELINE):
        return Word(NOT_MEASURED, f"{SCENARIOS[result.case[0]]} was not run "
                                  f"with {result.fix} and {BASELINE}")
    if kernel["accelerator"] == "kvm":
        return by_time(result, of)
    return by_waits(result, rows, of)


def lost(case: tuple, fix: str, of: Kernel) -> Word:
    """Blocks not durable when their root was committed."""
    steps = of.steps(case, fix)
    blocks = int(verdict.total(steps, "blocks"))
    if not blocks:
        return Word(NOT_MEASURED, f"no load with {fix}")
    if verdict.unknown(of.data, fix, "not_durable"):
        return Word(NOT_MEASURED, "a hook that sees it found no place")
    bad = int(verdict.total(steps, "not_durable"))
    return Word(CONFIRMED if bad else TIE,
                f"{bad} of {blocks} blocks not durable")


def decided(claim: str, fix: Figure, none: Figure, why: str) -> Word:
    """Of a figure that is larger where things are slower."""
    slower, faster = none.below(fix), fix.below(none)
    if (claim == SLOWER and slower) or (claim == FASTER and faster):
        return Word(CONFIRMED, why)
    if slower or faster:
        return Word(CONTRADICTED, why)
    return Word(TIE, f"it ties: {why}")


def by_time(result: Result, of: Kernel) -> Word:
    fix, none = (fidelity.kernel_time(of.steps(result.case, f))
                 for f in (result.fix, BASELINE))
    if fix is None or none is None:
        return Word(NOT_MEASURED, "too few rounds for a time per repair")
    return decided(result.verdict, fix, none,
                   f"{short(fix.value)} ms a repair, {short(none.value)} "
                   f"with {BASELINE}")


def by_waits(result: Result, rows: list[Row], of: Kernel) -> Word:
    """Emulated: what slept for a list, and nothing else."""
    fix, none = (of.waits(result.case, f) for f in (result.fix, BASELINE))
    if fix is None or none is None:
        return Word(NOT_MEASURED, "a hook that sees waits found no place")
    steps = of.steps(result.case, result.fix)
    per = "loads" if verdict.total(steps, "loads") else "lookups"
    why = f"{fix.count} waits for a list in {fix.exposure:.0f} {per}"
    slept = verdict.total(steps, "wait_total_ns") / 1e6
    repairs = verdict.total(steps, "repairs")
    if repairs:
        why += f", {short(slept / repairs)} ms a repair"
    waited = sum(r.waits["list"][0] for r in rows if r.waits)
    if result.verdict == SLOWER and waited:
        if not fix.count:
            operations = sum(r.counted for r in rows)
            expected = waited / operations * fix.exposure
            if per == "loads":
                why += f"; by the model's rate {short(expected)}"
        return decided(SLOWER, fix, none, why)
    if none.below(fix):
        return Word(CONTRADICTED, why)
    return Word(NOT_MEASURED, "its processors were emulated, and nothing of "
                              "this is waiting for a list")


def by_instructions(result: Result, of: Kernel) -> Word:
    fix, none = of.instructions(result.fix), of.instructions(BASELINE)
    if not fix or not none:
        return Word(NOT_MEASURED, "no instructions were counted")
    mine, its = sum(fix) / len(fix), sum(none) / len(none)
    why = f"{mine:.0f} instructions a hit, {its:.0f} with {BASELINE}"
    if result.verdict == EQUIVALENT:
        return Word(CONFIRMED if abs(mine / its - 1) <= 0.02 else
                    CONTRADICTED, why)
    more, fewer = min(fix) > max(none), max(fix) < min(none)
    if (result.verdict == SLOWER and more) or \
            (result.verdict == FASTER and fewer):
        return Word(CONFIRMED, why)
    return Word(TIE, why)


def of_baseline(case: tuple, kernel: dict | None) -> str:
    """Of what the baseline did wrong in a case."""
    if kernel is None:
        return ""
    return lost(case, BASELINE, Kernel(kernel)).text()


def ties(side: Side, case: tuple, kernel: dict) -> list[str]:
    """Fixes that this table has far apart, and that tie in the kernel though
    it would have told them apart."""
    lines = []
    for workload, scenario, metrics in fidelity.PAIRS:
        if workload != case[0]:
            continue
        for table in fidelity.tables_of(side.run, kernel, workload, scenario,
                               [m for m in metrics if m.waits]):
            why: dict[str, list[str]] = {}
            for p in table.large():
                if BASELINE in (p.smaller, p.larger) \
                        or (p.power or 0) < ENOUGH_POWER:
                    continue
                high, low = (table.kernel[f] for f in (p.larger, p.smaller))
                why.setdefault(table.why(p), []).append(
                    f"{p.larger} over {p.smaller} x{short(p.factor)}, there "
                    f"{short(high.value)} to {short(low.value)} of "
                    f"{high.count} and {low.count} events")
            lines += [f"kernel: not confirmed, it ties: {table.metric}: "
                      f"{'; '.join(pairs)}. {reason[0].upper()}{reason[1:]}"
                      for reason, pairs in why.items()]
    return lines


def trials(side: Side, kernel: dict) -> list[str]:
    """What the kernel's trials say of the matrix: a line for each kind."""
    if not is_of({"cache": side.run.first.cache}, kernel["kernel"]):
        return [f"kernel: the run's cache is {side.run.first.cache}'s, the "
                f"kernel {kernel['kernel']}: no trial compared"]
    lines = []
    for table in fidelity.trials(side.run, kernel):
        found: dict[str, dict[str, list[str]]] = {}
        for fix, seen in table.kernel.items():
            broken = table.model[fix].value > 0
            said = (CONFIRMED if seen.count else TIE) if broken else \
                (CONTRADICTED if seen.count else "held")
            found.setdefault(said, {}).setdefault(
                f"{seen.count} of {seen.trials}", []).append(fix)
        parts = [f"{said}: " + ", ".join(
                     f"{', '.join(fixes)} {share}"
                     for share, fixes in by_share.items())
                 for said, by_share in found.items()]
        if parts:
            lines.append(f"kernel, {table.scenario}, trials that lost: "
                         f"{'; '.join(parts)}")
    return lines


def counted(comparison: Comparison, kernel: dict) -> dict[str, int]:
    """How many of the rows that claim something got which word."""
    found = {}
    for side in comparison.sides:
        for result in side.results.values():
            said = word(result, side, kernel)
            if said:
                found[said.verdict] = found.get(said.verdict, 0) + 1
    return found


def sentence(comparison: Comparison, kernel: dict | None) -> str:
    """For the summary."""
    if kernel is None:
        return ("No run of the kernel is beside this one, so no verdict here "
                "is confirmed by it: scripts/report RUN KERNEL-RUN.")
    found = counted(comparison, kernel)
    if not found:
        return (f"Linux {kernel['kernel']} has nothing to confirm: no row "
                "claims anything.")
    return (f"Of the rows that claim something, by Linux {kernel['kernel']}: "
            + ", ".join(f"{found[v]} {v}" for v in ORDER if v in found)
            + ".")
