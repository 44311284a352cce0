# SPDX-License-Identifier: GPL-2.0-only
"""What a run of scripts/kernel says of the review's questions, and the
estimate of how often a wake-up is lost.  None: it says nothing.
"""
from __future__ import annotations

import re

from bench.linux import complaints, verdict
from bench.report import units
from bench.report.rates import short

# Loads that met 0, 1, 2, 3 and at least so many blocks: the lists in a step.
MOST = 4
LITMUS = re.compile(r"(\d+) of (\d+) wake-ups lost.*?; (\d+) raced")
# How long the link and the look for sleepers stand reordered.
WINDOW_NS = 100
YEAR_S = 365.25 * 24 * 3600


def assertions(kernel: dict) -> list[str]:
    rows = verdict.by_fix(kernel, "assert")
    where = f"In the real kernel, Linux {kernel['kernel']}"
    if not rows:
        return [f"{where}: not tried in the run that was named."]
    lines = []
    for one in complaints.assertions(
            [s for steps in rows.values() for s in steps]):
        by = ", ".join(f"{fix} {times} in "
                       f"{verdict.total(rows[fix], 'seconds'):.3g} s"
                       for fix, times in one.times.items())
        lines.append(f"{where}: {one.what}: {by}; {one.under()}.")
    silent: dict[str, list[str]] = {"0": [], "?": []}
    for fix, steps in rows.items():
        silent.setdefault(complaints.count(steps), []).append(fix)
    if silent["0"]:
        least = min(verdict.total(rows[fix], "seconds")
                    for fix in silent["0"])
        lines.append(f"{where if not lines else 'There'}, 0 in {least:.3g} s"
                     f"{' each' if len(silent['0']) > 1 else ''}: "
                     f"{', '.join(silent['0'])}.")
    if silent["?"]:
        lines.append(f"Unknown: {', '.join(silent['?'])}.")
    control = complaints.no_control(rows)
    return lines + ([f"{control}, so the zeros show nothing."]
                    if control else [])


def storms(kernel: dict) -> list[str]:
    """Scenarios in which things were counted, not tried."""
    names = dict.fromkeys(s["scenario"] for s in verdict.done(kernel))
    return [n for n in names if n not in ("assert", "cost") and not any(
        verdict.mode(s) for s in verdict.done(kernel, n))]


def waits(kernel: dict, scenario: str, fix: str) -> list[dict] | None:
    """Its steps, if what waits was seen; None: not run, or not known."""
    steps = verdict.by_fix(kernel, scenario).get(fix)
    if not steps or verdict.unknown(kernel, fix, "wait_count"):
        return None
    return steps


def longest_waits(kernel: dict, fix: str) -> list[str]:
    """However long: in which storm, of how many."""
    count, longest, where = 0, 0.0, ""
    for scenario in storms(kernel):
        for step in waits(kernel, scenario, fix) or []:
            count += step.get("wait_count", 0)
            if step.get("wait_max_ns", 0) > longest:
                longest, where = step["wait_max_ns"], scenario
    if not count:
        return [f"In the kernel's run {fix} never waited, so that says "
                "nothing of how long it may be."]
    return [f"In the kernel's run the longest of {count} waits with {fix} "
            f"took {units.time(longest)} ({where}); all of them ended."]


def long_list(kernel: dict, fixes: list[str]) -> list[str]:
    """The scenario with 100,000 buffers more on the AIL's list."""
    rows = verdict.by_fix(kernel, "long_list")
    if not rows:
        return ["In the real kernel: long_list was not run."]
    every = [s for steps in rows.values() for s in steps]
    most = max(s.get("ail_queued_max", 0) for s in every)
    parts = []
    for fix in fixes:
        steps = waits(kernel, "long_list", fix)
        if steps is None:
            parts.append(f"{fix}: not known")
            continue
        count = int(verdict.total(steps, "wait_count"))
        if not count:
            parts.append(f"{fix} never waited")
            continue
        total = verdict.total(steps, "wait_total_ns")
        longest = max(s.get("wait_max_ns", 0) for s in steps)
        agf = int(verdict.total(steps, "wait_with_agf"))
        held = "" if not agf else f", {agf} with an AGF locked" \
            if agf < count else ", always with an AGF locked"
        parts.append(f"{fix} waited {count} times{held}, mean "
                     f"{units.time(total / count)}, longest "
                     f"{units.time(longest)}")
    return [f"In the real kernel, with up to {most:,} buffers on the AIL's "
            f"list (long_list): {'; '.join(parts)}.",
            "How long a list's lock is held was not measured in the kernel: "
            "stock 6.12 has none, and the lane counts no lock of a fix."]


