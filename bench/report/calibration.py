# SPDX-License-Identifier: GPL-2.0-only
"""What measured calibration blocks say of the method: rates and power."""
from __future__ import annotations

import math

import numpy as np
from scipy.stats import binom, norm

from bench.report import stats
from bench.report.compare import Series

ALPHA = 0.05
# The fewest with which the sign test can refuse at all at this alpha.
BLOCKS_PER_COMPARISON = stats.units_needed(ALPHA, 1)
MANY_BLOCKS = 100
BAR = 0.08
POWER = 0.8
# Of blocks in a comparison; the first takes Google Benchmark's time.
SIZES = (BLOCKS_PER_COMPARISON, 24, 96, 240)
WIDTH = 72


def series_of(measured: dict) -> Series:
    return Series(np.array(measured["log_ratios"]), measured["layouts"], [])


def groups(phase: dict, size: int) -> list[Series]:
    """Disjoint groups of neighbouring blocks, as a short run has them."""
    values, layouts = np.array(phase["log_ratios"]), phase["layouts"]
    return [Series(values[i:i + size], layouts[i:i + size], [])
            for i in range(0, len(values) - size + 1, size)]


def refused(group: Series) -> bool:
    return stats.sign_test(group.units()) <= ALPHA


def found(group: Series) -> bool:
    """Refused, and in the right direction."""
    return refused(group) and float(np.median(group.units())) > 0


def rate(hits: list[bool]) -> tuple[int, int, float, float]:
    """Hits, trials, and the interval of the rate."""
    low, high = stats.rate_interval(sum(hits), len(hits))
    return sum(hits), len(hits), low, high


def blocks_needed(phase: dict, percent: float,
                  power: float = 0.9) -> int | None:
    """Blocks that find so much more with this power, from their spread.

    A unit is the median of a layout's blocks; its spread is what layouts
    differ by, and the blocks' own divided among them.  None: no number of
    blocks does, of so few layouts.
    """
    values, layouts = np.array(phase["log_ratios"]), phase["layouts"]
    spread = stats.spread(values, layouts)
    units = len(set(layouts))
    shift = math.log1p(percent / 100)
    between = spread.between or 0.0
    within = spread.within or spread.total
    cut = stats.critical(units, ALPHA)
    if cut is None:		# few layouts: every block is a unit
        units, cut = 24, stats.critical(24, ALPHA)
    for each in range(1, 1001):
        # The median of a normal sample has pi / 2 of the mean's variance.
        own = within ** 2 / each * (math.pi / 2 if each > 2 else 1)
        q = norm.cdf(shift / math.sqrt(between ** 2 + own))
        if binom.cdf(cut, units, 1 - q) >= power:
            return units * each
    return None


# --- the bars ----------------------------------------------------------------

TOO_FEW = "too few blocks"


def bar_of_errors(result: dict, word: str,
                  size: int) -> tuple[str, bool | None]:
    """Is equal code called different at most as often as the bar says?"""
    hits = [refused(g) for g in groups(result["phases"][f"{word}-aa"], size)]
    if not hits:
        return TOO_FEW, None
    high = rate(hits)[3]
    if size == MANY_BLOCKS:		# too few of these for an upper end
        share = float(np.mean(hits))
        return f"{100 * share:.1f} %, {len(hits)} times", share <= BAR
    return f"upper end of the interval {100 * high:.1f} %", high <= BAR


def bar_of_power(result: dict, name: str,
                 seconds: float) -> tuple[str, bool | None]:
    """Is a cost found often enough, in so much time or less?"""
    phase = result["phases"][name]
    each = seconds_per_block(phase)
    best = (-1.0, TOO_FEW)
    for size in SIZES:
        hits = [found(g) for g in groups(phase, size)]
        if hits and size * each <= seconds:
            best = max(best, (float(np.mean(hits)),
                              f"{100 * np.mean(hits):.0f} % with {size} blocks"
                              f", {size * each:.0f} s"))
    return best[1], best[0] >= POWER if best[0] >= 0 else None


def bar_of_live(result: dict) -> tuple[str, bool]:
    """+0.5 % by the spread in 20 minutes, and by live trials."""
    about = result["live"]
    hits = [found(series_of(t)) for t in about["trials"]]
    live = f"{sum(hits)} of {len(hits)} live"
    if about["needed"] is None:
        return f"no number of blocks by the spread of layouts; {live}", False
    minutes = (about["needed"] * seconds_per_block(
        result["phases"]["quiet-aa"]) / 60)
    return (f"{about['needed']} blocks by the spread, {minutes:.1f} min; "
            + live, minutes <= 20 and float(np.mean(hits)) >= POWER)


