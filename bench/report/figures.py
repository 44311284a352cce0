# SPDX-License-Identifier: GPL-2.0-only
"""The charts of the report, one function each; they return SVG.

None: the data have nothing to show there.
"""
from __future__ import annotations

import math

import numpy as np
from matplotlib.ticker import (FixedLocator, FuncFormatter, LogLocator,
                               NullLocator)

from bench.report import distance, summary, svg, units
from bench.report.compare import (FLOOR_ROLE, TWIN_ROLE, Comparison,
                                  Result, Side, in_time)
from bench.report.load import BASELINE, WAITS

ROW = 0.21
RATIO_TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1,
               1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100]


def colours(side: Side) -> dict[str, str]:
    """Each fix has one colour in all charts; the baseline is grey."""
    found = {BASELINE: svg.MUTED}
    for i, fix in enumerate(summary.fixes_of(side)):
        found[fix] = svg.series_colour(i)
    return found


# --- ratios ------------------------------------------------------------------

def ratio_axis(axes, low: float, high: float) -> None:
    """A logarithmic axis of ratios, with ticks that can be read."""
    room = max(high - low, 0.02) * 0.06
    low, high = min(low, 0) - room, max(high, 0) + room
    axes.set_xlim(low, high)
    ticks = [t for t in RATIO_TICKS if low <= math.log(t) <= high]
    apart = (high - low) / 14
    kept: list[float] = []
    # 1 first, so that it is never what makes room.
    for tick in sorted(ticks, key=lambda t: abs(math.log(t))):
        if all(abs(math.log(tick / k)) >= apart for k in kept):
            kept.append(tick)
    axes.xaxis.set_major_locator(FixedLocator([math.log(t) for t in kept]))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: f"{math.exp(x):.3g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def forest(comparison: Comparison, group: str, name: str) -> str | None:
    """Ratios with intervals of one group of workloads, all runs."""
    rows: list[tuple[str, Result | None]] = []
    many = len(comparison.sides) > 1
    for side in comparison.sides:
        for case in summary.groups(side).get(group, []):
            found = [r for r in side.of(case)
                     if r.role != FLOOR_ROLE and len(r.units)]
            if not any(r.confirmatory for r in found):
                continue
            label = f"{side.label}: " if many else ""
            rows.append((label + summary.case_title(case), None))
            rows += [(r.fix, r) for r in found]
    if not rows:
        return None
    height = ROW * len(rows) + 0.7
    made = svg.figure(height)
    axes = made.add_axes([0.19, 0.45 / height, 0.59, 1 - 0.55 / height])
    margin = math.log1p(comparison.options.delta)
    if not in_time((group,)):
        axes.axvspan(-margin, margin, color=svg.BAND, lw=0)
    axes.axvline(0, color=svg.MUTED, lw=0.8)
    for y, (text, result) in enumerate(rows):
        draw_row(axes, y, text, result)
    ends = [x for _, r in rows if r for x in (
        drawn(r)[0], *(drawn(r)[1] or ()))]
    if in_time((group,)):
        room = (max(ends + [0]) - min(ends + [0])) * 0.06
        axes.set_xlim(min(ends + [0]) - room, max(ends + [0]) + room)
    else:
        ratio_axis(axes, min(ends + [-margin]), max(ends + [margin]))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.yaxis.set_major_locator(NullLocator())
    axes.set_xlabel(f"ms per operation more than {BASELINE} in the same round"
                    if in_time((group,)) else
                    f"time per operation, ratio to {BASELINE} of the same "
                    "round")
    svg.plain(axes)
    return svg.render(made, name, f"Beside {BASELINE}: {group}")


def drawn(result: Result) -> tuple[float, tuple[float, float] | None]:
    """Where a row lies: ms more, or the logarithm of a ratio."""
    if not result.more:
        return result.estimate, result.interval
    span = result.more.interval
    return (result.more.estimate / 1e6,
            span and (span[0] / 1e6, span[1] / 1e6))


