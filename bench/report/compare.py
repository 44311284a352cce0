# SPDX-License-Identifier: GPL-2.0-only
"""From blocks to verdicts: what a comparison consists of.

The unit is the process (block), each with a layout of its own.  Where a run
has more blocks than layouts, blocks of one layout are not independent of each
other: their median then is the unit.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from bench.report import Refused, eligible, stats
from bench.report.load import BASELINE, IDLE, TWIN, Block, Row, Run

ALPHA = 0.05
DELTA = 0.02
# The primary metric; a metric that is not one of these is exploratory.
COST = "cost"
QUANTILES = {"p50": 0.5, "p99": 0.99}
# The most a process of its own ever had: bench/run/run_alone.c.
MEMORY, MEMORY_COUNTER = "peak memory", "max_process_kb"
METRICS = (COST, *QUANTILES, MEMORY)
# Fewer operations in a block say nothing of its 99th percentile.
OPERATIONS_FOR_QUANTILES = 100

FASTER, SLOWER = "faster", "slower"
EQUIVALENT, INCONCLUSIVE = "equivalent", "inconclusive"
NO_VERDICT, VIOLATED = "no verdict", "VIOLATED"
NOT_MEASURED = "not measured"
EXPLORATORY = "exploratory"

CONFIRMATORY_ROLE, TWIN_ROLE, FLOOR_ROLE = "fix", "twin", "floor"


@dataclass(frozen=True)
class Options:
    """What is decided before the data are looked at."""

    alpha: float = ALPHA
    delta: float = DELTA
    exploratory: bool = False
    across: frozenset[str] = frozenset()


@dataclass
class Series:
    """Log ratios to the baseline, one per block; 0 is equality."""

    values: np.ndarray
    layouts: list[str | None]
    dropped: list[str]

    def units(self) -> np.ndarray:
        """One value per layout, in the order of the first block of each."""
        groups = list(dict.fromkeys(self.layouts))
        if len(groups) < 2 or len(groups) == len(self.values):
            return self.values
        of = np.array([groups.index(layout) for layout in self.layouts])
        return np.array([np.median(self.values[of == g])
                         for g in range(len(groups))])


@dataclass(frozen=True)
class More:
    """Nanoseconds an operation takes more than the baseline's."""

    estimate: float
    interval: tuple[float, float] | None


@dataclass
class Result:
    """What one run says of one metric of one row."""

    case: tuple[str, int, str]
    fix: str
    metric: str
    role: str
    series: Series
    units: np.ndarray
    estimate: float = math.nan
    interval: tuple[float, float] | None = None
    p: float = 1.0
    p_equivalent: float = 1.0
    p_adjusted: float = math.nan
    detectable: float | None = None
    verdict: str = INCONCLUSIVE
    why: str = ""
    # Of a cost that is told as a time.
    more: More | None = None

    @property
    def blocks(self) -> int:
        return len(self.series.values)

    @property
    def layouts(self) -> int:
        return len({x for x in self.series.layouts if x is not None})

    @property
    def confirmatory(self) -> bool:
        return self.role == CONFIRMATORY_ROLE and self.metric == COST


@dataclass
class Side:
    """One run, and what it says."""

    run: Run
    label: str
    results: dict[tuple, Result]
    no_verdict: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def cases(self) -> list[tuple[str, int, str]]:
        return list(dict.fromkeys(case for case, _ in self.run.first.rows))

    def of(self, case: tuple, metric: str = COST) -> list[Result]:
        return [r for (c, _, m), r in self.results.items()
                if c == case and m == metric]


@dataclass
class Comparison:
    options: Options
    sides: list[Side]
    family: int
    needed: int

    @property
    def void(self) -> bool:
        return any(side.broken for side in self.sides)


def role_of(row: Row) -> str:
    if row.floor or row.fix == IDLE:
        return FLOOR_ROLE
    return TWIN_ROLE if row.fix == TWIN else CONFIRMATORY_ROLE


# --- one number per block ----------------------------------------------------

def cost_ratio(row: Row, base: Row) -> float | str:
    """The median over rounds of the log ratio; or why there is none."""
    for which in (row, base):
        if which.batches is None:
            return f"{which.fix}: {which.reason}"
    if len(row.batches) != len(base.batches) or not len(row.batches):
        return (f"{len(row.batches)} batches beside {len(base.batches)} of "
                f"{BASELINE}: rounds cannot be paired")
    return float(np.median(np.log(row.batches / base.batches)))


