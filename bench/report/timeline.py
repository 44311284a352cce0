# SPDX-License-Identifier: GPL-2.0-only
"""The timelines in the evidence of scripts/verify, as events.

They are text in columns, written by bench/oracle/timeline.c: milliseconds,
AIL, Repair0, Repair1, and the state of block X after the step.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

ACTORS = ("AIL", "Repair0", "Repair1")
HEADING = re.compile(r"^\s*ms AIL\s+Repair0\s+Repair1\s+flags link\s+lock$")
TIME = re.compile(r"^ *\d+\.\d$")
WIDTH = 16
FIRST = 8


@dataclass(frozen=True)
class Event:
    """One step; flags "QSP", linked and locked are None if not known."""

    ms: float
    lane: int
    actor: str
    step: str
    flags: str | None = None
    linked: bool | None = None
    locked: bool | None = None


def parse_line(line: str) -> Event | None:
    if not TIME.match(line[:FIRST - 1]):
        return None
    cells = [line[FIRST + i * WIDTH:FIRST + (i + 1) * WIDTH].strip()
             for i in range(3)]
    lane = next((i for i, cell in enumerate(cells) if cell), None)
    if lane is None:
        return None
    who, colon, step = cells[lane].partition(": ")
    actor = who
    if lane or not colon or " " in who:
        actor, step = ACTORS[lane], cells[lane]
    state = line[FIRST + 3 * WIDTH:].split()
    if len(state) != 3:
        return Event(float(line[:FIRST - 1]), lane, actor, step)
    return Event(float(line[:FIRST - 1]), lane, actor, step, state[0],
                 state[1] == "linked", state[2] == "locked")


def events_of(evidence: str) -> list[Event]:
    """None in evidence without a timeline."""
    lines = evidence.splitlines()
    start = next((i for i, x in enumerate(lines) if HEADING.match(x)), None)
    if start is None:
        return []
    return [e for e in map(parse_line, lines[start + 1:]) if e]


def headline(evidence: str) -> str:
    """What comes before the details and the timeline."""
    first = evidence.partition("\n")[0].strip()
    # It introduces lines that are not shown beside it.
    return first.removesuffix("; who waits for whom:")


def details(evidence: str) -> list[str]:
    """The lines between the two."""
    found = []
    for line in evidence.splitlines()[1:]:
        if not line.strip() or HEADING.match(line):
            break
        found.append(line.strip())
    return found


def replay(evidence: str) -> str:
    """The command that shows it again, or ""."""
    last = evidence.strip().rpartition("\n")[2]
    return last if last.startswith("scripts/explore --replay ") else ""