def bars(result: dict) -> list[tuple[str, str, bool | None]]:
    """What is to be shown: (what, what was, is the bar met); None: open."""
    found_ = [(f"{word}, equal code, {size} blocks: at most 8 %",
               *bar_of_errors(result, word, size))
              for word in ("quiet", "busy")
              for size in (BLOCKS_PER_COMPARISON, MANY_BLOCKS)]
    return found_ + [
        ("quiet, +1 % in 60 s: power 80 %",
         *bar_of_power(result, "quiet-1", 60)),
        ("busy, +2 %: power 80 %",
         *bar_of_power(result, "busy-2", math.inf)),
        ("quiet, +0.5 % in 20 min: power 80 %", *bar_of_live(result))]


# --- as text -----------------------------------------------------------------

def percent_text(hits: int, trials: int, low: float, high: float) -> str:
    return (f"{hits:>4} of {trials:<4}{100 * hits / trials:6.1f} % "
            f"({100 * low:.1f}-{100 * high:.1f})")


def line(what: str, hits: list[bool]) -> str:
    if not hits:
        return f"  {what:<33} not measured: {TOO_FEW}\n"
    return f"  {what:<33}{percent_text(*rate(hits))}\n"


def seconds_per_block(phase: dict) -> float:
    return phase["seconds"] / len(phase["log_ratios"])


def bars_text(result: dict) -> str:
    text = "What was to be shown:\n"
    for what, was, met in bars(result):
        word = {True: "met", False: "NOT MET", None: "OPEN"}[met]
        text += f"  {word:<8}{what}\n{'':10}{was}\n"
    return text


def false_positives(result: dict) -> str:
    text = "Equal code called different (alpha 0.05):\n"
    for word in ("quiet", "busy"):
        phase = result["phases"][f"{word}-aa"]
        for size in (BLOCKS_PER_COMPARISON, MANY_BLOCKS):
            text += line(f"{word}, {size} blocks each",
                         [refused(g) for g in groups(phase, size)])
    for pair in result["gbench"]:
        if not pair["percent"]:
            text += line(f"{'busy' if pair['busy'] else 'quiet'}, Google "
                         "Benchmark",
                         [p <= ALPHA for p in pair["p_values"]])
    return text


def power(result: dict) -> str:
    text = "A known cost found (power):\n"
    for name, phase in result["phases"].items():
        if not phase["percent"]:
            continue
        each = seconds_per_block(phase)
        for size in SIZES:
            what = (f"{name.split('-')[0]}, +{phase['percent']:g} %, {size} "
                    f"blocks, {size * each:.0f} s")
            hits = [found(g) for g in groups(phase, size)]
            if hits:
                text += line(what, hits)
    for pair in result["gbench"]:
        if pair["percent"]:
            text += line(f"{'busy' if pair['busy'] else 'quiet'}, "
                         f"+{pair['percent']:g} %, Google Benchmark",
                         [p <= ALPHA for p in pair["p_values"]])
    return text


def live(result: dict) -> str:
    about = result["live"]
    hits = [found(series_of(t)) for t in about["trials"]]
    each = np.mean([t["seconds"] for t in about["trials"]]) / 60
    asked = about["needed"] or "more than there can be"
    return (f"Live: +{about['percent']:g} %, {about['blocks']} blocks (the "
            f"spread asks for {asked}), {each:.1f} min a trial:\n"
            + line("trials that found it", hits))


def spread_text(result: dict) -> str:
    text = "Spread of a block's log ratio of equal code, percent:\n"
    for word in ("quiet", "busy"):
        phase = result["phases"][f"{word}-aa"]
        s = stats.spread(np.array(phase["log_ratios"]), phase["layouts"])
        parts = "layouts: " + s.reason if s.between is None else (
            f"between layouts {100 * s.between:.2f}, within "
            f"{100 * s.within:.2f}")
        text += (f"  {word:<6} {100 * s.total:.2f} in all; {parts}; "
                 f"{len(set(phase['layouts']))} layouts\n")
    return text


def text_of(result: dict) -> str:
    """What was proven, in lines of at most WIDTH."""
    machine = result["machine"]
    head = (f"Calibration of the method on {machine.get('host')}\n"
            f"{result['workload']}, 1 thread, {result['rounds']} rounds a "
            "block; hits of trials,\nshare, and its exact 95 % interval in "
            "percent; Google Benchmark: two\ninvocations and its compare.py, "
            f"in the time of {BLOCKS_PER_COMPARISON} blocks\n")
    if result["scale"] != 1:
        head += f"made with --scale {result['scale']:g}: proves less\n"
    parts = [head, bars_text(result), false_positives(result), power(result),
             live(result), spread_text(result)]
    return "\n".join(parts)
