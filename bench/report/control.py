# SPDX-License-Identifier: GPL-2.0-only
"""What a run says of its own method: the hidden twin of the baseline.

The twin is the same source compiled again, so every difference found is a
false one.  It is compared like any fix, and more often.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.report import stats
from bench.report.compare import (COST, FLOOR_ROLE, TWIN_ROLE, Options,
                                  Result, Side)


@dataclass(frozen=True)
class Rate:
    """Comparisons of the baseline with its twin, and how many differed."""

    different: int
    comparisons: int
    interval: tuple[float, float] | None

    def text(self) -> str:
        if self.interval is None:
            return "none could be made"
        low, high = (100 * x for x in self.interval)
        share = 100 * self.different / self.comparisons
        return (f"{self.different} of {self.comparisons} ({share:.1f} %, "
                f"95 % interval {low:.1f} to {high:.1f} %)")


@dataclass(frozen=True)
class Control:
    """The A/A comparisons of one run."""

    reason: str
    whole: Rate
    groups: Rate
    group_size: int
    rows: list[Result]
    alpha: float

    @property
    def failed(self) -> bool:
        """More false differences than alpha allows, beyond chance?"""
        return any(rate.interval is not None and rate.interval[0] > self.alpha
                   for rate in (self.whole, self.groups))


def rate(p_values: list[float], alpha: float) -> Rate:
    different = sum(p <= alpha for p in p_values)
    if not p_values:
        return Rate(0, 0, None)
    return Rate(different, len(p_values),
                stats.rate_interval(different, len(p_values)))


def control_of(side: Side, options: Options) -> Control:
    """All units of each workload in one comparison; and disjoint groups.

    A group is as many consecutive units as can be significant by themselves.
    """
    size = stats.units_needed(options.alpha, 1)
    rows = [r for r in side.results.values()
            if r.role == TWIN_ROLE and r.metric == COST and len(r.units)]
    whole = [r.p for r in rows if len(r.units) >= size]
    groups = [stats.sign_test(r.units[i:i + size]) for r in rows
              for i in range(0, len(r.units) - size + 1, size)]
    reason = ""
    if not rows:
        reason = ("no twin of the baseline was measured: add --fix none_twin "
                  "to the run")
    elif not whole:
        reason = f"fewer than {size} blocks: no comparison can be made"
    return Control(reason, rate(whole, options.alpha),
                   rate(groups, options.alpha), size, rows,
                   options.alpha)


def layout_spread(result: Result) -> stats.Spread:
    """Of the blocks of one row, in log ratio."""
    return stats.spread(result.series.values, result.series.layouts)


def typical_spread(rows: list[Result]) -> str:
    """The spread of these rows' blocks, and the layout's part in it."""
    spreads = [layout_spread(r) for r in rows if r.blocks > 1]
    if not spreads:
        return "not known: fewer than 2 blocks"
    total = np.median([s.total for s in spreads])
    text = f"sd {100 * total:.2f} % between blocks"
    between = [s.between for s in spreads if s.between is not None]
    if between:
        inner = np.median([s.within for s in spreads if s.within is not None])
        return (f"{text}; {100 * np.median(between):.2f} % due to the layout, "
                f"{100 * inner:.2f} % within one")
    return (f"{text}; what is due to the layout is in it, and not told apart: "
            + spreads[0].reason)


def measured_rows(side: Side) -> list[Result]:
    return [r for r in side.results.values()
            if r.metric == COST and r.role != FLOOR_ROLE and len(r.units)]
