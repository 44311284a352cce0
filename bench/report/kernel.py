# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/kernel has measured, and how true the model is to it.

Two fixes differ if their errors do not overlap; model and kernel agree on two
fixes that differ in both if they differ the same way.
"""
from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from bench.linux import complaints, verdict
from bench.report import Refused
from bench.report.load import Row, Run, read_json
from bench.report.rates import Figure, filled, rate, rates, share, spread

SCHEMA = "delwribench-kernel-1"


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


# --- the model beside the kernel ----------------------------------------

FromModel = Callable[[list[Row]], "Figure | None"]
FromKernel = Callable[[list[dict]], "Figure | None"]


@dataclass(frozen=True)
class Metric:
    name: str
    model: FromModel
    kernel: FromKernel
    rests_on: tuple[str, ...] = ()  # the kernel's figures
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
           kernel_count("misqueued", "loads"), ("misqueued", "loads")),
    Metric("waits for a list per load",
           model_count(list_waits, lambda r: r.operations),
           kernel_count("wait_count", "loads"), ("wait_count", "loads")),
    Metric("mean wait for a list, ms", model_mean_wait, kernel_mean_wait,
           ("wait_count",)),
    Metric("time per repair, ms", model_time, kernel_time, hardware=True),
)
CHURN = (
    Metric("meetings with a stale, linked buffer per lookup",
           model_count(lambda r: r.counters.get("meetings", 0),
                       lambda r: r.counters.get("lookups", 0)),
           kernel_count("met_lookup", "lookups"),
           ("met_lookup", "lookups")),
    Metric("waits for a list per lookup",
           model_count(list_waits, lambda r: r.counters.get("lookups", 0)),
           kernel_count("wait_count", "lookups"),
           ("wait_count", "lookups")),
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
    """Smallest first; < where the errors do not overlap, ~ where they do.

    Three or more with the same figure are `the others`, or `all`.
    """
    order = sorted(figures, key=lambda fix: (figures[fix].value, fix))
    groups = [list(same) for _, same in itertools.groupby(
        order, key=lambda fix: f"{figures[fix].value:.3g}")]
    largest = max(groups, key=len, default=[])
    text, before = "", []
    for group in groups:
        value = f" {figures[group[0]].value:.3g}"
        if len(group) > 2 and group is largest:
            names = ["all" if len(groups) == 1 else "the others"]
        else:
            names = group
        if before:
            apart = all(figures[a].below(figures[b])
                        for a in before for b in group)
            text += " < " if apart else " ~ "
        text += " ~ ".join(name + value for name in names)
        before = group
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
        return "no fix above 0 in both"
    most = max(sorted(factors), key=lambda fix: factors[fix])
    return f"x{factors[most]:.3g} ({most})"


@dataclass(frozen=True)
class Table:
    """A figure of one scenario, of the fixes that have it in both."""

    scenario: str
    metric: str
    model: dict[str, Figure]
    kernel: dict[str, Figure]

    def shown(self) -> list[str]:
        model, kernel = ranked(self.model), ranked(self.kernel)
        if model == kernel:
            return filled("both   " + model, "    ")
        return filled("model  " + model, "    ") + \
            filled("kernel " + kernel, "    ")

    def said(self) -> str:
        both, wrong = agreement(self.model, self.kernel)
        return (f"{both} pair{'' if both == 1 else 's'}"
                + (f", OTHERWISE in the kernel: {', '.join(wrong)}"
                   if wrong else "")
                + f", {apart(self.model, self.kernel)}")


def in_both(scenario: str, metric: str, model: dict[str, Figure],
            kernel: dict[str, Figure]) -> Table:
    common = sorted(model.keys() & kernel.keys())
    return Table(scenario, metric, {fix: model[fix] for fix in common},
                 {fix: kernel[fix] for fix in common})


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
        if valid and not verdict.unknown(data, fix, "hits"):
            found[fix] = share(sum(map(verdict.has_lost, valid)), len(valid))
    return found


LOST = "share of valid trials lost (model: violated 1, held 0)"


def trials(run: Run, data: dict) -> list[Table]:
    """scripts/verify's verdicts, and what came of the kernel's trials."""
    out = []
    for scenario in dict.fromkeys(s["scenario"] for s in data["steps"]):
        modes = {verdict.mode(s) for s in verdict.done(data, scenario)}
        for hazard in {HAZARDS[m] for m in modes if m in HAZARDS}:
            out.append(in_both(f"{hazard} and {scenario}", LOST,
                               oracle(run.matrix or {}, hazard),
                               damage(data, scenario)))
    return out


def cost_figures(folder: Path, data: dict) -> list[Table]:
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
        out.append(in_both(
            "scripts/cost and cost",
            f"instructions of a {theirs} more than with none",
            {f: Figure(v - m["none"], v - m["none"], v - m["none"])
             for f, v in m.items()},
            {f: Figure(min(v) - max(k["none"]), sum(v) / len(v) - base,
                       max(v) - min(k["none"])) for f, v in k.items()}))
    return out


def left_out(data: dict) -> list[str]:
    """What a comparison lacks since its hooks are lost."""
    names = dict.fromkeys(n for *_, metrics in PAIRS for m in metrics
                          for n in m.rests_on) | {"hits": None}
    return [f"{fix}'s {name.replace('_', ' ')}"
            for fix in data.get("fixes", {}) for name in names
            if verdict.unknown(data, fix, name)]


def measured(run: Run, data: dict) -> tuple[list[Table], list[str]]:
    """Every figure that both have; what is not compared, and why."""
    tables: list[Table] = []
    missing: dict[str, list[str]] = {}
    for workload, scenario, metrics in PAIRS:
        rows = model_rows(run, workload)
        those = verdict.by_fix(data, scenario)
        if not rows:
            missing.setdefault("not in the model's run", []).append(workload)
        if not those:
            missing.setdefault("not in the kernel's run", []).append(scenario)
        if not rows or not those:
            continue
        for metric in metrics:
            if metric.hardware and data["accelerator"] != "kvm":
                why = "the kernel's processors were emulated"
                if metric.name not in missing.setdefault(why, []):
                    missing[why].append(metric.name)
                continue
            known = {fix: steps for fix, steps in those.items() if not any(
                verdict.unknown(data, fix, name) for name in metric.rests_on)}
            tables.append(in_both(
                f"{workload} and {scenario}", metric.name,
                figures(rows, metric.model), figures(known, metric.kernel)))
    if gone := left_out(data):
        missing["hooks that found no place"] = gone
    tables += trials(run, data) + cost_figures(run.path, data)
    return tables, [f"not compared, {why}: {', '.join(what)}"
                    for why, what in missing.items()]


def by_metric(tables: list[Table]) -> list[str]:
    """One heading per metric; scenarios that say the same together."""
    out = []
    for metric in dict.fromkeys(t.metric for t in tables):
        out += filled(metric, "")
        bodies: dict[tuple[str, ...], list[str]] = {}
        for table in tables:
            if table.metric == metric:
                body = (table.said(), *table.shown())
                bodies.setdefault(body, []).append(table.scenario)
        for (said, *shown), scenarios in bodies.items():
            out += filled(f"{'; '.join(scenarios)}: {said}"
                          + (" each" if len(scenarios) > 1 else ""))
            out += shown
    return out


def listed(title: str, tables: list[Table]) -> list[str]:
    """Their scenarios, by metric; metrics with the same ones together."""
    by_name: dict[str, list[str]] = {}
    for table in tables:
        by_name.setdefault(table.metric, []).append(table.scenario)
    same: dict[str, list[str]] = {}
    for metric, scenarios in by_name.items():
        same.setdefault(", ".join(scenarios), []).append(metric)
    lines = [line for scenarios, metrics in same.items()
             for line in filled(f"{'; '.join(metrics)}: {scenarios}")]
    return filled(title, "") + lines if lines else []


def fidelity(run: Run | None, data: dict) -> list[str]:
    """The model beside the kernel, figure by figure."""
    if run is None:
        return ["no run of the model to put beside it: name one"]
    tables, missing = measured(run, data)
    out = [line for what in missing for line in filled(what, "")]
    empty = [t for t in tables if not t.model]
    equal = [t for t in tables if t.model
             and not agreement(t.kernel, t.kernel)[0]]
    telling = [t for t in tables if t not in empty and t not in equal]
    if telling:
        out += filled("~: the errors overlap; pairs: of fixes that differ in "
                      "both; x: a fix's two figures are at most so far apart",
                      "")
        out += by_metric(telling)
    out += listed("no fix has in both", empty)
    out += listed("no two fixes differ in the kernel by more than the errors",
                  equal)
    pairs = [agreement(t.model, t.kernel) for t in tables]
    scenarios = len({t.scenario for t in telling})
    return out + filled(
        f"in all: {scenarios} scenarios in which fixes differ in the kernel; "
        f"{sum(both for both, _ in pairs)} pairs that differ in both, "
        f"{sum(len(wrong) for _, wrong in pairs)} of them the other way "
        "round", "")


def figures(those: dict, metric: Callable) -> dict[str, Figure]:
    """Of each fix that has one."""
    found = {fix: metric(rows) for fix, rows in those.items()}
    return {fix: figure for fix, figure in found.items() if figure}


def render(data: dict, run: Run | None) -> str:
    """kernel.txt; scripts/kernel has printed all but beside() in its table."""
    out = filled(f"Linux {data['kernel']}, {data['accelerator']} "
                 f"({data['accelerator_reason']})", "")
    for lines in (verdict.lost(data),
                  complaints.asserted(verdict.by_fix(data, "assert")),
                  complaints.complained(verdict.done(data))):
        if lines:
            out += ["", *(x for line in lines for x in filled(line, ""))]
    return "\n".join(out) + "\n\n" + beside(data, run)


def beside(data: dict, run: Run | None) -> str:
    """What scripts/kernel's table does not say: intervals, and the model."""
    out = rates(data)
    out += ["", "the model beside the kernel"
            + (f": {run.name}" if run else "")]
    return "\n".join(out + fidelity(run, data)) + "\n"
