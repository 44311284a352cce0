# SPDX-License-Identifier: GPL-2.0-only
"""The results as Google Benchmark JSON, for its own compare.py and others.

One repetition per block.  What such a tool concludes from these is its own
affair: it does not know that batches of a round belong together.
"""
from __future__ import annotations

import json

import numpy as np

from bench.report import about
from bench.report.compare import Comparison, Side
from bench.report.load import Row

NOT_MEASURED = "not measured: real_time once more"


def entry(row: Row, name: str, index: int, repetitions: int) -> dict:
    time = float(np.median(row.batches))
    return {
        "name": name, "run_name": name, "run_type": "iteration",
        "repetitions": repetitions, "repetition_index": index,
        "threads": row.threads,
        "iterations": max(row.operations // len(row.batches), 1),
        "real_time": time, "cpu_time": time, "time_unit": "ns",
    }


def entries(side: Side, prefix: str) -> list[dict]:
    found = []
    for case, fix in side.run.first.rows:
        rows = [b.rows[case, fix] for b in side.run.blocks]
        rows = [r for r in rows if r.batches is not None and len(r.batches)]
        name = f"{prefix}{case[0]}/{fix}"
        found += [entry(r, name, i, len(rows)) for i, r in enumerate(rows)]
    return found


def dump(comparison: Comparison) -> str:
    """benchmark.json; of several runs, names begin with the run's label."""
    many = len(comparison.sides) > 1
    first = comparison.sides[0].run
    context = {
        "date": first.blocks[0].before["time"],
        "host_name": str(first.machine.get("host")),
        "executable": about.command(first),
        "num_cpus": first.machine.get("processors"),
        "library_build_type": "release", "cpu_time": NOT_MEASURED,
        "repetitions": "one per block: the median of its batches",
        "discarded_blocks": [
            f"{side.label}/{what}" if many else what
            for side in comparison.sides for what in side.run.discarded],
    }
    benchmarks = [e for side in comparison.sides for e in
                  entries(side, f"{side.label}/" if many else "")]
    return json.dumps({"context": context, "benchmarks": benchmarks},
                      indent=1) + "\n"
