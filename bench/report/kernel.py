# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/kernel has measured, and how true the model is to it.

Rates get exact (Poisson) intervals.  A figure that is no count has as its
error the range of its repetitions.  Two fixes differ if their errors do not
overlap; model and kernel agree on two fixes that differ in both if they
differ the same way.
"""
from __future__ import annotations

import itertools
import math
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable

from scipy.stats import binomtest, chi2

from bench.linux import verdict
from bench.report import Refused
from bench.report.load import Row, Run, read_json

SCHEMA = "delwribench-kernel-1"
ALPHA = 0.05
WIDTH = 72


@dataclass(frozen=True)
class Figure:
    """A value and its error."""

    low: float
    value: float
    high: float

    def below(self, other: "Figure") -> bool:
        return self.high < other.low


def rate(count: int, exposure: float) -> Figure:
    """Events per unit of exposure, with the exact 95 % interval."""
    low = float(chi2.ppf(ALPHA / 2, 2 * count)) / 2 if count else 0.0
    high = float(chi2.ppf(1 - ALPHA / 2, 2 * count + 2)) / 2
    return Figure(low / exposure, count / exposure, high / exposure)


def share(count: int, of: int) -> Figure:
    """Of so many trials, with the exact 95 % interval."""
    between = binomtest(count, of).proportion_ci(1 - ALPHA, method="exact")
    return Figure(between.low, count / of, between.high)


def spread(values: Iterable[float]) -> Figure | None:
    """The mean of repetitions, and their range; None: too few for one."""
    values = list(values)
    if len(values) < 2:
        return None
    return Figure(min(values), sum(values) / len(values), max(values))


def load_kernel(folder: Path) -> dict | None:
    """kernel.json of a run's folder, if it has one."""
    path = folder / "kernel.json"
    if not path.is_file():
        return None
    data = read_json(path)
    if data.get("schema") != SCHEMA:
        raise Refused(f"{path} is no {SCHEMA}: another version wrote it; run "
                      "scripts/kernel anew")
    return data


def is_kernel_only(folder: Path) -> bool:
    """Written by scripts/kernel, without a run of the model in it?"""
    return (folder / "kernel.json").is_file() and \
        not (folder / "machine.json").exists()


def seconds(figure: float) -> str:
    return "no bound" if math.isinf(figure) else f"{figure:.3g} s"


def time_to_first(count: int, exposure: float) -> str:
    """Mean time to an event, from how many there were in so many seconds."""
    r = rate(count, exposure)
    low, high = 1 / r.high, 1 / r.low if r.low else math.inf
    if not count:
        return (f"none in {exposure:.4g} s: with 95 % confidence more than "
                f"{seconds(low)} apart")
    return (f"{count} in {exposure:.4g} s: {seconds(1 / r.value)} "
            f"[{seconds(low)}, {seconds(high)}]")


def rates(data: dict) -> list[str]:
    """Time to the first misqueued block, and to the first damage."""
    out = []
    for scenario in dict.fromkeys(s["scenario"] for s in data["steps"]):
        for fix, those in verdict.by_fix(data, scenario).items():
            mode = verdict.mode(those[0])
            exposure = verdict.total(those, "seconds")
            if not exposure or mode not in ("", "natural"):
                continue
            if not mode:
                what = ("misqueued", int(verdict.total(those, "misqueued")))
            else:
                bad = sum(verdict.is_condemned(s) for s in those if s["hit"])
                what = ("damaged", bad)
            out.append(f"{scenario}, {fix}: {what[0]} "
                       + time_to_first(what[1], exposure))
    return out


# --- the model beside the kernel ----------------------------------------

FromModel = Callable[[list[Row]], "Figure | None"]
FromKernel = Callable[[list[dict]], "Figure | None"]


@dataclass(frozen=True)
class Metric:
    name: str
    model: FromModel
    kernel: FromKernel
    hardware: bool = False      # needs the processor's own speed


def loads_of(rows: list[Row]) -> int:
    return sum(r.operations for r in rows)


def model_count(of: Callable[[Row], float], per: Callable[[Row], float]):
    def figure(rows: list[Row]) -> Figure | None:
        exposure = sum(per(r) for r in rows)
        return rate(round(sum(of(r) for r in rows)), exposure) \
            if exposure else None
    return figure


def kernel_count(of: str, per: str):
    def figure(those: list[dict]) -> Figure | None:
        exposure = verdict.total(those, per)
        return rate(round(verdict.total(those, of)), exposure) \
            if exposure else None
    return figure


def list_waits(row: Row) -> int:
    return row.waits["list"][0] if row.waits else 0


def model_mean_wait(rows: list[Row]) -> Figure | None:
    return spread(r.waits["list"][1] / r.waits["list"][0] / 1e6
                  for r in rows if list_waits(r))


