# SPDX-License-Identifier: GPL-2.0-only
"""What is drawn and not measured: a machine, the course of a violation.

They return SVG, as the charts of figures.py do.
"""
from __future__ import annotations

import math
import re
from dataclasses import dataclass

from matplotlib.patches import Rectangle

from bench.report import svg
from bench.report.compare import Side
from bench.report.timeline import ACTORS, Event

# --- the machine -------------------------------------------------------------

LEVEL = re.compile(r"(\w+):(\d+)(?:\(([^)]*)\))?|\[NUMANode\(([^)]*)\)\]")
# Smaller boxes cannot be read: what is in one then is told in its name.
BOXES = 32


@dataclass(frozen=True)
class Level:
    """So many of these in each of the level above."""

    name: str
    arity: int


def levels_of(topology: str) -> list[Level]:
    """hwloc's synthetic description: "Package:1 L3Cache:2(size=1048576) ..."

    Levels of one each are drawn as one box.
    """
    found: list[Level] = []
    for name, arity, attributes, node in LEVEL.findall(topology):
        bytes_ = re.search(r"(?:size|memory)=(\d+)", attributes or node)
        text = name.replace("Cache", "") or "NUMA node"
        if bytes_:
            text += f" {binary(int(bytes_.group(1)))}"
        if found and int(arity or 1) == 1:
            found[-1] = Level(f"{found[-1].name}, {text}", found[-1].arity)
        else:
            found.append(Level(text, int(arity or 1)))
    return found


def binary(size: int) -> str:
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << shift:
            return f"{size / (1 << shift):.3g} {unit}"
    return f"{size} bytes"


def machine(side: Side, name: str) -> str | None:
    """Boxes in boxes, from the package down to what runs a thread."""
    levels = levels_of(str(side.run.machine.get("topology") or ""))
    if not levels:
        return None
    while len(levels) > 1 and math.prod(x.arity for x in levels) > BOXES:
        last = levels.pop()
        above = levels.pop()
        levels.append(Level(f"{above.name}, {last.arity} x ({last.name})",
                            above.arity))
    made = svg.figure(0.35 * len(levels) + 0.25)
    axes = made.add_axes([0.005, 0.02, 0.99, 0.96])
    draw_level(axes, levels, 0, 0.0, 1.0)
    axes.set(xlim=(0, 1), ylim=(len(levels) + 0.1, -0.1))
    axes.axis("off")
    return svg.render(made, name, "The machine")


def draw_level(axes, levels: list[Level], depth: int, left: float,
               width: float) -> None:
    if depth == len(levels):
        return
    level = levels[depth]
    each = width / level.arity
    for i in range(level.arity):
        x, room = left + i * each, 0.004
        axes.add_patch(Rectangle(
            (x + room, depth + 0.05), each - 2 * room, len(levels) - depth
            - 0.05 * depth, facecolor=svg.BAND, edgecolor=svg.MUTED, lw=0.6))
        axes.text(x + 2 * room, depth + 0.55, level.name, va="center",
                  fontsize=8, clip_on=True)
        draw_level(axes, levels, depth + 1, x + room, each - 2 * room)


# --- violations --------------------------------------------------------------

STATES = (("Q", "queued"), ("S", "stale"), ("P", "pinned"),
          ("linked", "linked"), ("locked", "locked"))


def holds(event: Event, state: str) -> bool | None:
    if event.flags is None:
        return None
    if state in ("linked", "locked"):
        return bool(getattr(event, state))
    return state in event.flags


def spans(events: list[Event], state: str) -> list[tuple[float, float]]:
    """From when to when the block was in a state, as (start, length)."""
    known = [(e.ms, holds(e, state)) for e in events if e.flags is not None]
    found = []
    for (start, on), (end, _) in zip(known, known[1:] + [(events[-1].ms, 0)]):
        if on and found and sum(found[-1]) >= start:
            found[-1] = (found[-1][0], end - found[-1][0])
        elif on:
            found.append((start, end - start))
    return found


def story(events: list[Event], name: str, title: str) -> str:
    """Who did something when, and what state the block was in meanwhile."""
    lanes = len(ACTORS) + len(STATES)
    made = svg.figure(0.26 * lanes + 0.75)
    height = made.get_figheight()
    axes = made.add_axes([0.09, 0.42 / height, 0.89, 1 - 0.72 / height])
    for i, (state, _) in enumerate(STATES):
        bars = spans(events, state)
        axes.broken_barh(bars, (len(ACTORS) + i - 0.32, 0.64),
                         color=svg.series_colour(i), lw=0)
    for i in range(len(ACTORS)):
        at = [e.ms for e in events if e.lane == i]
        axes.plot(at, [i] * len(at), "o", color=svg.INK, ms=4, mew=0)
    for event in events:
        if event.step == "COMMITS ROOT":
            axes.axvline(event.ms, color=svg.VERDICTS["slower"], lw=1,
                         ls=":")
            late = event.ms > (events[0].ms + events[-1].ms) / 2
            axes.text(event.ms, -0.75, f"{event.actor} commits",
                      ha="right" if late else "left", fontsize=7.5,
                      color=svg.VERDICTS["slower"])
    axes.set_yticks(range(lanes), [*ACTORS, *(text for _, text in STATES)])
    axes.set_ylim(lanes - 0.5, -0.5)
    room = 0.02 * (events[-1].ms - events[0].ms) or 1
    axes.set_xlim(events[0].ms - room, events[-1].ms + room)
    axes.set_xlabel("ms; above: who acts, below: state of the block")
    svg.plain(axes)
    return svg.render(made, name, title)
