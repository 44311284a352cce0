# SPDX-License-Identifier: GPL-2.0-only
"""How true the model is to the kernel, figure by figure."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable

from bench.linux import verdict
from bench.report import pace
from bench.report.agreement import (ENOUGH_POWER, LARGE, UNEXPLAINED, Table,
                                    agreement, apart, furthest, size_text)
from bench.report.load import Row, Run, read_json
from bench.report.rates import Figure, filled, mean, rate, share, spread

FromModel = Callable[[list[Row]], "Figure | None"]
FromKernel = Callable[[list[dict]], "Figure | None"]


@dataclass(frozen=True)
class Metric:
    name: str
    model: FromModel
    kernel: FromKernel
    rests_on: tuple[str, ...] = ()  # the kernel's figures
    hardware: bool = False      # needs the processor's own speed
    waits: bool = False         # of who waits for a list


def model_count(of: Callable[[Row], float | None],
                per: Callable[[Row], float | None]):
    """Rows that did not count one of the two count in neither."""
    def figure(rows: list[Row]) -> Figure | None:
        pairs = [(of(r), per(r)) for r in rows]
        pairs = [p for p in pairs if None not in p]
        exposure = sum(p[1] for p in pairs)
        return rate(round(sum(p[0] for p in pairs)), exposure) \
            if exposure else None
    return figure


def kernel_count(of: str, per: str):
    def figure(those: list[dict]) -> Figure | None:
        exposure = verdict.total(those, per)
        return rate(round(verdict.total(those, of)), exposure,
                    verdict.cluster(those, of)) if exposure else None
    return figure


def list_waits(row: Row) -> int | None:
    return row.waits["list"][0] if row.waits else None


def counter(name: str) -> Callable[[Row], float | None]:
    return lambda row: row.counters.get(name)


def loads(row: Row) -> int:
    return row.counted


def model_mean_wait(rows: list[Row]) -> Figure | None:
    waits = [r.waits["list"] for r in rows if list_waits(r)]
    return mean(sum(w[0] for w in waits), sum(w[1] for w in waits) / 1e6,
                max((w[2] for w in waits), default=0) / 1e6)


def kernel_mean_wait(those: list[dict]) -> Figure | None:
    return mean(int(verdict.total(those, "wait_count")),
                verdict.total(those, "wait_total_ns") / 1e6,
                max(s.get("wait_max_ns", 0) for s in those) / 1e6,
                verdict.cluster(those, "wait_count"))


def model_time(rows: list[Row]) -> Figure | None:
    return spread(float(ns) / 1e6 for r in rows if r.batches is not None
                  for ns in r.batches)


def kernel_time(those: list[dict]) -> Figure | None:
    return spread(s["seconds"] / s["repairs"] * 1e3
                  for s in those if s.get("repairs"))


def no_run(_: list[Row]) -> None:
    """Only compared at equal pace."""


STORM = (
    Metric("misqueued blocks per load",
           model_count(lambda r: r.misqueued, loads),
           kernel_count("misqueued", "loads"), ("misqueued", "loads")),
    Metric("meetings with a stale, linked buffer per load",
           model_count(counter("meetings"), loads),
           kernel_count("met_lookup", "loads"), ("met_lookup", "loads")),
    Metric("waits for a list per load",
           model_count(list_waits, loads),
           kernel_count("wait_count", "loads"), ("wait_count", "loads"),
           waits=True),
    Metric("mean wait for a list, ms", model_mean_wait, kernel_mean_wait,
           ("wait_count",), waits=True),
    Metric("time per repair, ms", model_time, kernel_time, hardware=True),
)
CHURN = (
    Metric("meetings with a stale, linked buffer per lookup",
           model_count(counter("meetings"), counter("lookups")),
           kernel_count("met_lookup", "lookups"),
           ("met_lookup", "lookups")),
    Metric("waits for a list per lookup",
           model_count(list_waits, counter("lookups")),
           kernel_count("wait_count", "lookups"),
           ("wait_count", "lookups"), waits=True),
)
# Nothing is loaded there, and a lookup of the model is not one of the
# kernel's, which looks up more; at equal pace seconds are alike.
CHURN_PACED = (
    Metric("meetings with a stale, linked buffer per second", no_run,
           kernel_count("met_lookup", "seconds"), ("met_lookup",)),
    Metric("waits for a list per second", no_run,
           kernel_count("wait_count", "seconds"), ("wait_count",),
           waits=True),
    *(m for m in STORM if m.name.startswith("mean")),
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


def in_both(scenario: str, metric: str, model: dict[str, Figure],
            kernel: dict[str, Figure], **more) -> Table:
    common = sorted(model.keys() & kernel.keys())
    return Table(scenario, metric, {fix: model[fix] for fix in common},
                 {fix: kernel[fix] for fix in common}, **more)


def blocks_a_load(by_fix: dict[str, list[dict]]) -> float | None:
    steps = [s for those in by_fix.values() for s in those]
    loads = verdict.total(steps, "loads")
    return verdict.total(steps, "blocks") / loads if loads else None


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


def known(data: dict, those: dict[str, list[dict]],
          metric: Metric) -> dict[str, list[dict]]:
    """Without the fixes of which a hook is lost that the metric rests on."""
    return {fix: steps for fix, steps in those.items() if not any(
        verdict.unknown(data, fix, name) for name in metric.rests_on)}


def needs_speed(metric: Metric, data: dict) -> bool:
    return metric.hardware and data["accelerator"] != "kvm"


def tables_of(run: Run, data: dict, workload: str, scenario: str,
              metrics: Iterable[Metric]) -> list[Table]:
    """A workload of the model beside a scenario of the kernel."""
    rows = model_rows(run, workload)
    those = verdict.by_fix(data, scenario)
    return [in_both(f"{workload}, {scenario}", metric.name,
                    figures(rows, metric.model),
                    figures(known(data, those, metric), metric.kernel),
                    waits=metric.waits, blocks=(None, blocks_a_load(those)))
            for metric in metrics if not needs_speed(metric, data)]


def of_one_cache(run: Run, data: dict) -> bool:
    return pace.is_of({"cache": run.first.cache}, data["kernel"])


def own_run(run: Run, data: dict) -> tuple[list[Table], list[str]]:
    """The model's workloads as they ran, at paces of their own."""
    tables: list[Table] = []
    missing: dict[str, list[str]] = {}
    if not of_one_cache(run, data):
        return [], [f"the run's cache is Linux {run.first.cache}'s, the "
                    f"kernel {data['kernel']}"]
    for workload, scenario, metrics in PAIRS:
        rows = model_rows(run, workload)
        those = verdict.by_fix(data, scenario)
        if not rows:
            missing.setdefault("not in the model's run", []).append(workload)
        if not those:
            missing.setdefault("not in the kernel's run", []).append(scenario)
        if not rows or not those:
            continue
        why = "the kernel's processors were emulated"
        for metric in metrics:
            if needs_speed(metric, data) and metric.name not in \
                    missing.setdefault(why, []):
                missing[why].append(metric.name)
        tables += tables_of(run, data, workload, scenario, metrics)
    return tables, [f"{why}: {', '.join(what)}"
                    for why, what in missing.items()]


