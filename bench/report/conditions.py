# SPDX-License-Identifier: GPL-2.0-only
"""What part of the machine a block had: processors, memory nodes, quota,
memory.  If it is not what the run began with, its times are of another
machine, in effect."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.report.load import Block, Run

# As bench/machine/machine_conditions.c calls them.
NAMES = {
    "processors_online": "processors online",
    "processors_allowed": "processors allowed",
    "memory_nodes_allowed": "memory nodes allowed",
    "cgroup_cpuset": "processors of the cgroup",
    "cgroup_memory_nodes": "memory nodes of the cgroup",
    "cgroup_cpu_quota": "quota of the cgroup, in processors",
    "cgroup_memory_limit": "memory limit of the cgroup, in bytes",
}


def differ(then: dict, now: dict) -> str:
    """What is known of both and another, or ""."""
    for key, name in NAMES.items():
        was, is_now = then.get(key), now.get(key)
        if was is not None and is_now is not None and was != is_now:
            return f"{name}: {was}, then {is_now}"
    return ""


def changed(run: Run, block: Block) -> str:
    """What was another in a block than when its run began, or ""."""
    start = run.before.get("conditions") or \
        run.first.before.get("conditions") or {}
    for when, state in (("before", block.before), ("after", block.after)):
        what = differ(start, state.get("conditions") or {}) or \
            differ_online(run, state)
        if what:
            return f"changed since the run began, seen {when} it: {what}"
    return differ_allowed(run, block)


def differ_online(run: Run, state: dict) -> str:
    """The same of older runs, which knew how many are online only."""
    start = run.before.get("processors") or run.first.before.get("processors")
    return differ({"processors_online": start},
                  {"processors_online": state.get("processors")})


def differ_allowed(run: Run, block: Block) -> str:
    """... and how many could be used, and by which threads were."""
    start = run.machine.get("processors") or run.first.processors
    if None not in (start, block.processors) and block.processors != start:
        return (f"changed since the run began: processors allowed: {start}, "
                f"then {block.processors}")
    allowed = processors_of(run.machine.get("processors_allowed"))
    outside = sorted(block.bound_to - allowed) if allowed else []
    if outside:
        return ("changed since the run began: processors allowed: "
                f"{run.machine['processors_allowed']}, and its threads went "
                f"to {', '.join(map(str, outside))}")
    return ""


def processors_of(text: Any) -> set[int]:
    """Those of a list as "0-3,8"."""
    found: set[int] = set()
    for part in str(text or "").split(","):
        low, _, high = part.partition("-")
        if low.isdigit():
            found |= set(range(int(low), int(high or low) + 1))
    return found
