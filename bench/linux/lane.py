# SPDX-License-Identifier: GPL-2.0-only
"""What the lane does in its guests: scenarios, damage trials, lookup cost.

Everything goes into RUN/kernel.json, written anew after each boot, so that a
run that is stopped keeps what it has and resumes where it was.  Its form is
results/schema/kernel.json.
"""

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import fixes
import guest
import modules
import verdict
from common import Failure, run, say, write_if_changed

# A storm: repairs in a loop, some in a row of each AG (or none at all), each
# after a few changes;
# files come and go, and syncfs all the time.
# eager: the AIL pushes everything each pass; delay: us before it submits.
# others: so many more buffers on its list in each pass; hold: with so many
# staled on it, it submits only once a load has met one; late: wake-ups come
# before their store, where no barrier forbids that (dwb_late.c).
COMMON = {
    "type": "inobt",
    "sync_us": 20000,
    "changes": 8,
    "in_a_row": 4,
    "loaders": 0,
    "eager": 0,
    "delay": 0,
    "hold": 0,
    "late": 0,
    "others": 0,
    "size": "560m",
    "log": "16m",
    "block": 4096,
    "chunks": 0,
}
# Inode btrees of two levels: so many chunks of inodes in each AG.  Each repair
# reads all of them: emulated, on a busy machine, for some 400 ms, and from a
# reap to the claim of what it freed it takes that long.
TREES = {
    "type": "inobt,finobt",
    "block": 1024,
    "chunks": 175,
    "size": "96m",
    "eager": 1,
    "delay": 800000,
}
# Every leaf changes before a repair, and is freed by it while the AIL has it
# queued: the next repair, of the same AG, is given neighbours that are linked.
NEIGHBOURS = TREES | {"changes": 24, "in_a_row": 8}
STORMS = {
    "natural": {},
    "widened": {"eager": 1, "delay": 20000},
    "churn": {"loaders": 2},
    "churn_widened": {"loaders": 2, "eager": 1, "delay": 20000},
    # No repairs: blocks of symbolic links come and go, too.
    "churn_alone": {"loaders": 2, "eager": 1, "delay": 20000, "in_a_row": 0},
    "trees": TREES,
    "neighbours": NEIGHBOURS,
    # Forced: the AIL waits with its submit for the load, however slow repairs are.
    "neighbours_held": NEIGHBOURS | {"delay": 400000, "hold": 3},
    "long_list": {"eager": 1, "others": 100000},
    "lost_wakeup": {"eager": 1, "delay": 20000, "late": 1},
    # With the assertions of the files concerned on.
    "assert": {"eager": 1, "delay": 20000},
}
ASSERTS_CONTROL = "none_pre_done"
# A trial of damage: see drive_trial.c.  "natural" has no knob at all.
WIDE = {"eager": 1, "delay": 20000, "size": "96m", "seconds": 30, "target": "any"}
TRIALS = {
    "crash": WIDE | {"mode": "crash"},
    "error": WIDE | {"mode": "error"},
    "power": WIDE | {"mode": "power"},
    "crash_finobt": WIDE | {"mode": "crash", "type": "finobt"},
    "crash_rmapbt": WIDE | {"mode": "crash", "type": "rmapbt"},
    "crash_refcountbt": WIDE | {"mode": "crash", "type": "refcountbt"},
    "crash_leaf": WIDE | TREES | {"mode": "crash", "target": "leaf"},
    "crash_root": WIDE | TREES | {"mode": "crash", "target": "root"},
    "error_leaf": WIDE | TREES | {"mode": "error", "target": "leaf"},
    "error_root": WIDE | TREES | {"mode": "error", "target": "root"},
    "crash_natural": {"mode": "natural", "seconds": 60, "target": "any"},
}
# Short of memory and of log, on many processors; with a long list, since nobody
# hangs in a wait that does not happen.
HUNT = {
    "type": "inobt,bnobt,finobt,cntbt,inobt,rmapbt,finobt,refcountbt",
    "sync_us": 5000,
    "loaders": 2,
    "leave": 100,
    "eager": 1,
    "others": 10000,
}
HUNT_PROCESSORS = 8
BOOT_STEPS = 16  # one boot has all fixes there and back
UNTIL_SECONDS = 20 * 60  # of a storm, all fixes together: as long as --until goes on
# Seconds per storm, rounds (there and back again) of them; valid trials per
# fix, for which one in five more may be made.
QUICK = {
    "storms": {"natural": 5, "widened": 10, "churn": 5, "assert": 15},
    "rounds": 1,
    "trials": {"crash": 2, "error": 2, "crash_root": 2, "error_leaf": 2},
    "cost": 1,
    "hunt": 60,
}
FULL = {
    "storms": {"natural": 30, "widened": 30, "churn": 20}
    | {"churn_widened": 20, "churn_alone": 20, "trees": 30, "neighbours": 30, "neighbours_held": 15}
    | {"long_list": 45, "lost_wakeup": 30, "assert": 30},
    "rounds": 1,
    "trials": {"crash": 20, "error": 20, "power": 3, "crash_natural": 3}
    | {"crash_finobt": 2, "crash_rmapbt": 2, "crash_refcountbt": 2}
    | {"crash_leaf": 10, "crash_root": 10, "error_leaf": 10, "error_root": 10},
    "cost": 1,
    "hunt": 90,
}