def at_pace(paced: pace.Paced, data: dict) -> tuple[list[Table], list[str]]:
    """The same at the kernel's pace, from pace.json."""
    tables: list[Table] = []
    missing: dict[str, list[str]] = {}
    others = sorted({c for c in paced.caches() if not pace.is_of(
        {"cache": c}, data["kernel"])})
    if others:
        missing[f"another cache than Linux {data['kernel']}"] = others
    if not all(map(pace.is_at_pace, paced.rows)):
        missing["at the machine's own pace"] = ["rows of --own-pace"]
    storms = [s for s in dict.fromkeys(s["scenario"] for s in data["steps"])
              if any("loads" in one and not verdict.mode(one)
                     for one in verdict.done(data, s))
              and s not in ("assert", "hunt", "lost_wakeup")]
    for scenario in dict.fromkeys([*storms, *paced.scenarios()]):
        rows = paced.by_fix(scenario, data["kernel"])
        those = verdict.by_fix(data, scenario)
        if not rows:
            missing.setdefault("not at the kernel's pace", []).append(scenario)
        if not those:
            missing.setdefault("not in the kernel's run", []).append(scenario)
        if not rows or not those:
            continue
        lack = sorted(those.keys() - rows.keys())
        if lack:
            missing.setdefault(f"{scenario} not at the kernel's pace",
                               []).extend(lack)
        loaded = any(verdict.total(steps, "loads")
                     for steps in those.values())
        for metric in STORM if loaded else CHURN_PACED:
            if metric.hardware:
                continue
            tables.append(in_both(
                scenario, metric.name, figures(rows, metric.kernel),
                figures(known(data, those, metric), metric.kernel),
                waits=metric.waits,
                blocks=(blocks_a_load(rows), blocks_a_load(those))))
    return tables, [f"{why}: {', '.join(what)}"
                    for why, what in missing.items()]


