# SPDX-License-Identifier: GPL-2.0-only
"""What the lane does in its guests: scenarios, damage trials, lookup cost.

Everything goes into RUN/kernel.json, written anew after each boot, so that a
run that is stopped keeps what it has and resumes where it was.  Its form is
results/schema/kernel.json.
"""

import json
import time
from pathlib import Path

import fixes
import guest
import modules
from common import Failure, run, say, write_if_changed

# A storm: repairs in a loop, syncfs all the time, files coming and going.
# eager: the AIL pushes everything each pass; delay: us before it submits.
STORMS = {
    "natural": {"eager": 0, "delay": 0, "loaders": 0},
    "eager": {"eager": 1, "delay": 0, "loaders": 0},
    "widened": {"eager": 1, "delay": 20000, "loaders": 0},
    "churn": {"eager": 0, "delay": 0, "loaders": 2},
    "long_list": {"eager": 1, "delay": 20000, "loaders": 0, "files": 100000},
}
COMMON = {
    "type": "inobt",
    "sync_us": 20000,
    "churn": 100,
    "size": "560m",
    "log": "16m",
}
TRIALS = ("crash", "error")
# (seconds per storm, scenarios, passes of ABBA, trials per mode and fix)
QUICK = {
    "storms": {"natural": 15, "widened": 10, "churn": 10},
    "passes": 1,
    "trials": 5,
}
FULL = {
    "storms": {"natural": 60, "eager": 30, "widened": 30, "churn": 30, "long_list": 60},
    "passes": 2,
    "trials": 20,
}
COST_PASSES = {"quick": 1, "full": 3}


class Lane:
    def __init__(self, folder: Path, chosen: list[fixes.Fix], quick: bool, **guests):
        self.folder = folder
        self.fixes = chosen
        self.quick = quick
        self.size = QUICK if quick else FULL
        self.processors = guests.get("processors", 2)
        self.session = guest.Session(logs=folder / "kernel")
        self.file = folder / "kernel.json"
        self.data = self._start()
        guest.choose_accelerator(self.session, guests.get("accelerator", ""))

    def _start(self) -> dict:
        release, _, _ = modules.kernel()
        if self.file.is_file():
            return json.loads(self.file.read_text())
        return {
            "schema": "delwribench-kernel-1",
            "kernel": release,
            "qemu": run(["qemu-system-x86_64", "--version"]).stdout.split("\n")[0],
            "processors": self.processors,
            "quick": self.quick,
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "fixes": {},
            "steps": [],
        }

    def _save(self) -> None:
        session = self.session
        self.data["accelerator"] = session.accelerator
        self.data["accelerator_reason"] = session.why
        for name in ("boots", "boots_failed", "deaths"):
            before = self.data.setdefault("guests", {}).get(name, 0)
            self.data["guests"][name] = before + getattr(session, name)
            setattr(session, name, 0)
        text = json.dumps(self.data, indent=1) + "\n"
        self.folder.mkdir(parents=True, exist_ok=True)
        write_if_changed(self.file, text.encode())

    def build(self, kinds: tuple[str, ...] = modules.KINDS) -> None:
        for fix in self.fixes:
            known = self.data["fixes"].setdefault(fix.name, {"file": fix.file.name})
            known["patch_sha256"] = fixes.key(fix.file)
            for kind in kinds:
                known[kind] = fixes.key(modules.build(fix, kind))
            if "probe" in kinds:
                known["lost_hooks"] = modules.lost_hooks(fix)
        self._save()

    def _do(self, steps: list[tuple[guest.Step, dict]], **how) -> None:
        """Carry out what is not done yet, one boot's worth at a time."""
        done = {s["id"] for s in self.data["steps"]}
        todo = [(s, about) for s, about in steps if s.id not in done]
        while todo:
            part, todo = todo[:12], todo[12:]
            offset = self.data.get("guests", {}).get("boots", 0)
            self.session.logs = self.folder / "kernel" / f"after-{offset}"
            got = guest.carry_out([s for s, _ in part], self.session, **how)
            for step, about in part:
                self.data["steps"].append(
                    {"id": step.id, **about, "limit": step.limit}
                    | _numbers(got.get(step.id, {"failed": "no-report"}))
                )
            self._save()

    def storms(self, only: tuple[str, ...] = ()) -> None:
        """ABBA: there and back again within a boot."""
        steps = []
        for scenario, seconds in self.size["storms"].items():
            if only and scenario not in only:
                continue
            order = self.fixes + self.fixes[::-1]
            for n, fix in enumerate(order * self.size["passes"]):
                words = COMMON | STORMS[scenario]
                words |= {"seconds": seconds, "module": f"{fix.name}.probe"}
                step = guest.Step(
                    f"{scenario}-{n}-{fix.name}", "storm", seconds * 2 + 240, words
                )
                about = {"scenario": scenario, "fix": fix.name, "place": n}
                steps.append((step, about | {"settings": words}))
        self._do(steps, processors=self.processors)

    def trials(self) -> None:
        steps = []
        for mode in TRIALS:
            for n in range(self.size["trials"]):
                for fix in self.fixes if n % 2 == 0 else self.fixes[::-1]:
                    words = COMMON | {"eager": 1, "delay": 20000, "size": "96m"}
                    words |= {"mode": mode, "seconds": 45, "seed": 31 * n + 7}
                    words |= {"module": f"{fix.name}.probe"}
                    step = guest.Step(f"{mode}-{n}-{fix.name}", "trial", 240, words)
                    about = {"scenario": mode, "fix": fix.name, "place": n}
                    steps.append((step, about | {"settings": words}))
        self._do(steps, processors=self.processors)

    def cost(self) -> None:
        steps = []
        passes = COST_PASSES["quick" if self.quick else "full"]
        for n, fix in enumerate((self.fixes + self.fixes[::-1]) * passes):
            words = COMMON | {"module": f"{fix.name}.cost", "size": "96m"}
            step = guest.Step(f"cost-{n}-{fix.name}", "cost", 300, words)
            about = {"scenario": "cost", "fix": fix.name, "place": n}
            steps.append((step, about))
        self._do(steps, accelerator="icount")


def _numbers(report: dict[str, str]) -> dict[str, object]:
    out: dict[str, object] = {}
    for name, value in report.items():
        try:
            out[name] = int(value)
        except ValueError:
            try:
                out[name] = float(value)
            except ValueError:
                out[name] = value
    return out


def need_fixes(arguments: list[str] | None, quick: bool) -> list[fixes.Fix]:
    """The chosen ones, or all built in; `none` comes first, the control."""
    main = ["none", "delwri_queue_here", "wait_in_find_lock", "remove_on_stale"]
    names = arguments or (main if quick else fixes.builtin())
    chosen = [fixes.find(a) for a in names]
    if len({f.name for f in chosen}) < len(chosen):
        raise Failure("--fix: two fixes have one name: give each its own", 2)
    say("fixes: " + " ".join(f.name for f in chosen))
    return sorted(chosen, key=lambda f: f.name != "none")