def draw_row(axes, y: int, text: str, result: Result | None) -> None:
    side = axes.get_yaxis_transform()
    if result is None:
        axes.text(-0.315, y, text, transform=side, va="center", fontsize=8.5,
                  weight="bold")
        return
    colour = svg.VERDICTS.get(result.verdict, svg.MUTED)
    axes.text(-0.01, y, text, transform=side, ha="right", va="center",
              fontsize=8.5)
    at, span = drawn(result)
    if span:
        axes.plot(span, (y, y), color=colour, lw=2, solid_capstyle="round")
    axes.plot([at], [y], "o", color=colour, ms=5)
    verdict = "(A/A)" if result.role == TWIN_ROLE else result.verdict
    size = units.more(result.more.estimate, result.more.interval)[0] \
        if result.more else units.ratio(result.estimate)
    axes.text(1.01, y, f"{size}  {verdict}", transform=side,
              va="center", fontsize=8.5, color=colour)


# --- panels, one per workload ------------------------------------------------

def panels(count: int, height: float, columns: int = 3):
    """A figure, and its axes in reading order, with room for a legend."""
    rows = math.ceil(count / columns)
    made = svg.figure(rows * height + 0.4)
    grid = made.subplots(rows, columns, squeeze=False)
    flat = list(grid.flat)
    for axes in flat[count:]:
        axes.remove()
    return made, flat[:count]


def finish(made, legend: list, name: str, title: str) -> str:
    """Lay out below a legend of handles on top."""
    height = made.get_figheight()
    made.tight_layout(rect=(0, 0, 1, 1 - 0.3 / height), w_pad=1.6, h_pad=1.4)
    if legend:
        made.legend(handles=legend, loc="upper left", ncol=6,
                    bbox_to_anchor=(0, 1), handlelength=1.2,
                    columnspacing=1.4)
    return svg.render(made, name, title)


def time_axis(axis) -> None:
    axis.set_major_formatter(FuncFormatter(lambda x, _: short_time(x)))


def short_time(ns: float) -> str:
    for size, unit in units.NANOSECONDS:
        if ns >= size * 0.9995:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.2g} ns"


def latency(side: Side, cases: list[tuple], name: str) -> str | None:
    """Percentile curves: far to the right is the tail."""
    shown = [(case, [t for t in summary.totals(side.run, case) if t.latency])
             for case in cases]
    shown = [(case, found) for case, found in shown if found]
    if not shown:
        return None
    palette = colours(side)
    made, flat = panels(len(shown), 2.1)
    handles: dict[str, object] = {}
    for axes, (case, found) in zip(flat, shown):
        for total in found:
            if total.fix in palette:
                line = latency_curve(axes, total, palette[total.fix])
                handles.setdefault(total.fix, line)
        axes.set_title(summary.case_title(case))
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.invert_xaxis()
        axes.xaxis.set_major_locator(
            FixedLocator([0.5, 0.1, 0.01, 1e-3, 1e-4, 1e-5]))
        axes.xaxis.set_major_formatter(FuncFormatter(
            lambda x, _: f"{100 * (1 - x):g}"))
        axes.set_xlabel("percentile")
        axes.xaxis.set_minor_locator(NullLocator())
        low, high = axes.get_ylim()
        axes.yaxis.set_major_locator(LogLocator(
            subs=(1, 2, 5) if high / low < 100 else (1,)))
        axes.yaxis.set_minor_locator(NullLocator())
        time_axis(axes.yaxis)
        svg.plain(axes, "both")
    return finish(made, list(handles.values()), name,
                  "Latency of single operations")


def latency_curve(axes, total: summary.Total, colour: str):
    least = 1 / total.latency.count
    rest = np.geomspace(0.9, max(least, 1e-6), 60)
    values = total.latency.quantiles(1 - rest)
    style = "--" if total.fix == BASELINE else "-"
    line, = axes.plot(rest, values, style, color=colour, lw=1.4,
                      label=total.fix)
    return line


