# SPDX-License-Identifier: GPL-2.0-only
"""The comparison as one HTML file that needs nothing beside itself."""
from __future__ import annotations

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bench.report import (about, confirm, control, counters, distance, figures,
                          pictures, summary, text, units, verdicts)
from bench.report.compare import (COST, EQUIVALENT, FASTER, INCONCLUSIVE,
                                  NOT_MEASURED, NO_VERDICT, SLOWER, VIOLATED,
                                  Comparison, Result, Side)
from bench.report.load import BASELINE
from bench.report.review import answers
from bench.report.timeline import (ACTORS, details, events_of, headline,
                                   replay)

TEMPLATES = Path(__file__).parent / "templates"
# Panels of one chart; a workload with more cases gets several charts.
PANELS = 12


class Charts:
    """Gives every chart its name, and leaves out those with nothing."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, draw, *args) -> Markup | None:
        self.count += 1
        made = draw(*args, f"c{self.count}")
        return None if made is None else Markup(made)


def split(cases: list, size: int = PANELS) -> list[list]:
    return [cases[i:i + size] for i in range(0, len(cases), size)]


# --- correctness -------------------------------------------------------------

def matrix_rows(side: Side) -> dict | None:
    matrix = summary.judged(side.run)
    if not matrix:
        return None
    hazards = [h for h in summary.HAZARDS
               if any(h in cells for cells in matrix.values())]
    rows = []
    for fix, cells in matrix.items():
        rows.append((fix, [(h, summary.mark(cells.get(h)),
                            headline(cells[h]["evidence"]) if h in cells
                            else "") for h in hazards]))
    return {"hazards": [(h, summary.HAZARDS[h][1]) for h in hazards],
            "rows": rows, "untested": [
                f"{fix}, {', '.join(which)}: {why}" for (fix, why), which
                in summary.untested(side.run).items()]}


def stories(side: Side, charts: Charts) -> list[dict]:
    """Every violation, with its timeline where it has one."""
    found = []
    for fix, cells in summary.judged(side.run).items():
        for hazard, cell in cells.items():
            if cell["verdict"] != "violated":
                continue
            events = events_of(cell["evidence"])
            found.append({
                "id": f"{fix}-{hazard}", "fix": fix, "hazard": hazard,
                "violated": cell["violated"], "runs": cell["runs"],
                "headline": headline(cell["evidence"]),
                "details": details(cell["evidence"]), "events": events,
                "replay": replay(cell["evidence"]),
                "chart": charts(lambda name, e=events: pictures.story(
                    e, name, f"{fix}, {hazard}")) if events else None})
    return found


# --- tables ------------------------------------------------------------------

def verdict_row(result: Result, comparison: Comparison, side: Side,
                kernel: dict | None) -> dict:
    said = confirm.word(result, side, kernel) if kernel else None
    times = summary.one_machine(comparison)
    ratio = units.ratio(result.estimate)
    interval = units.interval(result.interval)
    if result.more and result.confirmatory:
        more, interval = verdicts.time_cells(result, comparison)
        ratio = more
    return {
        "fix": result.fix, "metric": result.metric,
        "verdict": result.verdict,
        "class": result.verdict.lower().replace(" ", "-"),
        "within": verdicts.within(result, comparison),
        "ratio": ratio, "interval": interval.replace(",", ", "),
        "kernel": said, "met": summary.met_text(side, result) if times else "",
        "p": units.p_value(result.p_adjusted if result.confirmatory
                           else result.p),
        "detectable": "" if result.more else
        units.percent(result.detectable),
        "blocks": result.blocks, "layouts": result.layouts or 1,
        "units": len(result.units), "why": result.why,
    }


def apart(groups: list[dict]) -> list[tuple[str, list[dict]]]:
    """Closed and open loops, which no table has together: (title, cases)."""
    parts = [("", [g for g in groups if not g["open"]]),
             ("Open loop: operations arrive at a given rate, and are timed "
              "from when they were to start.",
              [g for g in groups if g["open"]])]
    return [part for part in parts if part[1]]


def verdict_groups(side: Side, comparison: Comparison,
                   confirmatory: bool,
                   kernel: dict | None = None) -> list[dict]:
    found = []
    times = summary.one_machine(comparison)
    for case in side.cases():
        results = [r for r in side.results.values() if r.case == case
                   and r.confirmatory == confirmatory
                   and (confirmatory or len(r.units))]
        if results:
            found.append({"case": summary.case_title(case),
                          "open": case[0].startswith(summary.OPEN),
                          "notes": verdicts.case_notes(side, case, kernel, times)
                          if confirmatory else [],
                          "rows": [verdict_row(r, comparison, side, kernel)
                                   for r in results],
                          "end": verdicts.case_end(side, case, kernel)
                          if confirmatory and times else []})
    return found


def latency_groups(side: Side) -> list[dict]:
    found = []
    for case in side.cases():
        rows = [t for t in summary.totals(side.run, case) if t.latency]
        if rows:
            found.append({"case": summary.case_title(case),
                          "open": case[0].startswith(summary.OPEN), "rows": [
                (t.fix, [units.time(x) if x is not None else "-" for x in
                         (*summary.percentiles(t.latency),
                          t.latency.largest)], t.latency.count)
                for t in rows]})
    return found


def spread_rows(side: Side) -> list[dict]:
    rows = []
    for r in control.measured_rows(side):
        s = control.layout_spread(r)
        rows.append({"case": summary.case_title(r.case), "fix": r.fix,
                     "total": f"{100 * s.total:.2f} %",
                     "between": "not told apart" if s.between is None
                     else f"{100 * s.between:.2f} %",
                     "within": "" if s.within is None
                     else f"{100 * s.within:.2f} %"})
    return rows


def spread_reason(side: Side) -> str:
    """Why the layout's part is not told apart, if it is not."""
    reasons = [s.reason for s in map(control.layout_spread,
                                     control.measured_rows(side)) if s.reason]
    return reasons[0] if reasons else ""


