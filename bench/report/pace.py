# SPDX-License-Identifier: GPL-2.0-only
"""The model at the kernel's pace: as many loads, syncs and frees per cycle of
the AIL as a run of scripts/kernel had.  scripts/pace writes pace.json.

Only so are sizes comparable: an emulated processor is slow, and the AIL beside
it sleeps as long as ever.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Iterable

from bench.report import Refused
from bench.report.load import FIRST_CACHE, read_json
from bench.report.rates import Figure, between, filled, ratio, short

if TYPE_CHECKING:
    from bench.report.agreement import Table

SCHEMA = "delwribench-pace-1"
# What a row is called in a step of kernel.json.
NAMES = {"met": "met_lookup", "met_squares": "met_lookup_squares",
         "waits": "wait_count", "waits_squares": "wait_count_squares"}
COUNTS = ("loads", "met", "misqueued", "waits", "wait_total_ns",
          "wait_max_ns", "lookups")
FACTOR, EVENTS, OF_ZERO = 3, 30, 3
WITHIN, OUTSIDE, ACROSS = "within", "outside", "not shown"
FEW, ZERO, NOT = "too few", "zero agrees", "not comparable"


@dataclass(frozen=True)
class Paced:
    """pace.json; rows have the names that kernel.json has."""

    path: Path
    kernel_run: str
    rows: list[dict]

    def caches(self) -> set[str]:
        return {r.get("cache") or FIRST_CACHE for r in self.rows}

    def by_fix(self, scenario: str, release: str) -> dict[str, list[dict]]:
        """Of the cache that this kernel has, at its guest's pace."""
        found: dict[str, list[dict]] = {}
        for row in self.rows:
            if row["scenario"] == scenario and is_of(row, release) \
                    and is_at_pace(row):
                found.setdefault(row["fix"], []).append(row)
        return found

    def scenarios(self) -> list[str]:
        return list(dict.fromkeys(r["scenario"] for r in self.rows))


def is_at_pace(row: dict) -> bool:
    """And not at this machine's own (scripts/pace --own-pace)."""
    return row.get("pace", "guest") == "guest"


def is_of(row: dict, release: str) -> bool:
    """Is the row's cache the one of Linux `release`, 6.12.117+deb12?"""
    return re.match(re.escape(row.get("cache") or FIRST_CACHE) + r"(?!\d)",
                    release) is not None


def refuse_row(path: Path, number: int, row: object) -> None:
    where = f"{path}: row {number}"
    if not isinstance(row, dict):
        raise Refused(f"{where} is no object: write it anew with "
                      "scripts/pace")
    for name in ("scenario", "fix"):
        if not isinstance(row.get(name), str):
            raise Refused(f"{where} has no {name}: write it anew with "
                          "scripts/pace")
    for name in COUNTS:
        value = row.get(name)
        if not isinstance(value, (int, float)) or not 0 <= value < 2**63:
            raise Refused(f"{where} ({row['scenario']}, {row['fix']}): its "
                          f"{name} is {value!r}, no count: write it anew "
                          "with scripts/pace")


def load_pace(folder: Path) -> Paced | None:
    """pace.json of a folder, if it has one."""
    path = folder / "pace.json"
    if not path.is_file():
        return None
    data = read_json(path)
    if data.get("schema") != SCHEMA:
        raise Refused(f"{path} is no {SCHEMA}: another version wrote it; run "
                      "scripts/pace anew")
    rows = data.get("rows")
    if not isinstance(rows, list) or not isinstance(data.get("kernel_run"),
                                                    str):
        raise Refused(f"{path} lacks its rows, or which kernel run it is "
                      "for: write it anew with scripts/pace")
    for number, row in enumerate(rows, 1):
        refuse_row(path, number, row)
    return Paced(path, Path(data["kernel_run"]).name,
                 [{NAMES.get(k, k): v for k, v in r.items()} for r in rows])


# --- is a size the kernel's? --------------------------------------------

@dataclass(frozen=True)
class Size:
    """One figure of one fix: what the model has of what the kernel has."""

    verdict: str
    ratio: Figure | None = None
    why: str = ""


def of_zero(one: Figure, other: Figure) -> Size:
    """One of them has seen none: does the other's rate say so, too?"""
    some, none = (one, other) if one.count else (other, one)
    expected = some.value * none.exposure
    if expected <= OF_ZERO:
        return Size(ZERO)
    return Size(OUTSIDE, why=f"0 of {short(expected)} expected")


def size(model: Figure, kernel: Figure) -> Size:
    if model.count is None or kernel.count is None:
        return Size(NOT, why="no counts")
    if not model.count or not kernel.count:
        return of_zero(model, kernel)
    found = ratio(model, kernel)
    if min(model.count, kernel.count) < EVENTS:
        return Size(FEW, found, f"{model.count} and {kernel.count}")
    if found.low >= 1 / FACTOR and found.high <= FACTOR:
        return Size(WITHIN, found)
    if found.low > FACTOR or found.high < 1 / FACTOR:
        return Size(OUTSIDE, found)
    return Size(ACROSS, found)


ROW = "    {:<22} {:>8} {:>8} {:>19}  {}".format


def table_lines(table: "Table", found: dict[str, Size]) -> list[str]:
    lines = [f"  {table.scenario}, {table.metric}"]
    quiet = [f for f in found if not table.model[f].count
             and not table.kernel[f].count]
    for fix, one in found.items():
        if fix in quiet:
            continue
        m, k = table.model[fix], table.kernel[fix]
        word = f"{one.verdict}: {one.why}" if one.why else one.verdict
        line = ROW(fix, short(m.value), short(k.value), between(one.ratio),
                   word)
        if len(line) > 72:
            lines += [ROW(fix, short(m.value), short(k.value),
                          between(one.ratio), "").rstrip(), f"      {word}"]
        else:
            lines.append(line)
    if quiet:
        lines += filled(f"0 in both: {', '.join(quiet)}", "    ")
    return lines


def lines(tables: Iterable["Table"], why_not: list[str]) -> list[str]:
    """At equal pace: every figure of every fix."""
    counted: dict[str, int] = {}
    out = ["at the kernel's pace: model over kernel",
           ROW("", "model", "kernel", "ratio [95 %]", "").rstrip()]
    for table in tables:
        found = {fix: size(table.model[fix], table.kernel[fix])
                 for fix in table.model}
        for one in found.values():
            counted[one.verdict] = counted.get(one.verdict, 0) + 1
        if found:
            out += table_lines(table, found)
    for why in why_not:
        out += filled(f"{NOT}: {why}")
    words = ", ".join(f"{counted[v]} {v}" for v in
                      (WITHIN, ZERO, FEW, ACROSS, OUTSIDE, NOT)
                      if v in counted)
    return out + filled(
        f"{WITHIN}: the interval lies in [1/{FACTOR}, {FACTOR}]; {OUTSIDE}: "
        f"beyond it; {ACROSS}: neither; {FEW}: than {EVENTS} events in one; "
        f"{ZERO}: where one saw none, the other's rate gives at most "
        f"{OF_ZERO}", "") + filled(
        f"sizes at the kernel's pace: {words or 'none'}", "")
