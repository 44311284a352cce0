# SPDX-License-Identifier: GPL-2.0-only
"""Runs whose truth is known, written as delwribench writes them."""
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

BITS = 7
COST_NS = 46.0
BATCH_NOISE = 0.01
WAIT_KINDS = ("lock", "list", "log", "io")
TIMELINE = """\
review: root committed, block 1 not durable: 1 of 4 blocks

X is block 1; Q: queued, S: stale, P: pinned
     ms AIL             Repair0         Repair1         flags link   lock
  136.7 queues X                                        Q--   linked locked
  137.9 X pinned: left                                  Q-P   linked locked
  137.9 sleeps                                          \n\
  140.1                 COMMITS ROOT                    \n\
  140.1                 stales X                        -SP   linked locked
  140.1                 frees X                         -SP   linked locked
  150.5 log: unpins X                                   -S-   linked locked
  150.5 log: unlocks X                                  -S-   linked -     \n\
  151.1                                 is given X      \n\
  151.1                                 resets stale X  -S-   linked locked
  151.1                                 flag set only!  Q--   linked locked
  152.4                                 COMMITS ROOT    \n\
  157.5 writes X                                        ---   -      locked

scripts/explore --replay '7.3/none/ordering:review/sc/'
"""


@dataclass
class Truth:
    """What a run is to show."""

    blocks: int = 12
    rounds: int = 5
    layouts: int = 24
    # Of a fix: the true ratio to the baseline, the same everywhere.
    fixes: dict[str, float] = field(default_factory=lambda: {
        "delwri_queue_here": 1.0, "remove_on_stale": 1.05})
    workloads: tuple[str, ...] = ("lookup/own",)
    block_sd: float = 0.002
    layout_sd: float = 0.0
    twin: bool = True
    latency: bool = False
    floor: bool = False
    threads: int = 2
    host: str = "synthetic"
    seed: int = 1
    run: str = "0123456789abcdef"
    model: str = "Synthetic"
    # Of a placement and threads: the baseline's true time; none: not placed.
    placed: dict[tuple[str, int], float] = field(default_factory=dict)
    # Of a counter: what it counts per operation; None: it could not.
    perf: dict[str, float | None] = field(default_factory=dict)


def histogram(ns: np.ndarray) -> dict:
    """As bench/histogram.c would count them."""
    values = ns.astype(np.int64)
    shift = np.maximum(np.floor(np.log2(np.maximum(values, 1))).astype(int)
                       - BITS, 0)
    index, number = np.unique((shift << BITS) + (values >> shift),
                              return_counts=True)
    return {"bits": BITS, "count": len(values), "min": int(values.min()),
            "max": int(values.max()),
            "buckets": [[int(i), int(n)] for i, n in zip(index, number)]}


def row(workload: str, fix: str, batches: np.ndarray,
        rng: np.random.Generator, truth: Truth) -> dict:
    waits = {kind: {"count": 0, "total_ns": 0, "max_ns": 0}
             for kind in WAIT_KINDS}
    loaded = {"misqueued": None, "misqueued_reason": "nothing is bulk loaded"}
    if workload.startswith("repair_storm"):
        waits["list"] = {"count": 3, "total_ns": 60_000_000,
                         "max_ns": 31_000_000}
        loaded = {"misqueued": 0}
        waits["io"] = {"count": 90, "total_ns": 9_000_000,
                       "max_ns": 200_000}
    data = {
        "workload": workload, "fix": fix, "batches_ns": batches.tolist(),
        "operations": 20000 * len(batches), "ops_per_batch": 20000,
        "waits": waits, "counters": {}, "latency": None,
        "latency_reason": "single operations are not timed", "stall": None,
        "stall_reason": "nobody else waits here", "checked": None,
        "checked_reason": "this workload commits no root", "violated": None,
        "left_at_unmount": {"buffers": 0, "pins": 0, "log_items": 0,
                            "list_entries": 0, "flag_leaks": 0,
                            "busy_extents": 0},
    } | loaded
    if truth.latency:
        data["latency"] = histogram(
            rng.lognormal(np.log(batches.mean() * 20), 0.5, 400))
        del data["latency_reason"]
    data["perf"] = [counter(n, v) for n, v in truth.perf.items()]
    if fix.startswith("floor"):
        data["floor_sha256"] = hashlib.sha256(fix.encode()).hexdigest()
    return data


