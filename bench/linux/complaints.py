# SPDX-License-Identifier: GPL-2.0-only
"""What the guest's kernel complained about: which assertion, under whom.

A step's "complaints" are what klog.py made of the kernel's log; an assertion
is one of them, its text and the stack under which it fired.
"""

import re
from dataclasses import dataclass, field

SHOWN = 4  # steps of a fix that are named
CONTROL = "none_pre_done"  # whose readers run into one


@dataclass
class Seen:
    """One complaint, and where it was seen."""

    what: str
    stack: tuple[str, ...]
    times: dict[str, int] = field(default_factory=dict)  # by fix
    steps: dict[str, list[str]] = field(default_factory=dict)  # their ids

    def by(self) -> str:
        """Who saw it, and in which steps."""
        return "; ".join(
            f"{fix}, {self.times[fix]} in {named(ids)}" for fix, ids in self.steps.items()
        )

    def under(self) -> str:
        return "under " + " < ".join(self.stack) if self.stack else "no stack"


def named(ids: list[str]) -> str:
    more = f" and {len(ids) - SHOWN} more steps" if len(ids) > SHOWN else ""
    return ", ".join(ids[:SHOWN]) + more


def is_assertion(complaint: dict) -> bool:
    return "Assertion failed: " in complaint["what"]


def _text(what: str) -> str:
    """The condition, and its place if @what has it."""
    found = re.search(r"Assertion failed: (.*?)(?:, file: (\S+), line: (\d+))?$", what)
    assert found, what
    return f"{found[1]} ({found[2]}:{found[3]})" if found[2] else found[1]


def fired(step: dict) -> int | None:
    """Assertions that fired; None: the step does not tell."""
    return step.get("assertions")


def _add(seen: dict, key: tuple, what: str, stack: tuple, step: dict, times: int) -> None:
    one = seen.setdefault(key, Seen(what, stack))
    fix = step["fix"]
    one.times[fix] = one.times.get(fix, 0) + times
    ids = one.steps.setdefault(fix, [])
    name = step["id"].removesuffix("-" + fix)
    if name not in ids:
        ids.append(name)


def assertions(steps: list[dict]) -> list[Seen]:
    """Every assertion that fired, once for each stack."""
    seen: dict[tuple, Seen] = {}
    for step in steps:
        for one in filter(is_assertion, step.get("complaints", [])):
            text, stack = _text(one["what"]), tuple(one["stack"])
            _add(seen, (text, stack), text, stack, step, one["times"])
    return list(seen.values())


def others(steps: list[dict]) -> list[Seen]:
    """Every complaint but asserted ones of `assert`, once for each top of a stack."""
    seen: dict[tuple, Seen] = {}
    for step in steps:
        for one in step.get("complaints", []):
            if step["scenario"] == "assert" and is_assertion(one):
                continue
            stack = tuple(one["stack"])
            _add(seen, (one["what"], stack[:1]), one["what"], stack, step, one["times"])
    return list(seen.values())


def count(steps: list[dict]) -> str:
    """How many assertions fired in them; ? if one does not tell."""
    each = [fired(step) for step in steps]
    return "?" if None in each else str(sum(n for n in each if n))


def no_control(rows: dict[str, list[dict]]) -> str:
    """Why that nobody else fires shows nothing, if so."""
    if CONTROL not in rows:
        return f"{CONTROL}, which must fire, did not run: no control"
    if not any(fired(step) for step in rows[CONTROL]):
        return f"{CONTROL}, which must fire, did not: no control"
    return ""


def _told(seen: list[Seen]) -> list[str]:
    lines = []
    for one in seen:
        lines += [f"{one.what}: {one.by()}", f"  {one.under()}"]
    return lines


def asserted(rows: dict[str, list[dict]]) -> list[str]:
    """The review's first question, of the steps of `assert` by fix: lines."""
    if not rows:
        return []
    out = ["assert: which assertion readers run into; the widened storm, XFS_WARN"]
    out.append(f"{'':22}{'seconds':>10}{'bulk loads':>12}{'assertions fired':>18}")
    for fix, steps in rows.items():
        loads = sum(s["loads"] for s in steps) if all("loads" in s for s in steps) else "?"
        seconds = sum(s.get("seconds", 0) for s in steps)
        out.append(f"{fix:22}{seconds:10.1f}{loads:>12}{count(steps):>18}")
    return out + _told(assertions([s for steps in rows.values() for s in steps]))


def complained(steps: list[dict]) -> list[str]:
    """What else the kernel complained about, once each: lines."""
    lines = _told(others(steps))
    return ["the kernel complained (how often, in which steps)", *lines] if lines else []
