# SPDX-License-Identifier: GPL-2.0-only
"""On hardware: the guest's processors on host processors, nodes on nodes.

Where to is scripts/plan's answer, spread over the host's nodes.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from common import ROOT, run, say

MEGABYTES = 1024  # of memory per guest processor


@dataclass(frozen=True)
class Place:
    processor: int
    node: int


def plan(processors: int, topology: str = "this") -> list[Place]:
    """Where each of the guest's processors goes; [] and why: nowhere."""
    command = [ROOT / "scripts" / "plan", "--json", "--policy", "spread"]
    command += ["--threads", processors, "--topology", topology]
    result = run([str(word) for word in command])
    begin = result.stdout.find("[\n")
    if result.returncode or begin < 0:
        say(f"not pinned: scripts/plan: {result.stdout.strip()[-300:]}")
        return []
    return places(json.loads(result.stdout[begin:]))


def places(planned: list[dict]) -> list[Place]:
    """Of one node those of a guest's node, one after another."""
    found = [Place(p["pu_os_index"], p["numa_os_index"]) for p in planned]
    if len({p.processor for p in found}) < len(found):
        say(f"{len(found)} guest processors do not fit this host: not pinned")
        return []
    return sorted(found, key=lambda p: (p.node, p.processor))


def machine(where: list[Place]) -> list[str]:
    """qemu's options: a guest's node for each host node, memory bound to it."""
    options = ["-name", "guest,debug-threads=on", "-smp", str(len(where))]
    options += ["-m", f"{len(where) * MEGABYTES}M"]
    for guest_node, node in enumerate(sorted({p.node for p in where})):
        inside = [i for i, p in enumerate(where) if p.node == node]
        options += ["-object", f"memory-backend-ram,id=m{guest_node},policy=bind,"
                    f"host-nodes={node},size={len(inside) * MEGABYTES}M"]  # fmt: skip
        options += ["-numa", f"node,nodeid={guest_node},memdev=m{guest_node},"
                    f"cpus={inside[0]}-{inside[-1]}"]  # fmt: skip
    return options


def threads(process: int, proc: Path = Path("/proc")) -> dict[int, int]:
    """The guest's processors: thread by number, as far as qemu has them."""
    found = {}
    for task in (proc / str(process) / "task").iterdir():
        try:
            name = re.match(r"CPU (\d+)/KVM", (task / "comm").read_text())
        except OSError:  # it has ended
            continue
        if name:
            found[int(name[1])] = int(task.name)
    return found


def pin(process: int, where: list[Place]) -> bool:
    """Bind each; False: qemu has not started them all yet."""
    there = threads(process)
    if len(there) < len(where):
        return False
    for number, place in enumerate(where):
        os.sched_setaffinity(there[number], {place.processor})
    return True
