# SPDX-License-Identifier: GPL-2.0-only
"""How figures are written, the same in text and HTML."""
from __future__ import annotations

import math

NANOSECONDS = ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns"))


def figure(value: float, digits: int = 3) -> str:
    """So many significant digits, never with an exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{value:.{max(places, 0)}f}"


def time(ns: float) -> str:
    """Nanoseconds in the unit that keeps them short."""
    for size, unit in NANOSECONDS:
        if ns >= 0.9995 * size or unit == "ns":
            return f"{figure(ns / size)} {unit}"
    raise AssertionError


def ratio(log: float) -> str:
    """A log ratio as a factor, in five columns."""
    if math.isnan(log):
        return "-"
    value = math.exp(log)
    for limit, places in ((9.9995, 3), (99.995, 2), (999.95, 1)):
        if value < limit:
            return f"{value:.{places}f}"
    return f"{value:.0f}" if value < 99999.5 else f"{value:.0e}"


def more(ns: float, span: tuple[float, float] | None) -> tuple[str, str]:
    """A difference, signed and with its unit, and its interval in that."""
    largest = max(map(abs, (ns, *(span or ()))))
    size, unit = next(((s, u) for s, u in NANOSECONDS if largest >= s),
                      NANOSECONDS[-1])
    places = min(max(2 - math.floor(math.log10(largest / size)), 0), 2) \
        if largest else 0
    low_high = "-" if span is None else "[{:.{p}f},{:.{p}f}]".format(
        span[0] / size, span[1] / size, p=places)
    return f"{ns / size:+.{places}f} {unit}", low_high


def interval(logs: tuple[float, float] | None) -> str:
    if logs is None:
        return "-"
    return f"[{ratio(logs[0])},{ratio(logs[1])}]"


def p_value(p: float) -> str:
    if math.isnan(p):
        return "-"
    return f"{p:.4f}" if p >= 1e-4 else "<.0001"


def percent(log: float | None) -> str:
    """A log ratio as a difference."""
    if log is None:
        return "-"
    return figure(100 * math.expm1(log), 2) + "%"