def series(side: Side, case: tuple, name: str) -> str | None:
    """Open loops: the longest latency by when operations were to start."""
    found = [t for t in summary.totals(side.run, case) if t.series]
    palette = colours(side)
    found = [t for t in found if t.fix in palette]
    if not found:
        return None
    made, flat = panels(len(found), 1.3, 2)
    for axes, total in zip(flat, found):
        at = total.series.seconds
        axes.vlines(at, 1, total.series.longest, lw=1.2,
                    color=palette[total.fix])
        for start in total.series.starts[1:]:
            axes.axvline(start, color=svg.MUTED, lw=0.6)
        axes.set_title(total.fix)
        axes.set_yscale("log")
        axes.set_ylim(bottom=max(total.series.longest.min() / 2, 1))
        axes.yaxis.set_minor_locator(NullLocator())
        time_axis(axes.yaxis)
        axes.set_xlabel("s, batch after batch")
        svg.plain(axes, "y")
    return finish(made, [], name, f"{summary.case_title(case)}: longest "
                                  "latency over time")


def waits(side: Side, cases: list[tuple], name: str) -> str | None:
    """What an operation waited for, stacked."""
    palette = colours(side)
    shown = []
    for case in cases:
        found = [t for t in summary.totals(side.run, case)
                 if t.waits and t.counted and t.fix in palette]
        if any(t.waits[k][1] for t in found for k in WAITS):
            shown.append((case, found))
    if not shown:
        return None
    most = max(len(found) for _, found in shown)
    made, flat = panels(len(shown), ROW * most + 0.75, 2)
    handles: dict[str, object] = {}
    for axes, (case, found) in zip(flat, shown):
        left = np.zeros(len(found))
        for kind in WAITS:
            length = np.array([t.waits[kind][1] / t.counted
                               for t in found])
            bars = axes.barh(range(len(found)), length, 0.66, left,
                             color=svg.WAITS[kind], label=kind,
                             edgecolor=svg.PAPER, linewidth=0.6)
            handles.setdefault(kind, bars)
            left += length
        axes.set_yticks(range(len(found)), [t.fix for t in found])
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.set_title(summary.case_title(case))
        axes.set_xlabel("waited per operation")
        axes.locator_params(axis="x", nbins=4)
        time_axis(axes.xaxis)
        svg.plain(axes)
    return finish(made, list(handles.values()), name, "Where time waited")


# --- scaling -----------------------------------------------------------------

def scaling_points(sides: list[Side]) -> dict[str, dict[str, dict]]:
    """workload -> fix -> {threads: ns}, of runs on one machine."""
    points: dict[str, dict[str, dict]] = {}
    for side in sides:
        for (case, fix) in side.run.first.rows:
            if case[2]:
                continue            # placed: by_distance()
            batches = [b.rows[case, fix].batches for b in side.run.blocks]
            batches = [b for b in batches if b is not None and len(b)]
            if batches:
                median = float(np.median([np.median(b) for b in batches]))
                points.setdefault(case[0], {}).setdefault(
                    fix, {})[case[1]] = median
    return {w: fixes for w, fixes in points.items()
            if any(len(p) > 1 for p in fixes.values())}


def scaling(sides: list[Side], name: str) -> str | None:
    """Time per operation against threads, of one machine."""
    points = scaling_points(sides)
    if not points:
        return None
    palette = colours(sides[0])
    made, flat = panels(len(points), 2.1)
    handles: dict[str, object] = {}
    for axes, (workload, fixes) in zip(flat, points.items()):
        threads = sorted({t for p in fixes.values() for t in p})
        for fix, found in fixes.items():
            if fix not in palette:
                continue
            line, = axes.plot(sorted(found), [found[t] for t in sorted(found)],
                              "o--" if fix == BASELINE else "o-", ms=4,
                              lw=1.4, color=palette[fix], label=fix)
            handles.setdefault(fix, line)
        axes.set_title(workload)
        axes.set_xscale("log", base=2)
        axes.set_xticks(threads, [str(t) for t in threads])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_ylim(bottom=0)
        axes.set_xlabel("threads")
        time_axis(axes.yaxis)
        svg.plain(axes, "y")
    return finish(made, list(handles.values()), name,
                  "Time per operation against threads")