def counter(name: str, value: float | None) -> dict:
    """A row's, as bench/run/run_record.c writes it."""
    data = {"name": name, "mode": "user", "per_operation": value}
    if value is None:
        return data | {"status": "denied", "per_operation_reason":
                       "kernel.perf_event_paranoid is 3"}
    return data | {"status": "multiplexed", "share": 0.5}


def placement(name: str, threads: int, reason: str = "") -> dict:
    """A point of a block; with a reason, one that the machine lacks."""
    data = {"placement": name, "nr_threads": threads}
    if reason:
        return data | {"skipped": reason}
    return data | {
        "policy": name, "plan": [], "pages": [], "moved": [], "ok": True,
        "worker_processors": list(range(threads)), "daemon_processors": [0],
        "threads": [{"role": "looker", "thread": t, "pu_os_index": t,
                     "found_pu": t, "ok": True} for t in range(threads)]}


def placed_rows(truth: Truth, rng: np.random.Generator) -> list[dict]:
    """Every fix at every point."""
    rows = []
    for (name, threads), ns in truth.placed.items():
        for workload in truth.workloads:
            for fix, ratio in all_fixes(truth).items():
                made = row(workload, fix,
                           ns * ratio * (1 + 0.001 * rng.random(truth.rounds)),
                           rng, truth)
                rows.append(made | {"threads": threads, "placement": name})
    return rows


def all_fixes(truth: Truth) -> dict[str, float]:
    every = {"none": 1.0, **truth.fixes}
    if truth.twin:
        every["none_twin"] = 1.0
    if truth.floor:
        every["floor_lookup"] = 0.8
    return every


def block(truth: Truth, number: int, rng: np.random.Generator,
          effects: dict) -> dict:
    """Speed drifts; every fix has an error per layout and per block."""
    layout = (number - 1) % truth.layouts + 1
    drift = 1 + 0.2 * np.sin(number)
    rows = placed_rows(truth, rng)
    for workload in truth.workloads if not rows else ():
        pace = COST_NS * drift * (1 + 0.1 * rng.random(truth.rounds))
        for fix, ratio in all_fixes(truth).items():
            own = 0.0 if fix == "none" else (
                rng.normal(0, truth.block_sd) + effects[fix, layout])
            noise = rng.normal(0, BATCH_NOISE / 10, truth.rounds)
            rows.append(row(workload, fix,
                            pace * ratio * np.exp(own + noise), rng, truth))
    minute = 2 * number
    points = [placement(n, t) for n, t in truth.placed] + (
        [placement("smt-pair", 2, "no core has two processors")]
        if truth.placed else [])
    return {
        "placements": points or [placement("", truth.threads)],
        "schema": "delwribench-block-1", "run": truth.run,
        "block": number,
        "seed": str(truth.seed), "block_seed": str(1000 + number),
        "threads": truth.threads, "oversubscribed": False,
        "worker_processors": list(range(truth.threads)),
        "daemon_processors": [1], "device": "memory",
        "layout": {"index": layout, "of": truth.layouts,
                   "program_crc64": f"{layout:016x}"},
        "environment_bytes": 37 * number % 4096,
        "before": state(minute), "after": state(minute + 1), "rows": rows,
    }


def state(minute: int) -> dict:
    return {"time": f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00Z",
            "load": [0.5, 0.5, 0.5], "steal_s": 0.25 * minute,
            "clock_s": 60.0 * minute, "busy_s": 70.0 * minute,
            "own_s": 60.0 * minute, "migrations": minute,
            "settings": {"turbo": "on", "smt_active": None}}