def quantile_ratio(row: Row, base: Row, share: float) -> float | str:
    for which in (row, base):
        if which.latency is None:
            return f"{which.fix}: {which.latency_reason}"
        if which.latency.count < OPERATIONS_FOR_QUANTILES:
            return (f"{which.fix}: {which.latency.count} operations, fewer "
                    f"than {OPERATIONS_FOR_QUANTILES}")
    mine, its = (h.latency.quantiles([share])[0] for h in (row, base))
    if mine <= 0 or its <= 0:
        return "a time of 0 ns"
    return math.log(mine / its)


def memory_ratio(row: Row, base: Row) -> float | str:
    mine, its = (r.counters.get(MEMORY_COUNTER) for r in (row, base))
    if not mine or not its:
        return "no process of its own"
    return math.log(mine / its)


def block_value(block: Block, case: tuple, fix: str,
                metric: str) -> float | str:
    row, base = block.rows[case, fix], block.rows.get((case, BASELINE))
    if base is None:
        return f"{BASELINE} was not measured under this workload"
    if metric == COST:
        return cost_ratio(row, base)
    if metric == MEMORY:
        return memory_ratio(row, base)
    return quantile_ratio(row, base, QUANTILES[metric])


def in_time(case: tuple) -> bool:
    """Is a ratio to its baseline no result, but how short that is?"""
    return case[0].partition("/")[0] in ("repair_storm", "bulkload")


def more_time(run: Run, case: tuple, fix: str, alpha: float) -> More | None:
    """Paired like the ratio, which alone is tested."""
    rows = [(b.rows[case, fix], b.rows.get((case, BASELINE)), b.layout)
            for b in run.blocks]
    kept = [(row, base, layout) for row, base, layout in rows
            if base and not isinstance(cost_ratio(row, base), str)]
    if not kept:
        return None
    units = Series(np.array([np.median(row.batches - base.batches)
                             for row, base, _ in kept]),
                   [layout for *_, layout in kept], []).units()
    return More(float(np.median(units)), stats.interval(units, alpha))


def series_of(run: Run, case: tuple, fix: str, metric: str) -> Series:
    values, layouts, dropped = [], [], []
    for block in run.blocks:
        value = block_value(block, case, fix, metric)
        if isinstance(value, str):
            dropped.append(f"{block.name}: {value}")
        else:
            values.append(value)
            layouts.append(block.layout)
    return Series(np.array(values), layouts, dropped)


# --- one result per row ------------------------------------------------------

def evaluate(result: Result, options: Options) -> None:
    """Everything that does not depend on the other results."""
    units = result.units
    if not len(units):
        result.verdict = NOT_MEASURED
        first = result.series.dropped[0]
        result.why = first.partition(": ")[2] or first
        return
    margin = math.log1p(options.delta)
    result.estimate = float(np.median(units))
    result.interval = stats.interval(units, options.alpha)
    result.p = stats.sign_test(units)
    result.p_equivalent = max(stats.sign_test(units, margin, "less"),
                              stats.sign_test(units, -margin, "greater"))
    if len(units) > 1 and np.ptp(units) == 0:
        result.why = "every block gave exactly this value"
    elif result.series.dropped:
        result.why = (f"{len(result.series.dropped)} blocks without it: "
                      f"{result.series.dropped[0]}")


def results_of(run: Run, options: Options) -> dict[tuple, Result]:
    results = {}
    for (case, fix), row in run.first.rows.items():
        if fix == BASELINE:
            continue
        for metric in METRICS:
            series = series_of(run, case, fix, metric)
            if metric != COST and not len(series.values):
                continue
            result = Result(case, fix, metric, role_of(row), series,
                            series.units())
            evaluate(result, options)
            if metric == COST and in_time(case):
                result.more = more_time(run, case, fix, options.alpha)
            results[case, fix, metric] = result
    return results


# --- invariants --------------------------------------------------------------

def expected_to_fail(run: Run, fix: str) -> bool:
    """Does it break the order by design, or was seen to in the matrix?"""
    if fix.startswith(BASELINE):
        return True
    cell = (run.matrix or {}).get(fix, {}).get("ordering", {})
    return cell.get("verdict") == "violated" and not cell.get("claimed")


