# SPDX-License-Identifier: GPL-2.0-only
"""Which runs a comparison accepts, alone and beside each other."""
from __future__ import annotations

from typing import Any, Callable

from bench.report import Refused
from bench.report.load import BASELINE, Run, floors, parameters

# What qemu calls itself without hardware virtualisation.
EMULATOR = "TCG"

# What a correct oracle sees in the negative control.
MUST_FAIL = ("ordering", "lost-error")


def device_kind(run: Run) -> str:
    """Paths differ between machines, and mean nothing there."""
    return "memory" if run.first.device == "memory" else "a file or a disk"


# What makes runs comparable; the keys are the words for --across.
CONFIGURATION: dict[str, Callable[[Run], Any]] = {
    "threads": lambda run: run.first.threads,
    "placements": lambda run: sorted({f"{c[2]}, {c[1]}" for c, _ in
                                      run.first.rows if c[2]}),
    "device": device_kind,
    "cache": lambda run: run.first.cache,
    "seed": lambda run: run.first.seed,
    "workloads": lambda run: sorted({c[0] for c, _ in run.first.rows}),
    "fixes": lambda run: sorted({fix for _, fix in run.first.rows}),
    "parameters": lambda run: parameters(run.first),
    "floors": lambda run: floors(run.first),
    "version": lambda run: run.machine.get("version"),
}


def check_run(run: Run) -> None:
    """Refuse what no option can make fit for a comparison."""
    build = run.machine.get("build_type")
    if build != "release":
        raise Refused(f"{run.path}: measured with a build of type {build}, "
                      "whose times say nothing of a release build's: measure "
                      "again with scripts/run")
    if str(run.machine.get("hypervisor")).startswith(EMULATOR):
        raise Refused(f"{run.path}: measured on an emulated processor, whose "
                      "times say nothing of any machine: measure on a real "
                      "one")
    if not any(fix == BASELINE for _, fix in run.first.rows):
        raise Refused(f"{run.path}: nothing to compare with: `{BASELINE}` "
                      f"was not measured; add --fix {BASELINE} to the run")
    if run.injected:
        raise Refused(f"{run.path}: a cost was added on purpose "
                      "(--inject): only scripts/calibrate reads that")
    control = (run.matrix or {}).get(BASELINE, {})
    for hazard in MUST_FAIL:
        verdict = control.get(hazard, {}).get("verdict")
        if verdict == "holds":
            raise Refused(f"{run.path}: an invalid run: its negative control "
                          f"`{BASELINE}` passed {hazard}, so the oracle saw "
                          "nothing; see what scripts/verify --fix none says")


def check_runs(runs: list[Run], across: set[str]) -> None:
    """Refuse runs that differ in more than their machine and `across`."""
    paths = [run.path.resolve() for run in runs]
    if len(set(paths)) != len(paths):
        raise Refused("a run is named twice: name each once")
    first = runs[0]
    for run in runs[1:]:
        for word, value in CONFIGURATION.items():
            mine, its = shared(value(run), value(first))
            if mine != its and word not in across:
                raise Refused(
                    f"{run.path} and {first.path} differ in {word} "
                    f"({difference(mine, its)}): measure them alike, or show "
                    f"them beside each other with --across {word}")


def shared(one: Any, other: Any) -> tuple[Any, Any]:
    """Of what both have by name: that one lacks a name is another matter."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = one.keys() & other.keys()
        return ({n: one[n] for n in names}, {n: other[n] for n in names})
    return one, other


def difference(one: Any, other: Any) -> str:
    """Both, as short as they allow."""
    if isinstance(one, dict) and isinstance(other, dict):
        name = sorted(n for n in one if one[n] != other[n])[0]
        return f"{name}: {one[name]} and {other[name]}"
    if isinstance(one, list) and isinstance(other, list):
        extra = [f"only there: {x}" for x in one if x not in other]
        extra += [f"only here: {x}" for x in other if x not in one]
        return "; ".join(extra[:2])
    return f"{one} and {other}"


def lacking(run: Run, needed: int) -> list[str]:
    """Why the evidence of a run is too little for a verdict."""
    reasons = []
    have = len(run.blocks)
    planned = run.planned
    found = have + run.left_out
    if planned and found < planned:
        reasons.append(f"{found} of {planned} blocks are there, and their "
                       "number is fixed before a run: scripts/run --resume")
    if run.layouts < 2:
        why = run.first.layout_reason or "every block drew the same"
        reasons.append("one layout only, so that a difference may be the "
                       f"linker's ({why}): build the layouts and run again")
    if independent_units(run) < needed:
        reasons.append(too_few(run, needed))
    return reasons


def independent_units(run: Run) -> int:
    """Layouts, or blocks where nothing is known of layouts."""
    return run.layouts if run.layouts > 1 else len(run.blocks)


def too_few(run: Run, needed: int) -> str:
    have, layouts = len(run.blocks), run.layouts
    repeated = 1 < layouts < have
    which = (f"{have} blocks of {layouts} layouts" if repeated
             else f"{have} block{'s' * (have != 1)}")
    more = " of as many layouts" if repeated else ""
    return (f"{which}: too few for any verdict at this alpha and family, "
            f"which need {needed}{more}: scripts/run --blocks {needed}")