# --- the page ----------------------------------------------------------------

def picture(side: Side) -> str | None:
    """lstopo's drawing, if the run has one."""
    if side.run.picture is None:
        return None
    data = base64.b64encode(side.run.picture.read_bytes()).decode()
    return f"data:image/svg+xml;base64,{data}"


def side_data(side: Side, comparison: Comparison, charts: Charts,
              kernel: dict | None) -> dict:
    grouped = summary.groups(side)
    aa = control.control_of(side, comparison.options)
    return {
        "label": side.label, "name": side.run.name, "side": side,
        "short": about.short(side.run), "standing": side.no_verdict,
        "broken": side.broken, "aa": aa,
        "verdicts": apart(verdict_groups(side, comparison, True, kernel)),
        "exploratory": apart(verdict_groups(side, comparison, False)),
        "latency": apart(latency_groups(side)),
        "latency_charts": chart_list(charts, figures.latency, side, grouped),
        "series_charts": [c for c in (
            charts(figures.series, side, case) for case in side.cases()) if c],
        "wait_charts": chart_list(charts, figures.waits, side, grouped),
        "strips": chart_list(charts, figures.twin_strip, side, grouped,
                             comparison.options.delta),
        "distance_charts": [c for c in (
            charts(figures.by_distance, side, fix)
            for fix in distance.fixes(side.run)) if c],
        "skipped": distance.skipped(side.run),
        "unseen": summary.unseen(side.run),
        "counters": counters.lines(side),
        "drift": charts(figures.drift, side),
        "spread": spread_rows(side),
        "spread_reason": spread_reason(side),
        "typical": control.typical_spread(
            [r for r in control.measured_rows(side)]),
        "machine": about.machine(side.run), "picture": picture(side),
        "topology": charts(pictures.machine, side),
        "topology_reason": about.value_of(side.run.machine, "topology"),
        "activity": about.activity(side.run),
        "design": about.design(side.run),
        "command": about.command(side.run),
        "checkout": about.checkout(side.run),
        "discarded": side.run.discarded,
        "dropped": sorted({d for r in side.results.values()
                           if r.metric == COST and len(r.units)
                           for d in r.series.dropped}),
    }


def chart_list(charts: Charts, draw, side: Side, grouped: dict,
               *more) -> list[dict]:
    found = []
    for group, cases in grouped.items():
        for part in split(cases):
            chart = charts(draw, side, part, *more)
            if chart:
                found.append({"group": group, "chart": chart})
    return found


def forests(comparison: Comparison, charts: Charts) -> list[dict]:
    names: dict[str, None] = {}
    for side in comparison.sides:
        names.update(dict.fromkeys(summary.groups(side)))
    found = [{"group": g, "chart": charts(figures.forest, comparison, g)}
             for g in names]
    return [f for f in found if f["chart"]]


def by_machine(comparison: Comparison) -> dict[tuple, list[Side]]:
    found: dict[tuple, list[Side]] = {}
    for side in comparison.sides:
        found.setdefault(summary.machine_of(side), []).append(side)
    return found


def tiles(comparison: Comparison) -> list[tuple[str, int]]:
    counted = summary.counts(comparison)
    order = (FASTER, SLOWER, EQUIVALENT, INCONCLUSIVE, NO_VERDICT, VIOLATED,
             NOT_MEASURED)
    return [(v, counted[v]) for v in order if v in counted]


def render(comparison: Comparison, kernel: dict | None = None) -> str:
    """report.html"""
    environment = Environment(loader=FileSystemLoader(TEMPLATES),
                              autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    charts = Charts()
    verified = next((s for s in comparison.sides if s.run.matrix),
                    comparison.sides[0])
    scalings = [{"host": key[0], "chart": charts(figures.scaling, sides)}
                for key, sides in by_machine(comparison).items()]
    return environment.get_template("report.html").render(
        question=text.QUESTION, comparison=comparison,
        options=comparison.options, baseline=BASELINE,
        times=summary.one_machine(comparison), no_times=summary.NO_TIMES,
        counted=summary.COUNTED,
        tiles=tiles(comparison), matrix=matrix_rows(verified),
        matrix_reason=verified.run.matrix_reason,
        matrix_kernel=confirm.trials(verified, kernel) if kernel else [],
        matrix_differences=summary.matrix_differences(comparison.sides),
        stories=stories(verified, charts), actors=ACTORS,
        forests=forests(comparison, charts),
        answers=answers(comparison, kernel),
        scalings=[s for s in scalings if s["chart"]],
        legend=" ".join(verdicts.verdict_legend(comparison)),
        kernel=kernel, kernel_says=confirm.sentence(comparison, kernel),
        sides=[side_data(s, comparison, charts, kernel)
               for s in comparison.sides])