def cycles(kernel: dict, fixes: list[str]) -> list[str]:
    """AIL cycles of a bulk load, by how many linked blocks it met."""
    lines = []
    for scenario in storms(kernel):
        rows = verdict.by_fix(kernel, scenario)
        parts = []
        for fix in fixes:
            found = by_met(rows.get(fix, []))
            if found:
                parts.append(f"{fix}: {'; '.join(found)}")
        if parts:
            lines.append(f"In the real kernel, {scenario}, bulk loads by the "
                         f"blocks they met: {'. '.join(parts)}.")
    if lines:
        return lines
    loads = {n: sum(verdict.total(s, "loads") for s in
                    verdict.by_fix(kernel, n).values())
             for n in storms(kernel)}
    blocks = {n: sum(verdict.total(s, "blocks") for s in
                     verdict.by_fix(kernel, n).values()) / loads[n]
              for n in loads if loads[n]}
    if not blocks:
        return ["In the real kernel: no bulk load was counted."]
    most = max(blocks, key=lambda n: blocks[n])
    return [f"In the real kernel: not shown. Its storms had at most "
            f"{blocks[most]:.2f} blocks a load ({most}), and cycles by met "
            "blocks were not counted: too few neighbours to be met."]


def by_met(steps: list[dict]) -> list[str]:
    """Means, of the loads that met one block, two, ..."""
    out = []
    steps = [s for s in steps if isinstance(s.get("load_met"), list)]
    for met in range(1, MOST + 1):
        loads, through, ns = (
            sum(s[name][met] for s in steps if met < len(s.get(name) or []))
            for name in ("load_met", "load_cycles", "load_ns"))
        if loads:
            out.append(f"{met}{' or more' if met == MOST else ''} met in "
                       f"{loads} loads, {through / loads:.2f} AIL cycles and "
                       f"{units.time(ns / loads)} each")
    return out


# --- an estimate ------------------------------------------------------------

def lost_rate(evidence: str) -> tuple[int, int] | None:
    """Wake-ups lost, of those that raced: of the litmus's evidence."""
    found = LITMUS.search(evidence)
    if not found or not int(found[3]):
        return None
    return int(found[1]), int(found[3])


def estimate(evidence: str, count: int, total_ns: float, seconds: float,
             where: str) -> list[str]:
    """How often a natural wait loses its wake-up: so many waits of so long
    were seen in so many seconds."""
    litmus = lost_rate(evidence)
    if litmus is None or not litmus[0]:
        return ["How often that is outside of the litmus: no estimate, for "
                "the litmus lost none here."]
    if not count or not total_ns:
        return ["How often that is outside of the litmus: no estimate, for "
                f"nobody waited in {where}."]
    mean = total_ns / count
    chance = litmus[0] / litmus[1]
    per_wait = chance * WINDOW_NS / mean
    years = seconds / count / per_wait / YEAR_S
    return [
        "ESTIMATE, not measured: about one in "
        f"{float(f'{1 / per_wait:.1g}'):,.0f} waits; at the rate of {where}, "
        f"{count} waits in {short(seconds)} s, one in {short(years)} years "
        "of nothing but that.",
        f"It assumes: {units.figure(100 * chance, 2)} % of the wake-ups are "
        f"lost that race (the litmus: {litmus[0]} of {litmus[1]}); a wait "
        f"races only if it begins within some {WINDOW_NS} ns of the unlink; "
        "and it begins at any time of what it waits for, "
        f"{units.time(mean)} in the mean. Each may be off by ten times or "
        "more, and another processor has another litmus."]