def kernel_mean_wait(those: list[dict]) -> Figure | None:
    return spread(s["wait_total_ns"] / s["wait_count"] / 1e6
                  for s in those if s.get("wait_count"))


def model_time(rows: list[Row]) -> Figure | None:
    return spread(float(ns) / 1e6 for r in rows if r.batches is not None
                  for ns in r.batches)


def kernel_time(those: list[dict]) -> Figure | None:
    return spread(s["seconds"] / s["repairs"] * 1e3
                  for s in those if s.get("repairs"))


STORM = (
    Metric("misqueued blocks per load",
           model_count(lambda r: r.misqueued, lambda r: r.operations),
           kernel_count("misqueued", "loads")),
    Metric("waits for a list per load",
           model_count(list_waits, lambda r: r.operations),
           kernel_count("wait_count", "loads")),
    Metric("mean wait for a list, ms", model_mean_wait, kernel_mean_wait),
    Metric("time per repair, ms", model_time, kernel_time, hardware=True),
)
CHURN = (
    Metric("meetings with a stale, linked buffer per lookup",
           model_count(lambda r: r.counters.get("meetings", 0),
                       lambda r: r.counters.get("lookups", 0)),
           kernel_count("met_lookup", "lookups")),
    Metric("waits for a list per lookup",
           model_count(list_waits, lambda r: r.counters.get("lookups", 0)),
           kernel_count("wait_count", "lookups")),
)
# Model's workload, kernel's scenario, what is compared.
PAIRS = (
    ("repair_storm/1", "natural", STORM),
    ("repair_storm/1k", "widened", STORM),
    ("repair_storm/100k", "long_list", STORM),
    ("churn", "churn_alone", CHURN),
)
# scripts/cost's operation, the kernel's.
COSTS = (("hit", "lookup"),)


def ranked(figures: dict[str, Figure]) -> str:
    """Smallest first; < where the errors do not overlap, ~ where they do."""
    order = sorted(figures, key=lambda fix: (figures[fix].value, fix))
    text = ""
    for i, fix in enumerate(order):
        if i:
            apart = figures[order[i - 1]].below(figures[fix])
            text += " < " if apart else " ~ "
        text += f"{fix} {figures[fix].value:.3g}"
    return text


def agreement(model: dict[str, Figure], kernel: dict[str, Figure],
              ) -> tuple[int, list[str]]:
    """How many pairs of fixes differ in both; which of them otherwise."""
    both, wrong = 0, []
    for a, b in itertools.combinations(sorted(model.keys() & kernel.keys()),
                                       2):
        m = model[a].below(model[b]) - model[b].below(model[a])
        k = kernel[a].below(kernel[b]) - kernel[b].below(kernel[a])
        if m and k:
            both += 1
            if m != k:
                wrong.append(f"{a} and {b}")
    return both, wrong


def apart(model: dict[str, Figure], kernel: dict[str, Figure]) -> str:
    """How far the figures of the same fix are apart, at most."""
    factors = {fix: max(model[fix].value, kernel[fix].value)
               / min(model[fix].value, kernel[fix].value)
               for fix in model.keys() & kernel.keys()
               if model[fix].value > 0 and kernel[fix].value > 0}
    if not factors:
        return "no fix has both above 0"
    most = max(sorted(factors), key=lambda fix: factors[fix])
    return f"apart by a factor of up to {factors[most]:.3g} ({most})"


def filled(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent,
                         subsequent_indent=indent + "  ",
                         break_long_words=False)


def compared(name: str, model: dict[str, Figure],
             kernel: dict[str, Figure]) -> tuple[list[str], int, int]:
    """The lines; pairs that differ in both, and those that do otherwise."""
    common = model.keys() & kernel.keys()
    if not common:
        return filled(f"{name}: not in both"), 0, 0
    model = {fix: model[fix] for fix in common}
    kernel = {fix: kernel[fix] for fix in common}
    both, wrong = agreement(model, kernel)
    out = filled(name)
    out += filled("model  " + ranked(model), "    ")
    out += filled("kernel " + ranked(kernel), "    ")
    if both:
        said = (f"pairs of fixes that differ in both: {both}, "
                + (f"OTHERWISE in the kernel: {', '.join(wrong)}" if wrong
                   else "all the same way"))
    else:
        said = "no pair of fixes differs in both"
    return out + filled(f"{said}; {apart(model, kernel)}", "    "), both, \
        len(wrong)


