# SPDX-License-Identifier: GPL-2.0-only
"""What a run's machine was, and what it did meanwhile, as name and value."""
from __future__ import annotations

import re
import shlex
from typing import Any

from bench.report.load import Run

FIELDS = (
    ("host", "host"), ("processor", "cpu_model"), ("architecture", "architecture"),
    ("processors", "processors"), ("cores", "cores"),
    ("allowed processors", "processors_allowed"), ("SMT", "smt"),
    ("frequency governor", "frequency_governor"), ("turbo", "turbo"),
    ("isolated processors", "isolated_processors"),
    ("transparent huge pages", "transparent_hugepage"),
    ("NUMA balancing", "numa_balancing"), ("clock source", "clocksource"),
    ("kernel", "kernel"), ("kernel version", "kernel_version"),
    ("C library", "libc"), ("compiler", "compiler"),
    ("compiler flags", "compiler_flags"), ("sources", "version"),
    ("program, build id", "build_id"), ("program, CRC-64", "program_crc64"),
)
# What each block recorded before and after, beside what has a line of its
# own: (key, name, unit, does it only grow).
STATES = (
    ("runqueue_wait_s", "own threads waited to run", "s", True),
    ("cgroup_throttled_s", "throttled by a quota", "s", True),
    ("cpu_pressure_s", "pressure (PSI cpu some)", "s", True),
    ("migrations", "migrations of threads", "", True),
    ("context_switches_involuntary", "preemptions", "", True),
    ("page_faults_major", "page faults with I/O", "", True),
    ("frequency_khz", "frequency", "kHz", False),
    ("processors", "processors online", "", False),
)
# Places on one machine, which mean nothing on another; with a value each.
PRIVATE = ("--out", "-o", "--dir", "--home")


def value_of(data: dict, key: str) -> str:
    value = data.get(key)
    if value is None:
        return f"not known ({data.get(key + '_reason') or 'not recorded'})"
    return str(value) if value != "" else "none"


def memory(data: dict) -> str:
    size = data.get("memory_bytes")
    if not size:
        return value_of(data, "memory_bytes")
    return f"{size / 2**30:.1f} GiB"


def nodes(data: dict) -> str:
    found = data.get("numa_nodes")
    if not found:
        return value_of(data, "numa_nodes")
    return "; ".join(f"{n['node']}: processors {n['processors']}, "
                     f"{n['bytes'] / 2**30:.1f} GiB" for n in found)


def machine(run: Run) -> list[tuple[str, str]]:
    pairs = [(name, value_of(run.machine, key)) for name, key in FIELDS]
    at = [name for name, _ in pairs].index("SMT")
    return (pairs[:at] + [("NUMA nodes", nodes(run.machine)),
                          ("memory", memory(run.machine))] + pairs[at:])


def span(values: list[float], places: int = 1) -> str:
    low, high = min(values), max(values)
    return (f"{low:.{places}f}" if low == high
            else f"{low:.{places}f} to {high:.{places}f}")


def total_change(run: Run, key: str) -> float | None:
    pairs = [(b.before.get(key), b.after.get(key)) for b in run.blocks]
    if any(x is None or y is None for x, y in pairs):
        return None
    return sum(y - x for x, y in pairs)


def activity(run: Run) -> list[tuple[str, str]]:
    """Load, steal and what else the blocks recorded, before and after."""
    first, last = run.blocks[0], run.blocks[-1]
    pairs = [("measured", f"{first.before['time']} to "
                          f"{last.after['time']}")]
    loads = [b.before["load"][0] for b in run.blocks if b.before.get("load")]
    after = [b.after["load"][0] for b in run.blocks if b.after.get("load")]
    pairs.append(("load, 1 minute", f"{span(loads)} before blocks, "
                                    f"{span(after)} after"
                  if loads and after else "not recorded"))
    steal = total_change(run, "steal_s")
    pairs.append(("stolen by the hypervisor",
                  value_of(first.before, "steal_s") if steal is None
                  else f"{steal:.2f} s of processor time in all blocks"))
    pairs.append(("other processes", others(run)))
    pairs += [(name, state_text(run, key, unit, grows))
              for key, name, unit, grows in STATES]
    return pairs + [("settings", settings_text(run))]