class Lane:
    def __init__(self, folder: Path, chosen: list[fixes.Fix], quick: bool, **guests):
        self.folder = folder
        self.fixes = chosen
        self.quick = quick
        self.size = QUICK if quick else FULL
        self.until = guests.get("until", 0)
        there = len(os.sched_getaffinity(0))
        self.processors = guests.get("processors", min(2, there))
        self.session = guest.Session(logs=folder / "kernel")
        self.file = folder / "kernel.json"
        self.forced = guests.get("accelerator", "")
        self.data = self._start()

    def _start(self) -> dict:
        release, _, _ = modules.kernel()
        if self.until < 0:
            raise Failure(f"--until {self.until}: events are 0 or more", 2)
        if self.processors < 1:
            raise Failure(f"--cpus {self.processors}: a guest has 1 or more", 2)
        if self.folder.exists() and not self.folder.is_dir():
            raise Failure(f"--out {self.folder} is no folder: name another", 2)
        if self.file.is_file():
            try:
                data = json.loads(self.file.read_text())
            except (OSError, ValueError) as why:
                raise Failure(f"{self.file}: {why}: name another --out", 2) from None
            if not isinstance(data, dict) or data.get("schema") != "delwribench-kernel-1":
                raise Failure(f"{self.file} is of no run of scripts/kernel: name another --out", 2)
            for name, now in (("quick", self.quick), ("processors", self.processors)):
                if data[name] != now:
                    raise Failure(
                        f"{self.file}: begun with {name} = {data[name]}, not {now}:"
                        " go on in the same way, or name another --out",
                        2,
                    )
            return data
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

    def only(self, scenarios: list[str]) -> None:
        """Leave out all other storms and trials."""
        kept = {kind: self.size[kind] for kind in ("storms", "trials")}
        known = [name for names in kept.values() for name in names]
        for name in scenarios:
            if name not in known:
                raise Failure(f"--scenario {name}: none of {', '.join(known)}", 2)
        self.size = self.size | {
            kind: {name: n for name, n in names.items() if name in scenarios}
            for kind, names in kept.items()
        }

    def _save(self) -> None:
        session = self.session
        if session.accelerator:
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
        """Every patch is tried before the first is built."""
        wanted = [(fix, kind) for fix in self.fixes for kind in kinds]
        if "assert" in kinds and self._asserts_control() not in self.fixes:
            wanted.append((self._asserts_control(), "assert"))
        for fix in dict.fromkeys(f for f, _ in wanted):
            before = self.data["fixes"].get(fix.name, {}).get("patch_sha256")
            if before not in (None, fixes.key(fix.file)):
                raise Failure(
                    f"{self.file}: begun with another {fix.name} than {fix.file}:"
                    " give it another name, or start a new run",
                    2,
                )
        for fix in dict.fromkeys(f for f, kind in wanted if not modules.is_built(f, kind)):
            modules.wanted(fix, "probe")
        for fix, kind in wanted:
            known = self.data["fixes"].setdefault(fix.name, {"file": fix.file.name})
            known["patch_sha256"] = fixes.key(fix.file)
            known["has_no"] = fixes.has_no(fix)
            built = fixes.key(modules.build(fix, kind))
            if known.get(kind, built) != built:
                raise Failure(
                    f"{self.file}: begun with another module of {fix.name}:"
                    " start a new run",
                    2,
                )
            known[kind] = built
            if kind != "cost":
                known["lost_hooks"] = modules.lost_hooks(fix, kind)
                known["wakes_unordered"] = modules.wakes_unordered(fix, kind)
        if "accelerator" in self.data:
            self._save()

    def _asserts_control(self) -> fixes.Fix:
        return fixes.find(ASSERTS_CONTROL)

    def _do(self, steps: list[tuple[guest.Step, dict]], **how) -> None:
        """Carry out what is not done yet, one boot's worth at a time."""
        done = {s["id"] for s in self.data["steps"]}
        todo = [(s, about) for s, about in steps if s.id not in done]
        todo = [(s, about) for s, about in todo if not self._ended(s.fix)]
        if todo and not self.session.accelerator:
            guest.choose_accelerator(self.session, self.forced)
        while todo:
            part, todo = todo[:BOOT_STEPS], todo[BOOT_STEPS:]
            offset = self.data.get("guests", {}).get("boots", 0)
            self.session.logs = self.folder / "kernel" / f"after-{offset}"
            got = guest.carry_out([s for s, _ in part], self.session, **how)
            for name, where in self.session.ended.items():
                self.data["fixes"].setdefault(name, {})["ended"] = where
            todo = [(s, about) for s, about in todo if not self._ended(s.fix)]
            for step, about in part:
                if step.id not in got and self._ended(step.fix):
                    continue
                self.data["steps"].append(
                    {"id": step.id, **about, "limit": step.limit}
                    | _numbers(got.get(step.id, {"failed": "no-report"}))
                )
            self._save()

    def _ended(self, fix: str) -> bool:
        """Has it killed the kernel, twice at the same step?"""
        return "ended" in self.data["fixes"].get(fix, {})

    def _step(self, scenario: str, n: int, fix: fixes.Fix, step: str, **words):
        """A step of the guest, and what is kept about it."""
        words = {"module": f"{fix.name}.probe"} | words
        limit = int(words.pop("limit"))
        about = {"scenario": scenario, "fix": fix.name, "place": n, "settings": words}
        return guest.Step(f"{scenario}-{n}-{fix.name}", step, limit, words), about

    def storms(self, which: list[str]) -> None:
        """ABBA: there and back again within a boot."""
        for scenario, seconds in self.size["storms"].items():
            if scenario not in which:
                continue
            chosen, kind = list(self.fixes), "probe"
            words = COMMON | STORMS[scenario] | {"seconds": seconds}
            words["limit"] = seconds * 2 + 300
            if scenario == "assert":
                kind = "assert"
                if self._asserts_control() not in chosen:
                    chosen.append(self._asserts_control())

            def some(of: list[fixes.Fix], first: int = 0) -> None:
                self._do(
                    [
                        self._step(scenario, n, f, "storm", **words, module=f"{f.name}.{kind}")
                        for n, f in enumerate(of, first)
                    ],
                    processors=self.processors,
                )

            some((chosen + chosen[::-1]) * self.size["rounds"])
            if self.until and kind == "probe":
                self._go_on(scenario, chosen, some)

    def _go_on(self, scenario: str, chosen: list[fixes.Fix], some: Callable) -> None:
        """There and back with those fixes that have shown too few events yet."""
        self.data["until"] = self.until
        while True:
            mine = [s for s in self.data["steps"] if s["scenario"] == scenario]
            seconds = sum(s["settings"]["seconds"] for s in mine)
            short = [f for f in chosen if verdict.short_of(self.data, scenario, f.name)]
            short = [f for f in short if not self._ended(f.name)]
            if not short or seconds >= UNTIL_SECONDS:
                break
            some(short + short[::-1], 1 + max(s["place"] for s in mine))
        say(f"{scenario}: {verdict.events_shown(self.data, scenario)}")
        self._save()

    def trials(self) -> None:
        for scenario, count in self.size["trials"].items():
            words = COMMON | TRIALS[scenario]
            words["limit"] = int(str(words["seconds"])) + 200
            natural = words["mode"] == "natural"
            chosen = [f for f in self.fixes if not natural or self._misqueues(f)]
            mode = str(words["mode"])
            chosen = [f for f in chosen if verdict.can_show(self.data, f.name, mode)]

            def some(of: list[fixes.Fix], rounds: range) -> None:
                steps = [
                    self._step(scenario, n, f, "trial", **words, seed=31 * n + 7, turn=n)
                    for f in of
                    for n in rounds
                ]
                self._do(steps, processors=self.processors)

            some(chosen, range(count))
            for n in range(count, count if natural else count + count // 5):
                valid = verdict.valid(self.data, scenario)
                some([f for f in chosen if valid.get(f.name, 0) < count], range(n, n + 1))

    def _misqueues(self, fix: fixes.Fix) -> bool:
        """With no knob a trial can only wait for what a storm has shown."""
        mine = [s for s in verdict.done(self.data) if s["fix"] == fix.name]
        return verdict.total(mine, "misqueued") > 0

    def cost(self) -> None:
        order = (self.fixes + self.fixes[::-1]) * self.size["cost"]
        steps = []
        for n, fix in enumerate(order):
            words = COMMON | {"module": f"{fix.name}.cost", "size": "96m", "limit": 300}
            steps.append(self._step("cost", n, fix, "cost", **words))
        self._do(steps, accelerator="icount")

    def hunt(self) -> None:
        """Everything at once on many processors: does anybody hang?"""
        seconds = self.size["hunt"]
        steps = []
        for n, fix in enumerate(self.fixes):
            words = COMMON | HUNT | {"seconds": seconds, "limit": seconds * 2 + 600}
            steps.append(self._step("hunt", n, fix, "hunt", **words))
        self._do(steps, processors=max(self.processors, HUNT_PROCESSORS))


def _numbers(report: dict) -> dict[str, object]:
    out: dict[str, object] = {}
    for name, value in report.items():
        if not isinstance(value, str):
            out[name] = value
            continue
        if re.fullmatch(r"\d+(,\d+)+", value):
            out[name] = [int(n) for n in value.split(",")]
            continue
        try:
            out[name] = int(value)
        except ValueError:
            try:
                out[name] = float(value)
            except ValueError:
                out[name] = value
    return out


def need_fixes(arguments: list[str] | None, quick: bool, check: bool) -> list[fixes.Fix]:
    """The chosen ones, or all built in; `none` comes first, the control."""
    main = ["none", "delwri_queue_here", "wait_in_find_lock", "remove_on_stale"]
    names = arguments or (CHECKED if check else main if quick else fixes.builtin())
    chosen = [fixes.find(a) for a in names]
    for fix in chosen:
        if fix.name in verdict.CONTROLS and not fix.own:
            raise Failure(f"--fix {fix.name}=...: {fix.name} is a control: name yours otherwise", 2)
    if check and "none" not in [f.name for f in chosen]:
        chosen.append(fixes.find("none"))
    if len({f.name for f in chosen}) < len(chosen):
        raise Failure("--fix: two fixes have one name: give each its own", 2)
    say("fixes: " + " ".join(f.name for f in chosen))
    return sorted(chosen, key=lambda f: f.name != "none")


CHECKED = ["none", "delwri_queue_here"]
CHECK = {
    "storms": {"widened": 10},
    "rounds": 1,
    "trials": {"crash": 1, "error": 1},
}
CHECK_ROUNDS = 4


def unable() -> str:
    """Why check() cannot be done with what is there; "" if it can."""
    programs = ("qemu-system-x86_64", "cpio", "busybox", "mkfs.xfs", "xfs_repair", "spatch")
    path = os.environ.get("PATH", "") + ":/sbin:/usr/sbin"
    missing = [p for p in programs if not shutil.which(p, path=path)]
    if not fixes.TARBALL.is_file():
        missing.append(str(fixes.TARBALL))
    if missing:
        return f"missing: {', '.join(missing)}: scripts/setup kernel"
    try:
        modules.kernel()
    except Failure as failure:
        return str(failure)
    return ""


def check(this: Lane) -> None:
    """A storm, a crash and a failed write: once each, more only if one shows nothing."""
    this.size = CHECK
    this.build(("probe",))
    for rounds in range(1, CHECK_ROUNDS + 1):
        this.size = CHECK | {"rounds": rounds, "trials": {name: rounds for name in CHECK["trials"]}}
        this.storms(["widened"])
        this.trials()
        if not verdict.by_chance(this.data):
            return