def by_distance(side: Side, fix: str, name: str) -> str | None:
    """Time per operation of one fix against threads, a curve per distance."""
    found = distance.curves(side.run, fix)
    if not found:
        return None
    labels = distance.labels(side.run)
    made, flat = panels(len(found), 2.1, 2)
    handles: dict[str, object] = {}
    for axes, (workload, curves) in zip(flat, found.items()):
        threads = sorted({t for points in curves.values() for t in points})
        for placement, points in curves.items():
            at = sorted(points)
            line, = axes.plot(at, [points[t] for t in at], "o-", ms=4, lw=1.4,
                              color=svg.series_colour(
                                  list(labels).index(placement)),
                              label=labels[placement])
            handles.setdefault(placement, line)
        axes.set_title(workload)
        axes.set_xscale("log", base=2)
        axes.set_xticks(threads, [str(t) for t in threads])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_ylim(bottom=0)
        axes.set_xlabel("threads")
        time_axis(axes.yaxis)
        svg.plain(axes, "y")
    return finish(made, [handles[p] for p in labels if p in handles], name,
                  f"Time per operation of {fix} against threads, by distance")


# --- calibration -------------------------------------------------------------

def twin_strip(side: Side, cases: list[tuple], delta: float,
               name: str) -> str | None:
    """Every block's ratio of the twin: nothing but error of measurement."""
    rows = [r for case in cases for r in side.of(case)
            if r.role == TWIN_ROLE and len(r.units)]
    if not rows:
        return None
    height = ROW * 1.5 * len(rows) + 0.7
    made = svg.figure(height)
    axes = made.add_axes([0.24, 0.45 / height, 0.72, 1 - 0.55 / height])
    margin = math.log1p(delta)
    axes.axvspan(-margin, margin, color=svg.BAND, lw=0)
    axes.axvline(0, color=svg.MUTED, lw=0.8)
    for y, r in enumerate(rows):
        axes.plot(r.series.values, np.full(r.blocks, y), "o", ms=4,
                  color=svg.series_colour(0), alpha=0.45, mew=0)
        if r.interval:
            axes.plot(r.interval, (y + 0.3, y + 0.3), color=svg.INK, lw=1.4)
        axes.plot([r.estimate], [y + 0.3], "|", color=svg.INK, ms=6, mew=1.4)
    values = np.concatenate([r.series.values for r in rows])
    ratio_axis(axes, min(values.min(), -margin), max(values.max(), margin))
    axes.set_yticks(range(len(rows)),
                    [summary.case_title(r.case) for r in rows])
    axes.set_ylim(len(rows) - 0.2, -0.6)
    axes.set_xlabel(f"ratio of {BASELINE}'s twin to {BASELINE}: a dot per "
                    "block; median and interval")
    svg.plain(axes)
    return svg.render(made, name, "A/A: the baseline against its own twin")


def drift(side: Side, name: str) -> str | None:
    """How fast the baseline was in each block: the machine's own changes."""
    made = svg.figure(2.2)
    axes = made.add_axes([0.08, 0.2, 0.9, 0.72])
    blocks = side.run.blocks
    curves = []
    for case in side.cases():
        rows = [b.rows.get((case, BASELINE)) for b in blocks]
        if any(r is None or r.batches is None for r in rows):
            continue
        speed = np.array([np.median(r.batches) for r in rows])
        curves.append(speed / np.median(speed))
    if not curves or len(blocks) < 2:
        return None
    numbers = [b.number for b in blocks]
    for curve in curves:
        axes.plot(numbers, curve, color=svg.MUTED, lw=0.7, alpha=0.5)
    axes.plot(numbers, np.median(curves, axis=0), color=svg.series_colour(0),
              lw=1.8)
    axes.set_xlabel("block, in order of time")
    axes.set_ylabel(f"time of {BASELINE} / median")
    axes.set_xlim(numbers[0] - 0.5, numbers[-1] + 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    svg.plain(axes, "y")
    return svg.render(made, name, "Drift of the machine's speed")