def machine(truth: Truth) -> dict:
    return {
        "schema": "delwribench-machine-1", "run": truth.run,
        "blocks": truth.blocks,
        "command": ["delwribench", "run", "--blocks", str(truth.blocks),
                    "--out", "/somewhere/else"],
        "machine": {
            "host": truth.host, "kernel": "6.12.0", "architecture": "x86_64",
            "cpu_model": truth.model, "processors": 2, "cores": 2,
            "build_type": "release", "compiler": "gcc 12.2.0",
            "compiler_flags": "-O2 -g", "frequency_governor": None,
            "frequency_governor_reason": "no such file",
            "numa_nodes": [{"node": 0, "bytes": 2**32, "processors": "0-1"}],
            "topology": "Package:1 [NUMANode(memory=4294967296)] "
                        "L3Cache:1(size=33554432) Core:2 PU:1",
            "memory_bytes": 2**32, "build_id": "00", "libc": "2.36"},
        "before": state(0),
    }


def cell(verdict: str, evidence: str = "seen") -> dict:
    return {"verdict": verdict, "evidence": evidence,
            "violated": int(verdict == "violated"), "runs": 1}


def matrix(fixes: list[str]) -> dict:
    hazards = ("ordering", "lost-error", "reread", "flag-leak",
               "collateral-stall")
    found = {fix: {h: cell("holds") for h in hazards} for fix in fixes}
    found["null"] = {h: cell("untested", "review: does nothing")
                     for h in hazards}
    found["none"] = {h: cell("holds") for h in hazards}
    found["none"]["ordering"] = cell("violated", TIMELINE)
    found["none"]["lost-error"] = cell("violated", "success was returned")
    return {"fixes": found}


def blocks(truth: Truth, seed: int = 0) -> list[dict]:
    rng = np.random.default_rng(seed)
    effects = {(fix, layout): rng.normal(0, truth.layout_sd)
               for fix in all_fixes(truth)
               for layout in range(1, truth.layouts + 1)}
    return [block(truth, i, rng, effects)
            for i in range(1, truth.blocks + 1)]


def write(folder: Path, truth: Truth, seed: int = 0,
          verified: bool = True) -> Path:
    """A run's folder."""
    folder.mkdir()
    for data in blocks(truth, seed):
        save(folder / f"block-{data['block']:04}.json", data)
    save(folder / "machine.json", machine(truth))
    if verified:
        save(folder / "verify.json", matrix(list(truth.fixes)))
    return folder


def save(path: Path, data: dict) -> None:
    path.write_text(json.dumps(data) + "\n")


def edit(path: Path, change) -> None:
    """Change what a file holds: `change` alters it in place."""
    data = json.loads(path.read_text())
    change(data)
    save(path, data)


# --- what scripts/kernel and scripts/pace write --------------------------

def step(scenario: str, fix: str, **more) -> dict:
    """Of a run of scripts/kernel."""
    return {"id": f"{scenario}-{fix}", "scenario": scenario, "fix": fix,
            "place": 0, "settings": {}, "seconds": 10.0, "loads": 100,
            "repairs": 100} | more


def kernel_run(*steps: dict) -> dict:
    return {"schema": "delwribench-kernel-1", "kernel": "6.12.117+deb12",
            "accelerator": "tcg", "accelerator_reason": "no kvm",
            "steps": list(steps)}


def paced(scenario: str, fix: str, **more) -> dict:
    """A row of pace.json."""
    return {"scenario": scenario, "fix": fix, "cache": "6.12",
            "device": "memory", "loads": 10000, "blocks": 10000, "met": 0,
            "misqueued": 0, "waits": 0, "wait_total_ns": 0, "wait_max_ns": 0,
            "repairs": 5000, "repair_total_ns": 10**10, "seconds": 30.0,
            "syncs": 1000, "frees": 10000, "ail_cycles": 400,
            "lookups": 10**6} | more


def pace(*rows: dict, run: str = "kernel") -> dict:
    return {"schema": "delwribench-pace-1", "kernel_run": run,
            "rows": list(rows)}