def by_metric(tables: list[Table], sizes: bool) -> list[str]:
    """One heading per metric; scenarios that say the same together."""
    out = []
    for metric in dict.fromkeys(t.metric for t in tables):
        those = [t for t in tables if t.metric == metric]
        out += filled(metric + (furthest_of(those) if sizes else ""), "")
        bodies: dict[tuple[str, ...], list[str]] = {}
        for table in those:
            body = (table.said(), *table.shown(),
                    *(table.sizes() if sizes else []), *table.unseen())
            bodies.setdefault(body, []).append(table.scenario)
        for (said, *shown), scenarios in bodies.items():
            out += filled(f"{'; '.join(scenarios)}: {said}"
                          + (" each" if len(scenarios) > 1 else ""))
            out += shown
    return out


def furthest_of(tables: list[Table]) -> str:
    """How far model and kernel are apart in a metric, at most."""
    sizes = {(t.scenario, fix): size for t in tables
             for fix, size in apart(t.model, t.kernel).items()}
    most = furthest(sizes)
    if most is None or len(sizes) < 2 or sizes[most].value == 1:
        return ""
    return (f"; model/kernel furthest from 1: {size_text(sizes[most])} "
            f"({most[1]}, {most[0].split()[-1]})")


def listed(title: str, tables: list[Table]) -> list[str]:
    """Their scenarios, by metric; metrics with the same ones together."""
    by_name: dict[str, list[str]] = {}
    for table in tables:
        by_name.setdefault(table.metric, []).append(table.scenario)
    same: dict[str, list[str]] = {}
    for metric, scenarios in by_name.items():
        same.setdefault("; ".join(scenarios), []).append(metric)
    lines = [line for scenarios, metrics in same.items()
             for line in filled(f"{'; '.join(metrics)}: {scenarios}")]
    return filled(title, "") + lines if lines else []


def fidelity(run: Run | None, data: dict,
             paced: pace.Paced | None = None) -> list[str]:
    """The model beside the kernel, figure by figure."""
    out: list[str] = []
    tables: list[Table] = []
    if paced:
        tables, why_not = at_pace(paced, data)
        out += pace.lines(tables, why_not) + [""]
    elif run is None:
        return ["no run of the model to put beside it: name one"]
    else:
        tables, why_not = own_run(run, data)
        out += filled("No pace.json: the model's run has a pace of its own, "
                      "loads beside an AIL that sleeps as long as the "
                      "kernel's, so sizes tell little: scripts/pace.", "")
        out += [line for why in why_not
                for line in filled(f"not compared, {why}", "")]
    if run is not None and of_one_cache(run, data):
        tables += trials(run, data) + cost_figures(run.path, data)
    if gone := left_out(data):
        out += filled("not compared, hooks that found no place: "
                      + ", ".join(gone), "")
    return out + order(tables, sizes=not paced)


def order(tables: list[Table], sizes: bool) -> list[str]:
    """Which fixes differ, in model and kernel; and, where nothing else says
    so, by how much the two are apart."""
    out: list[str] = []
    empty = [t for t in tables if not t.model]
    equal = [t for t in tables if t.model and not t.large()
             and not (sizes and t.sizes())
             and not agreement(t.kernel, t.kernel).both]
    telling = [t for t in tables if t not in empty and t not in equal]
    if telling:
        out += filled("~: the errors overlap; pairs: of fixes that differ in "
                      "both + in the model alone; unseen: of these by more "
                      f"than x{LARGE}, with what the kernel saw of both and "
                      "with its power, the chance that it would show a "
                      "difference of the model's size; [ ]: 95 % interval, "
                      "exact for counts; events come in clusters, each "
                      "between two submits of the AIL, where the run has "
                      "their sizes", "")
        out += by_metric(telling, sizes)
    out += listed("no fix has in both", empty)
    out += listed("no two fixes differ in the kernel by more than the errors",
                  equal)
    return out + in_all(tables, len({t.scenario for t in telling}))


def in_all(tables: list[Table], scenarios: int) -> list[str]:
    found = [t.agreement() for t in tables]
    alone = [(t, pair) for t in tables for pair in t.large()]
    able = [p for _, p in alone if (p.power or 0) >= ENOUGH_POWER]
    unexplained = sum(UNEXPLAINED in t.why(p) for t, p in alone)
    lines = filled(
        f"in all, {scenarios} scenarios: {sum(f.both for f in found)} pairs "
        "differ in both, "
        f"{sum(len(f.otherwise) for f in found)} of them the other way "
        f"round; {sum(len(f.alone) for f in found)} in the model alone; "
        f"{sum(f.kernel_alone for f in found)} in the kernel alone", "")
    if alone:
        lines += filled(
            f"of those in the model alone {len(alone)} by more than "
            f"x{LARGE}: the kernel would have shown {len(able)} of these, "
            f"were they so large there; {unexplained} not explained", "")
    return lines


def figures(those: dict, metric: Callable) -> dict[str, Figure]:
    """Of each fix that has one."""
    found = {fix: metric(rows) for fix, rows in those.items()}
    return {fix: figure for fix, figure in found.items() if figure}


