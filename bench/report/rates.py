# SPDX-License-Identifier: GPL-2.0-only
"""How often the kernel did it: rates and shares with their errors.

Rates get exact (Poisson) intervals.  A figure that is no count has as its
error the range of its repetitions.
"""
from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Iterable

from scipy.stats import binomtest, chi2

from bench.linux import verdict

ALPHA = 0.05
WIDTH = 72


@dataclass(frozen=True)
class Figure:
    """A value and its error."""

    low: float
    value: float
    high: float

    def below(self, other: "Figure") -> bool:
        return self.high < other.low


def rate(count: int, exposure: float) -> Figure:
    """Events per unit of exposure, with the exact 95 % interval."""
    low = float(chi2.ppf(ALPHA / 2, 2 * count)) / 2 if count else 0.0
    high = float(chi2.ppf(1 - ALPHA / 2, 2 * count + 2)) / 2
    return Figure(low / exposure, count / exposure, high / exposure)


def share(count: int, of: int) -> Figure:
    """Of so many trials, with the exact 95 % interval."""
    between = binomtest(count, of).proportion_ci(1 - ALPHA, method="exact")
    return Figure(between.low, count / of, between.high)


def spread(values: Iterable[float]) -> Figure | None:
    """The mean of repetitions, and their range; None: too few for one."""
    values = list(values)
    if len(values) < 2:
        return None
    return Figure(min(values), sum(values) / len(values), max(values))


def short(figure: float) -> str:
    return f"{figure:.3g}" if figure < 1000 else f"{figure:.0f}"


def time_to_first(count: int, exposure: float) -> str:
    """Mean seconds to an event, from how many there were in so many."""
    r = rate(count, exposure)
    if not count:
        return f"> {short(1 / r.high)}"
    return "{} [{}, {}]".format(*map(short, (1 / r.value, 1 / r.high,
                                             1 / r.low)))


def filled(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent,
                         subsequent_indent=indent + "  ",
                         break_long_words=False, break_on_hyphens=False)


NAME = 13   # of a scenario; a longer one has a line of its own
RATES = "  {:14}{:20}{:>6}{:>7}  {}".format


def rate_rows(title: str, counts: dict[str, tuple[int | None, float]],
              everyone: int) -> list[str]:
    """A line per fix that has any, or has a figure that is unknown; one for
    all that have none, of which the shortest exposure gives the bound."""
    quiet = [fix for fix, (count, _) in counts.items() if count == 0]
    out: list[str] = []
    if not counts:
        return out
    if len(title) > NAME:
        out, title = [f"  {title}"], ""
    named = len(out)
    for fix, (count, exposure) in counts.items():
        if fix in quiet:
            continue
        seen, time = "?", "unknown"
        if count is not None:
            seen, time = str(count), time_to_first(count, exposure)
        out.append(RATES(title, fix, seen, f"{exposure:.1f}", time))
        title = ""
    if quiet:
        who = ", ".join(quiet)
        if len(counts) == everyone and len(quiet) > 1:
            who = f"every {'other ' if len(out) > named else ''}fix"
        first, *rest = textwrap.wrap(who, 20)
        shortest = min(counts[fix][1] for fix in quiet)
        out.append(RATES(title, first, "0", f"{shortest:.1f}",
                         time_to_first(0, shortest)))
        out += [f"{'':16}{line}" for line in rest]
    return out


def rates(data: dict) -> list[str]:
    """Time to the first misqueued block, and to the first damage."""
    tables: dict[str, list[str]] = {"misqueued": [], "damaged": []}
    everyone = len({s["fix"] for s in verdict.done(data)})
    for scenario in dict.fromkeys(s["scenario"] for s in data["steps"]):
        counts: dict[str, tuple[int | None, float]] = {}
        mode = ""
        for fix, those in verdict.by_fix(data, scenario).items():
            mode = verdict.mode(those[0])
            exposure = verdict.total(those, "seconds")
            if not exposure or mode not in ("", "natural") \
                    or scenario == "assert":
                continue
            # A crash with no knob waits for a misqueued block, too.
            count: int | None = None
            if verdict.unknown(data, fix, "misqueued"):
                pass
            elif mode:
                count = sum(verdict.is_condemned(s) for s in those
                            if s["hit"])
            elif any("misqueued" in s for s in those):
                count = int(verdict.total(those, "misqueued"))
            counts[fix] = count, exposure
        tables["damaged" if mode else "misqueued"] += \
            rate_rows(scenario, counts, everyone)
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