def settings_text(run: Run) -> str:
    """Did anybody switch one while it was measured?"""
    states = [s["settings"] for b in run.blocks for s in (b.before, b.after)
              if s.get("settings")]
    if len(states) < 2 * len(run.blocks):
        return "recorded at the start only"
    changed = [f"{name.replace('_', ' ')}: " + ", then ".join(values)
               for name in states[0]
               if len(values := list(dict.fromkeys(
                   str(s.get(name)) for s in states))) > 1]
    return ("CHANGED: " + "; ".join(changed) if changed else
            "governor, turbo, SMT, isolation, NUMA balancing, huge pages: "
            "the same before and after each block")


def others(run: Run) -> str:
    """How much of the processors others used while blocks ran."""
    busy, own, clock = (total_change(run, key)
                        for key in ("busy_s", "own_s", "clock_s"))
    if busy is None or own is None or not clock:
        return "not recorded"
    return (f"{max(busy - own, 0) / clock:.2f} processors busy on average "
            "with something else")


def state_text(run: Run, key: str, unit: str, grows: bool) -> str:
    """Of what grows, how much it did during blocks; else what it was."""
    unit = unit and " " + unit
    if grows:
        change = total_change(run, key)
        return (value_of(run.first.before, key) if change is None
                else f"{change:,.{1 if unit else 0}f}{unit} in all blocks")
    values: list[Any] = [s.get(key) for b in run.blocks
                         for s in (b.before, b.after)]
    distinct = list(dict.fromkeys(str(v) for v in values if v is not None))
    if not distinct:
        return value_of(run.first.before, key)
    if len(distinct) == 1:
        return f"{distinct[0]}{unit}, before and after each block"
    return (", then ".join(distinct[:4]) + unit
            + (" ..." if distinct[4:] else ""))


def checkout(run: Run) -> list[str]:
    """The command that gets the sources which were measured, if known."""
    version = run.machine.get("version")
    return [f"git checkout {version}"] if version else []


def command(run: Run) -> str:
    """The command that makes such a run, on any machine."""
    words = list(run.command[2:])
    kept = []
    while words:
        word = words.pop(0)
        name = word.partition("=")[0]
        if name not in PRIVATE:
            kept.append(word)
        elif "=" not in word and words:
            words.pop(0)
    kept = [w for w in kept if not re.match("--benchmark_out=", w)]
    return shlex.join(["scripts/run", *kept])


def short(run: Run) -> str:
    """The machine on a line."""
    data = run.machine
    model = data.get("cpu_model") or data.get("architecture") or "unknown"
    return (f"{model}, {data.get('processors', '?')} processors, "
            f"Linux {data.get('kernel', '?')}")


def design(run: Run) -> list[tuple[str, str]]:
    """The blocks: how many, of what, in what order."""
    first = run.first
    rounds = sorted({len(r.batches) for b in run.blocks
                     for r in b.rows.values() if r.batches is not None})
    found = len(run.blocks) + run.left_out
    layouts = (f"{run.layouts} drawn of {first.layout_of} built"
               if run.layouts else f"one ({first.layout_reason})")
    sizes = [b.environment_bytes for b in run.blocks
             if b.environment_bytes is not None]
    return [
        ("blocks", f"{len(run.blocks)} used, {found} found, "
                   f"{run.planned or 'an unknown number'} planned"),
        ("layouts", layouts),
        ("their programs, CRC-64", " ".join(dict.fromkeys(
            b.layout for b in run.blocks if b.layout)) or "not recorded"),
        ("environment", f"{span(sizes, 0)} bytes added"
         if sizes else "not recorded"),
        ("rounds", span([float(r) for r in rounds], 0) if rounds else "none"),
        ("threads", str(first.threads)),
        ("cache", f"Linux {first.cache}'s"),
        ("device", first.device if first.device in
         ("memory", "file", "disk") else "file or disk"),
        ("seed of all orders", first.seed),
    ]
