# SPDX-License-Identifier: GPL-2.0-only
"""How far apart the threads of placed rows are, and what that costs.

A placement is named as `scripts/run --policy` takes it, its memory and its
other roles behind it: "cross-node:21, memory remote".
"""
from __future__ import annotations

import re
import textwrap

import numpy as np

from bench.report import units
from bench.report.load import Run

# From near to far; the last two grow over the machine.
NAMES = {"smt-pair": "same core", "same-l3": "same L3",
         "cross-l3": "same node, other L3", "cross-node": "other node",
         "compact": "neighbours first", "spread": "spread out"}
COLUMNS = 72
WIDTH = 7


def label(placement: str) -> str:
    """In words: "cross-node:21" is "node distance 21"."""
    policy, comma, rest = placement.partition(",")
    name, _, far = policy.partition(":")
    text = f"node distance {far}" if far else NAMES.get(name, name)
    return text + comma + rest


def order(placement: str) -> tuple[int, int, str]:
    """Near ones first."""
    policy = placement.partition(",")[0]
    name, _, far = policy.partition(":")
    rank = list(NAMES).index(name) if name in NAMES else len(NAMES)
    return rank, int(far) if re.fullmatch(r"\d+", far) else 0, placement


def labels(run: Run) -> dict[str, str]:
    """The placements of a run, near ones first, in words."""
    found = {case[2] for case, _ in run.first.rows if case[2]}
    return {p: label(p) for p in sorted(found, key=order)}


def curves(run: Run, fix: str) -> dict[str, dict[str, dict[int, float]]]:
    """workload -> placement -> {threads: ns per operation}, placed rows only.

    What was measured with one number of threads alone is a curve all the
    same: its neighbours show what a distance costs.
    """
    found: dict[str, dict[str, dict[int, float]]] = {}
    for (case, other) in sorted(run.first.rows, key=lambda key: (
            order(key[0][2]), key[0][1])):
        workload, threads, placement = case
        if other != fix or not placement:
            continue
        batches = [b.rows[case, fix].batches for b in run.blocks]
        medians = [np.median(b) for b in batches if b is not None and len(b)]
        if medians:
            found.setdefault(workload, {}).setdefault(placement, {})[
                threads] = float(np.median(medians))
    return found


def fixes(run: Run) -> list[str]:
    """Those with placed rows."""
    return list(dict.fromkeys(fix for case, fix in run.first.rows
                              if case[2]))


def skipped(run: Run) -> dict[str, str]:
    """Placements that the machine does not offer, and why."""
    return {label(p): why for p, why in run.first.skipped.items()}


def table(run: Run, fix: str) -> list[str]:
    """Lines of text: a table per workload, a row per distance."""
    lines: list[str] = []
    for workload, by_placement in curves(run, fix).items():
        threads = sorted({t for p in by_placement.values() for t in p})
        # The first and the last of more than fit.
        room = (COLUMNS - 24) // (WIDTH + 1)
        if len(threads) > room:
            threads = threads[:1] + threads[1 - room:]
        lines.append(f"{workload}, {fix}")
        lines.append(f"  {'threads':<22}" + "".join(
            f" {t:>{WIDTH}}" for t in threads))
        for placement, points in by_placement.items():
            cells = [units.time(points[t]) if t in points else "-"
                     for t in threads]
            name = label(placement)
            if len(name) > 22:
                lines += textwrap.wrap(name, COLUMNS, initial_indent="  ",
                                       subsequent_indent="    ")
                name = ""
            lines.append(f"  {name:<22}" + "".join(
                f" {c:>{WIDTH}}" for c in cells))
    return lines


def lines(run: Run, fix: str) -> list[str]:
    """The section of the report; none if nothing was placed."""
    found = table(run, fix)
    for name, why in skipped(run).items():
        found += textwrap.wrap(f"not measured: {name}: {why}", COLUMNS,
                               subsequent_indent="    ")
    return found
