# SPDX-License-Identifier: GPL-2.0-only
"""The statistics of a comparison, and no others.

Values are log ratios, one per independent unit.  Their median is tested with
the exact sign test and its inversion, which assume that the units are
independent and nothing about the distribution.  Chances are scipy's.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom, binomtest, norm

POWER = 0.8

# The standard deviation of a normal distribution is this much of the median
# absolute deviation.
MAD_TO_SD = 1 / norm.ppf(0.75)


@lru_cache(maxsize=None)
def chance(count: int, n: int, alternative: str) -> float:
    """The p value of so many of n signs, each as likely as not."""
    return float(binomtest(count, n, alternative=alternative).pvalue)


def sign_test(values: np.ndarray, centre: float = 0.0,
              alternative: str = "two-sided") -> float:
    """The p value of "the median is `centre`".

    A value equal to it counts against the alternative.
    """
    above = int(np.sum(values > centre))
    below = int(np.sum(values < centre))
    if alternative == "two-sided":
        more = max(above, below)
        if 2 * more <= len(values):
            return 1.0
        return chance(more, len(values), alternative)
    more = above if alternative == "greater" else below
    return chance(more, len(values), "greater")


def interval(values: np.ndarray,
             alpha: float) -> tuple[float, float] | None:
    """Where the sign test does not refuse the median, at 1 - alpha.

    Its ends are two of the values.  None: there are too few for this alpha.
    """
    n = len(values)
    cut = critical(n, alpha)
    if cut is None:
        return None
    ordered = np.sort(values)
    return float(ordered[cut]), float(ordered[n - 1 - cut])


@lru_cache(maxsize=None)
def critical(n: int, alpha: float) -> int | None:
    """How many of n may have the rarer sign for p <= alpha; None: none."""
    cut = -1
    while 2 * binom.cdf(cut + 1, n, 0.5) <= alpha:
        cut += 1
    return cut if cut >= 0 else None


def units_needed(alpha: float, family: int) -> int:
    """The fewest units of which one of a family can be significant at all.

    All of one sign have p = 2 / 2^n, and Holm multiplies the smallest p by
    the size of the family.
    """
    return math.ceil(1 + math.log2(max(family, 1) / alpha))


def holm(p: list[float]) -> list[float]:
    """The p values adjusted for being tested together."""
    adjusted = [0.0] * len(p)
    worst = 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        worst = max(worst, min(1.0, p[i] * (len(p) - rank)))
        adjusted[i] = worst
    return adjusted


def scale(values: np.ndarray) -> float:
    """Their spread around the median, as a standard deviation."""
    return float(MAD_TO_SD * np.median(np.abs(values - np.median(values))))


def detectable(values: np.ndarray, alpha: float,
               power: float = POWER) -> float | None:
    """The smallest shift of the median that these would find with this power.

    None: so few units find nothing at this alpha, whatever the shift.
    """
    deviations = detectable_deviations(len(values), alpha, power)
    return None if deviations is None else deviations * scale(values)


@lru_cache(maxsize=None)
def detectable_deviations(n: int, alpha: float,
                          power: float) -> float | None:
    """The same in standard deviations s = scale(values) of a unit.

    If the median lies e off, a unit has the sign of e with the chance
    q = Phi(e / s), and the sign test refuses if at most critical(n, alpha)
    of n units do not.  Solved for q, then e / s = Phi^-1(q).  Only this
    figure takes the units for normal, and only near their median.
    """
    cut = critical(n, alpha)
    if cut is None:
        return None
    q = brentq(lambda q: binom.cdf(cut, n, 1 - q) - power, 0.5, 1 - 1e-12)
    return float(norm.ppf(q))


def rate_interval(hits: int, trials: int,
                  alpha: float = 0.05) -> tuple[float, float]:
    """Clopper and Pearson's interval of a rate."""
    found = binomtest(hits, trials).proportion_ci(1 - alpha, method="exact")
    return float(found.low), float(found.high)


@dataclass(frozen=True)
class Spread:
    """Standard deviations; between is None if it cannot be told apart."""

    total: float
    between: float | None
    within: float | None
    reason: str = ""


def spread(values: np.ndarray, groups: list) -> Spread:
    """How much of the spread of the values is due to their groups.

    One-way random effects, by the method of moments.  Descriptive: no
    verdict depends on it.
    """
    total = scale(values)
    sizes = np.array([groups.count(g) for g in dict.fromkeys(groups)])
    n, k = len(values), len(sizes)
    if k < 2:
        return Spread(total, None, None, "there is one layout only")
    if n - k < 2:
        return Spread(total, None, None,
                      "each layout was drawn once")
    parts = [values[[h == g for h in groups]] for g in dict.fromkeys(groups)]
    inner = sum(((p - p.mean()) ** 2).sum() for p in parts) / (n - k)
    outer = sum(len(p) * (p.mean() - values.mean()) ** 2
                for p in parts) / (k - 1)
    each = (n - (sizes ** 2).sum() / n) / (k - 1)
    between = math.sqrt(max(0.0, (outer - inner) / each))
    return Spread(total, between, math.sqrt(inner))