def model_rows(run: Run, workload: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for block in run.blocks:
        for row in block.rows.values():
            if row.workload == workload and not row.reason:
                found.setdefault(row.fix, []).append(row)
    return found


# What the oracle calls it when a trial's damage is possible.
HAZARDS = {"crash": "ordering", "power": "ordering", "error": "lost-error"}


def oracle(matrix: dict, hazard: str) -> dict[str, Figure]:
    """1: a fix violates it; 0: it holds."""
    found = {fix: hazards.get(hazard, {}).get("verdict")
             for fix, hazards in matrix.items()}
    value = {"violated": 1.0, "holds": 0.0}
    return {fix: Figure(value[v], value[v], value[v])
            for fix, v in found.items() if v in value}


def damage(data: dict, scenario: str) -> dict[str, Figure]:
    """The share of valid trials that lost something."""
    found = {}
    for fix, those in verdict.by_fix(data, scenario).items():
        valid = [s for s in those if verdict.is_valid(s)]
        if valid:
            found[fix] = share(sum(map(verdict.has_lost, valid)), len(valid))
    return found


def trials(run: Run, data: dict) -> list[tuple[str, str, dict, dict]]:
    """scripts/verify's verdicts, and what came of the kernel's trials."""
    out = []
    for scenario in dict.fromkeys(s["scenario"] for s in data["steps"]):
        modes = {verdict.mode(s) for s in verdict.done(data, scenario)}
        for hazard in {HAZARDS[m] for m in modes if m in HAZARDS}:
            out.append((f"{hazard} and {scenario}",
                        "violated (1) or held; share of valid trials lost",
                        oracle(run.matrix or {}, hazard),
                        damage(data, scenario)))
    return out


def cost_figures(folder: Path, data: dict) -> list[tuple[str, dict, dict]]:
    """Instructions over `none`'s: what scripts/cost --json has counted."""
    path = folder / "cost.json"
    if not path.is_file():
        return []
    model = read_json(path)["fixes"]
    kernel = verdict.by_fix(data, "cost")
    out = []
    for ours, theirs in COSTS:
        m = {fix: cost[ours]["instructions"] for fix, cost in model.items()
             if cost.get(ours, {}).get("instructions") is not None}
        k = {fix: [s[f"{theirs}_min_ps"] / 1000 for s in those]
             for fix, those in kernel.items()}
        if "none" not in m or "none" not in k:
            continue
        base = sum(k["none"]) / len(k["none"])
        out.append((
            f"instructions of a {theirs} more than with none",
            {f: Figure(v - m["none"], v - m["none"], v - m["none"])
             for f, v in m.items()},
            {f: Figure(min(v) - max(k["none"]), sum(v) / len(v) - base,
                       max(v) - min(k["none"])) for f, v in k.items()}))
    return out


def fidelity(run: Run | None, data: dict) -> list[str]:
    """The model beside the kernel, scenario by scenario."""
    if run is None:
        return ["no run of the model to put beside it: name one"]
    out, tables = [], []
    for workload, scenario, metrics in PAIRS:
        rows = model_rows(run, workload)
        those = verdict.by_fix(data, scenario)
        if not rows or not those:
            missing = [what for what, there in
                       ((f"the model's {workload}", rows),
                        (f"the kernel's {scenario}", those)) if not there]
            out += filled(f"{workload} and {scenario}: not compared, without "
                          f"{' and '.join(missing)}", "")
            continue
        names = f"{workload} and {scenario}"
        for metric in metrics:
            if metric.hardware and data["accelerator"] != "kvm":
                out += filled(f"{names}: {metric.name}: not compared, the "
                              "kernel's processors were emulated", "")
                continue
            tables.append((names, metric.name, figures(rows, metric.model),
                           figures(those, metric.kernel)))
    tables += trials(run, data)
    tables += [("scripts/cost and cost", *rest)
               for rest in cost_figures(run.path, data)]
    pairs, wrong, differs, before = 0, 0, {}, ""
    for names, metric, model, kernel in tables:
        lines, both, otherwise = compared(metric, model, kernel)
        out += lines if names == before else [names, *lines]
        before = names
        pairs, wrong = pairs + both, wrong + otherwise
        if agreement(kernel, kernel)[0]:
            differs[names] = True
    out += filled("scenarios in which fixes differ in the kernel by more than "
                  f"the errors: {len(differs)}"
                  + (f" ({'; '.join(differs)})" if differs else ""), "")
    return out + [f"pairs of fixes that differ in both: {pairs}; "
                  f"in another order: {wrong}"]


def figures(those: dict, metric: Callable) -> dict[str, Figure]:
    """Of each fix that has one."""
    found = {fix: metric(rows) for fix, rows in those.items()}
    return {fix: figure for fix, figure in found.items() if figure}


def render(data: dict, run: Run | None) -> str:
    """kernel.txt."""
    out = [*filled(f"Linux {data['kernel']}, {data['accelerator']} "
                   f"({data['accelerator_reason']})", ""), "",
           "mean time to the first, exact 95 % intervals"]
    for line in rates(data):
        out += filled(line)
    out += ["", "the model beside the kernel"
            + (f": {run.name}" if run else "")]
    out.append("~: the errors overlap")
    return "\n".join(out + fidelity(run, data)) + "\n"
