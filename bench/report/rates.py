# SPDX-License-Identifier: GPL-2.0-only
"""How often the kernel did it: rates and shares with their errors.

Rates get exact (Poisson) intervals, and so do their ratios; of events that
come in clusters only so many count as the clusters are worth.  Means of waits
get one that takes them for as unequal as they may be.  A figure that is
neither has as its error the range of its repetitions.
"""
from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import Iterable

import numpy as np
from scipy.stats import beta, binom, binomtest, chi2, norm

from bench.linux import verdict

ALPHA = 0.05
WIDTH = 72


@dataclass(frozen=True)
class Figure:
    """A value and its error."""

    low: float
    value: float
    high: float
    # Of a rate: events, and in how much of what they are counted by; of a
    # mean: how many values, and the error of its logarithm.
    count: int | None = None
    exposure: float | None = None
    log_error: float | None = None
    trials: int | None = None   # of a share
    cluster: float = 1  # of a rate or a mean: events that count as one

    @property
    def independent(self) -> float:
        return self.count / self.cluster

    def below(self, other: "Figure") -> bool:
        return self.high < other.low


def rate(count: int, exposure: float, cluster: float = 1) -> Figure:
    """Events per unit of exposure, with the exact 95 % interval.

    The variance of a sum of clusters is the sum of their sizes' squares
    (compound Poisson): count / cluster independent events have the same.
    """
    events = 2 * count / cluster
    low = float(chi2.ppf(ALPHA / 2, events)) if count else 0.0
    high = float(chi2.ppf(1 - ALPHA / 2, events + 2))
    unit = cluster / 2 / exposure
    return Figure(low * unit, count / exposure, high * unit, count, exposure,
                  cluster=cluster)


def mean(count: int, total: float, longest: float,
         cluster: float = 1) -> Figure | None:
    """Of so many waits, of which only sum and longest are known.

    The variance of what lies between 0 and M and has the mean m is at most
    m (M - m).  Nor is it taken for less than m^2, an exponential's: the
    longest of a few is not the longest there is.
    """
    if not count or total <= 0:
        return None
    value = total / count
    variance = max(longest / value - 1, 1.0)
    error = math.sqrt(variance * cluster / count)
    reach = math.exp(norm.ppf(1 - ALPHA / 2) * error)
    return Figure(value / reach, value, value * reach, count,
                  log_error=error, cluster=cluster)


def ratio(one: Figure, other: Figure) -> Figure | None:
    """one / other with its 95 % interval; None: they do not tell.

    Of two rates: given how many independent events there were together,
    those of one are binomial (exact; Clopper and Pearson 1934, by the beta
    distribution).  Of two means: their logarithms' errors add.
    """
    if one.log_error is not None and other.log_error is not None:
        reach = math.exp(norm.ppf(1 - ALPHA / 2)
                         * math.hypot(one.log_error, other.log_error))
        value = one.value / other.value
        return Figure(value / reach, value, value * reach)
    if not one.exposure or not other.exposure \
            or not one.count + other.count:
        return None
    a, b = one.independent, other.independent
    unit = one.cluster / one.exposure / (other.cluster / other.exposure)
    low = float(beta.ppf(ALPHA / 2, a, b + 1)) if a else 0.0
    high = float(beta.ppf(1 - ALPHA / 2, a + 1, b)) if b else 1.0
    return Figure(*(math.inf if p == 1 else p / (1 - p) * unit
                    for p in (low, a / (a + b), high)))


def power(smaller: Figure, larger: Figure, factor: float) -> float | None:
    """The chance that two figures with errors like these, which truly are
    this factor apart, have errors that do not overlap; None: not known.

    Rates: given how many events there were together.  Shares: if nothing
    else happened in one's trials, and never in the other's.
    """
    if smaller.trials and larger.trials:
        return float(share(0, smaller.trials).below(
            share(larger.trials, larger.trials)))
    if smaller.log_error is not None and larger.log_error is not None:
        errors = smaller.log_error, larger.log_error
        needed = norm.ppf(1 - ALPHA / 2) * sum(errors)
        return float(norm.cdf((math.log(factor) - needed)
                              / math.hypot(*errors)))
    if not smaller.exposure or not larger.exposure:
        return None
    together = round(smaller.independent + larger.independent)
    less, more = (f.exposure / f.cluster for f in (smaller, larger))
    odds = factor * more / less
    chance = 1.0 if math.isinf(odds) else odds / (1 + odds)
    of_larger = np.arange(together + 1)
    low = np.where(of_larger > 0,
                   chi2.ppf(ALPHA / 2, 2 * np.maximum(of_larger, 1)), 0)
    high = chi2.ppf(1 - ALPHA / 2, 2 * (together - of_larger) + 2)
    told = high / less < low / more
    return float(binom.pmf(of_larger[told], together, chance).sum())


