# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/kernel has measured, and kernel.txt."""
from __future__ import annotations

from pathlib import Path

from bench.linux import complaints, verdict
from bench.report import Refused
from bench.report.fidelity import fidelity
from bench.report.load import Run, read_json
from bench.report.pace import Paced
from bench.report.rates import filled, rates

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
    """Written by scripts/kernel or pace, without a run of the model in it?"""
    return any((folder / name).is_file() for name in
               ("kernel.json", "pace.json")) and \
        not (folder / "machine.json").exists()


def render(data: dict, run: Run | None, paced: Paced | None = None) -> str:
    """kernel.txt; scripts/kernel has printed all but beside() in its table."""
    out = filled(f"Linux {data['kernel']}, {data['accelerator']} "
                 f"({data['accelerator_reason']})", "")
    for lines in (verdict.lost(data),
                  complaints.asserted(verdict.by_fix(data, "assert")),
                  complaints.complained(verdict.done(data))):
        if lines:
            out += ["", *(x for line in lines for x in filled(line, ""))]
    return "\n".join(out) + "\n\n" + beside(data, run, paced)


def beside(data: dict, run: Run | None, paced: Paced | None = None) -> str:
    """What scripts/kernel's table does not say: intervals, and the model."""
    out = rates(data)
    out += ["", "the model beside the kernel"
            + (f": {run.name}" if run else "")]
    return "\n".join(out + fidelity(run, data, paced)) + "\n"