def violations(run: Run) -> dict[tuple, str]:
    """(case, fix) -> what the oracle saw in the measured batches."""
    seen: dict[tuple, str] = {}
    for key in run.first.rows:
        rows = [block.rows[key] for block in run.blocks]
        violated = sum(r.violated for r in rows)
        left: dict[str, int] = {}
        for row in rows:
            for what, count in row.left.items():
                left[what] = left.get(what, 0) + count
        parts = []
        if violated:
            parts.append(f"{violated} of {sum(r.checked for r in rows)} "
                         "blocks not durable when their root was committed")
        parts += [f"{count} {what.replace('_', ' ')} left at unmount"
                  for what, count in left.items()]
        if parts:
            seen[key] = ", ".join(parts)
    return seen


def judge_invariants(side: Side) -> None:
    """A violation nobody expects voids the run, an expected one its row."""
    for (case, fix), what in violations(side.run).items():
        if not expected_to_fail(side.run, fix):
            side.broken.append(f"{case[0]}/{fix}: {what}")
        for metric in METRICS:
            result = side.results.get((case, fix, metric))
            if result and result.role == CONFIRMATORY_ROLE:
                result.verdict, result.why = VIOLATED, what


# --- all results together ----------------------------------------------------

def decide(result: Result, adjusted: float, equivalent: float,
           options: Options) -> str:
    margin = math.log1p(options.delta)
    if adjusted <= options.alpha:
        return SLOWER if result.estimate > 0 else FASTER
    low, high = result.interval or (-math.inf, math.inf)
    within = -margin <= low and high <= margin
    if within and equivalent <= options.alpha:
        return EQUIVALENT
    return INCONCLUSIVE


def judge(sides: list[Side], options: Options) -> int:
    """Verdicts on the pre-declared family; returns its size."""
    family = [(side, r) for side in sides for r in side.results.values()
              if r.confirmatory]
    adjusted = stats.holm([r.p for _, r in family])
    equivalent = stats.holm([r.p_equivalent for _, r in family])
    strict = options.alpha / max(len(family), 1)
    for (side, result), p, q in zip(family, adjusted, equivalent):
        if result.verdict in (NOT_MEASURED, VIOLATED):
            continue
        result.detectable = stats.detectable(result.units, strict)
        if side.no_verdict or side.broken:
            result.verdict = NO_VERDICT
            continue
        result.p_adjusted = p
        result.verdict = decide(result, p, q, options)
    for side in sides:
        for result in side.results.values():
            if not result.confirmatory and result.verdict == INCONCLUSIVE:
                result.verdict = EXPLORATORY
    return len(family)


def family_size(runs: list[Run]) -> int:
    """Implementations x placements x primary metrics, of all the runs.

    Rows that could not be measured count: what is in the family is decided
    before the data are seen.
    """
    return sum(role_of(row) == CONFIRMATORY_ROLE and row.fix != BASELINE
               for run in runs for row in run.first.rows.values())


def label_runs(runs: list[Run]) -> list[str]:
    """Short names: R1, R2, ..."""
    return [f"R{i}" for i in range(1, len(runs) + 1)]


def compare(runs: list[Run], options: Options) -> Comparison:
    """Refused if the runs are no fit for a comparison."""
    for run in runs:
        eligible.check_run(run)
    eligible.check_runs(runs, set(options.across))
    family = family_size(runs)
    if not family:
        raise Refused(f"{runs[0].path}: no fix but `{BASELINE}` was measured: "
                      "add --fix NAME to the run")
    needed = stats.units_needed(options.alpha, family)
    sides = []
    for run, label in zip(runs, label_runs(runs)):
        lacks = eligible.lacking(run, needed)
        if lacks and not options.exploratory:
            without = [f"without {x}" for x in run.discarded[:run.left_out]]
            raise Refused(f"{run.path}: {'; '.join(lacks + without)}. To "
                          "look at it without verdicts: --exploratory")
        sides.append(Side(run, label, results_of(run, options), lacks))
    for side in sides:
        judge_invariants(side)
    judge(sides, options)
    return Comparison(options, sides, family, needed)