def share(count: int, of: int) -> Figure:
    """Of so many trials, with the exact 95 % interval."""
    between = binomtest(count, of).proportion_ci(1 - ALPHA, method="exact")
    return Figure(between.low, count / of, between.high, count, trials=of)


def spread(values: Iterable[float]) -> Figure | None:
    """The mean of repetitions, and their range; None: too few for one."""
    values = list(values)
    if len(values) < 2:
        return None
    return Figure(min(values), sum(values) / len(values), max(values))


def short(figure: float) -> str:
    return f"{figure:.3g}" if figure < 1000 else f"{figure:.0f}"


def between(figure: Figure | None) -> str:
    """A ratio with its interval."""
    if figure is None:
        return ""
    return "{} [{}, {}]".format(*map(short, (figure.value, figure.low,
                                             figure.high)))


def time_to_first(r: Figure) -> str:
    """Mean seconds to an event, from their rate."""
    if not r.count:
        return f"> {short(1 / r.high)}"
    return "{} [{}, {}]".format(*map(short, (1 / r.value, 1 / r.high,
                                             1 / r.low)))


def filled(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent,
                         subsequent_indent=indent + "  ",
                         break_long_words=False, break_on_hyphens=False)


NAME = 13   # of a scenario; a longer one has a line of its own
RATES = "  {:14}{:22}{:>5}{:>6} {}".format


def rate_rows(title: str, found: dict[str, Figure | None],
              seconds: dict[str, float], everyone: int) -> list[str]:
    """A line per fix that has any, or has a figure that is unknown; one for
    all that have none, of which the shortest exposure gives the bound."""
    quiet = [fix for fix, r in found.items() if r and not r.count]
    out: list[str] = []
    if not found:
        return out
    if len(title) > NAME:
        out, title = [f"  {title}"], ""
    named = len(out)
    for fix, r in found.items():
        if fix in quiet:
            continue
        seen, time = "?", "unknown"
        if r:
            seen, time = str(r.count), time_to_first(r)
        out.append(RATES(title, fix, seen, f"{seconds[fix]:.1f}", time))
        title = ""
    if quiet:
        who = ", ".join(quiet)
        if len(found) == everyone and len(quiet) > 1:
            who = f"every {'other ' if len(out) > named else ''}fix"
        first, *rest = textwrap.wrap(who, 22)
        shortest = min(seconds[fix] for fix in quiet)
        out.append(RATES(title, first, "0", f"{shortest:.1f}",
                         time_to_first(rate(0, shortest))))
        out += [f"{'':16}{line}" for line in rest]
    return out


def rates(data: dict) -> list[str]:
    """Time to the first misqueued block, and to the first damage."""
    tables: dict[str, list[str]] = {"misqueued": [], "damaged": []}
    everyone = len({s["fix"] for s in verdict.done(data)})
    for scenario in dict.fromkeys(s["scenario"] for s in data["steps"]):
        found: dict[str, Figure | None] = {}
        seconds: dict[str, float] = {}
        mode = ""
        for fix, those in verdict.by_fix(data, scenario).items():
            mode = verdict.mode(those[0])
            exposure = verdict.total(those, "seconds")
            if not exposure or mode not in ("", "natural") \
                    or scenario == "assert":
                continue
            # A crash with no knob waits for a misqueued block, too.
            found[fix], seconds[fix] = None, exposure
            if verdict.unknown(data, fix, "misqueued"):
                pass
            elif mode:
                found[fix] = rate(sum(verdict.is_condemned(s) for s in those
                                      if s["hit"]), exposure)
            elif any("misqueued" in s for s in those):
                found[fix] = rate(int(verdict.total(those, "misqueued")),
                                  exposure,
                                  verdict.cluster(those, "misqueued"))
        tables["damaged" if mode else "misqueued"] += \
            rate_rows(scenario, found, seconds, everyone)
    out = []
    for title, what in (("misqueued", "a misqueued block"),
                        ("damaged", "damage by a crash, no knob")):
        if tables[title]:
            out += [f"mean time to {what}, with its exact 95 % interval",
                    RATES("", "", "seen", "in s", "every s"), *tables[title]]
    if any("> " in line for line in out):
        out += filled(">: none seen; with 95 % confidence rarer than this, "
                      "by the fix that ran shortest", "")
    return out
