# SPDX-License-Identifier: GPL-2.0-only
"""Counters per operation: what the cache, the kernel and the processor count.

A counter that could not be had is named with its reason, never as 0.
"""
from __future__ import annotations

import textwrap

from bench.report import summary, units
from bench.report.compare import Side
from bench.report.load import IDLE, Row

COLUMNS = 72
WIDTH = 9
PER_TABLE = (COLUMNS - 22) // (WIDTH + 1)
# What rows count themselves, and as it is headed.
DOMAIN = {"hits": "hits", "misses": "misses", "found_stale": "stale",
          "meetings": "on list", "log_forces": "log force",
          "futex_calls": "futexes", "ail_passes": "AIL pass"}
SHORT = {"context-switches": "switches", "cpu-migrations": "migrated",
         "page-faults": "faults", "task-clock-ns": "cpu ns",
         "instructions": "instr", "l1d-load-misses": "L1 miss",
         "cache-misses": "LLC miss", "node-loads": "node ld",
         "node-load-misses": "remote ld", "local-hitm": "HITM",
         "remote-hitm": "rem HITM"}
MODES = {"user": " u", "kernel": " k", "all": ""}
LEAST = 0.0005


def title(name: str, mode: str) -> str:
    return SHORT.get(name, name) + MODES.get(mode, " " + mode)


def domain(rows: list[Row]) -> dict[str, float]:
    """Per operation, of all blocks; what was not counted is not there."""
    counted = sum(r.counted for r in rows)
    if not counted:
        return {}
    return {title: sum(r.counters.get(key, 0) for r in rows) / counted
            for key, title in DOMAIN.items()
            if any(key in r.counters for r in rows)}


def hardware(rows: list[Row]) -> dict[str, tuple[float, float]]:
    """title -> (per operation, least share of the time it counted)."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        for c in row.perf:
            if c["per_operation"] is not None:
                found.setdefault(title(c["name"], c["mode"]), []).append(
                    (c["per_operation"], c["share"]))
    return {name: (sum(v for v, _ in values) / len(values),
                   min(s for _, s in values))
            for name, values in found.items()}


def reasons(side: Side) -> dict[str, list[str]]:
    """Why -> the counters that are missing for that."""
    found: dict[str, dict[str, None]] = {}
    for block in side.run.blocks:
        for row in block.rows.values():
            for c in row.perf:
                if c["per_operation"] is None:
                    found.setdefault(c["per_operation_reason"], {})[
                        title(c["name"], c["mode"])] = None
    return {why: list(names) for why, names in found.items()}


def cell(value: float | None) -> str:
    if value is None:
        return "-"
    return "0" if value == 0 else f"{value:.0e}" if value < LEAST \
        else units.figure(value)


def tables(side: Side, case: tuple) -> list[tuple[list[str], list[tuple]]]:
    """(columns, [(fix, values)]); columns that are 0 everywhere left out."""
    keys = [k for k in side.run.first.rows if k[0] == case and k[1] != IDLE]
    rows = {k[1]: [b.rows[k] for b in side.run.blocks] for k in keys}
    values = {fix: domain(r) | {n: v for n, (v, _) in hardware(r).items()}
              for fix, r in rows.items()}
    columns = [c for c in dict.fromkeys(c for v in values.values() for c in v)
               if any(v.get(c, 0) >= LEAST for v in values.values())]
    return [(part, [(fix, [v.get(c) for c in part])
                    for fix, v in values.items() if v])
            for part in (columns[i:i + PER_TABLE]
                         for i in range(0, len(columns), PER_TABLE))]


def shares(side: Side, case: tuple) -> list[str]:
    """What was scaled up, and from which share of the time."""
    found: dict[str, float] = {}
    for key in side.run.first.rows:
        if key[0] == case:
            for name, (_, share) in hardware(
                    [b.rows[key] for b in side.run.blocks]).items():
                found[name] = min(share, found.get(name, 1))
    return [f"{name} {100 * share:.0f} %" for name, share in found.items()
            if share < 1]


def lines(side: Side) -> list[str]:
    """The section of the report."""
    out: list[str] = []
    for case in side.cases():
        made = tables(side, case)
        if made:
            out.append(summary.case_title(case))
        for columns, rows in made:
            out.append(f"  {'per operation':<20}" + "".join(
                f" {c:>{WIDTH}}" for c in columns))
            for fix, values in rows:
                # A long name has a line of its own.
                if len(fix) > 20:
                    out.append(f"  {fix}")
                name = fix if len(fix) <= 20 else ""
                out.append(f"  {name:<20}" + "".join(
                    f" {cell(v):>{WIDTH}}" for v in values))
        scaled = shares(side, case)
        if scaled:
            out += textwrap.wrap("scaled, counted for this share of the "
                                 f"time: {', '.join(scaled)}", COLUMNS,
                                 initial_indent="  ", subsequent_indent="    ")
    if out:
        out += textwrap.wrap("on list: found stale and still on a list; "
                             "futexes: calls to sleep or wake, daemons' "
                             "pauses left out; u, k: in user and kernel mode; "
                             "less than 0.0005 everywhere: not shown.",
                             COLUMNS)
    for why, names in reasons(side).items():
        out += textwrap.wrap(f"Not counted: {', '.join(names)}: {why}.",
                             COLUMNS, subsequent_indent="  ")
    return out or ["Nothing was counted."]
