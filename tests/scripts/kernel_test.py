#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/kernel: patches that apply, errors that say what to do, verdicts.

No guest is booted here.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bench" / "linux"))
sys.dont_write_bytecode = True

import fixes  # noqa: E402
import guest  # noqa: E402
import lane  # noqa: E402
import modules  # noqa: E402
import pin  # noqa: E402
import table  # noqa: E402
import verdict  # noqa: E402
from common import Failure  # noqa: E402

MISSING = [p for p in ("spatch", "patch") if not shutil.which(p)]
if not fixes.TARBALL.is_file():
    MISSING.append(str(fixes.TARBALL))


def kernel(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [TOP / "scripts/kernel", *arguments],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@unittest.skipIf(MISSING, f"missing: {', '.join(MISSING)}: scripts/setup kernel")
class Patches(unittest.TestCase):
    # What each must bring into or take out of fs/xfs: a rule of a semantic
    # patch that matches nothing is silent.
    EXPECTED = {
        "none": ["-xfs_buf_delwri_queue_here(", "-\twake_up_var(&bp->b_list);"],
        "none_pre_done": ["-xfs_buf_delwri_queue_here(", "-\tbp->b_flags |= XBF_DONE;"],
        "delwri_queue_here": [],
        "delwri_queue_here_mb": ["+\tsmp_mb();"],
        "wait_in_find_lock": [
            "+xfs_buf_find_stale(",
            "+\t\tbp->b_delwri_owner = current;",
            "-xfs_buf_delwri_queue_here(",
        ],
        "remove_on_stale": [
            "+xfs_buf_delwri_remove(",
            "-xfs_buf_delwri_queue_here(",
        ],
        "multi_list": ["+\tbp->b_queued = link;", "-\twake_up_var(&bp->b_list);"],
    }

    def test_every_fix_applies_and_says_why(self) -> None:
        source = fixes.pristine()
        for name in fixes.builtin():
            with self.subTest(name):
                done = kernel("patch", name)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stdout.startswith("Subject: [PATCH] xfs: "))
                for line in self.EXPECTED.get(name, ["+"]):
                    self.assertIn("\n" + line, done.stdout)
                if name == "delwri_queue_here":
                    self.assertNotIn("\n+++ ", done.stdout)
                    continue
                dry = subprocess.run(
                    ["patch", "-p1", "--dry-run", "-f", "--fuzz=0", "-d", source],
                    input=done.stdout,
                    text=True,
                    stdout=subprocess.PIPE,
                )
                self.assertEqual(dry.returncode, 0, dry.stdout)
                style = subprocess.run(
                    ["perl", source / "scripts/checkpatch.pl", "--no-tree"]
                    + ["--no-signoff", "--quiet", "-"],
                    input=done.stdout,
                    text=True,
                    stdout=subprocess.PIPE,
                )
                self.assertNotIn("ERROR", style.stdout)

    def test_the_mutant_for_the_hunt_waits_with_the_buffer_locked(self) -> None:
        mutant = TOP / "tests/mutants/wait_with_lock.cocci"
        done = kernel("patch", f"wait_with_lock={mutant}")
        self.assertEqual(done.returncode, 0, done.stderr)
        changes = [x for x in done.stdout.splitlines() if x[:2] in ("+\t", "-\t")]
        wait = "+\t\twait_var_event(&bp->b_list, list_empty(&bp->b_list));"
        self.assertEqual(changes, [wait])

    def test_every_hook_finds_its_place(self) -> None:
        waits = {"dwb_wait_begin", "dwb_wait_end"}
        for name in fixes.builtin():
            with self.subTest(name):
                fix = fixes.find(name)
                tree = fixes.patched(fix) / "fs" / "xfs"
                modules._probe({f: (tree / f).read_bytes() for f in modules.PROBED}, fix)
                sleeps = b"wait_var_event(" in (tree / "xfs_buf.c").read_bytes()
                self.assertEqual(set(modules.lost_hooks(fix)), set() if sleeps else waits)

    def test_a_patch_that_does_not_apply(self) -> None:
        good = kernel("patch", "remove_on_stale").stdout
        bad = good.replace("-\tbp->b_flags &= ~_XBF_DELWRI_Q;", "-\tno_such_line;", 1)
        self.assertNotEqual(good, bad)
        with tempfile.NamedTemporaryFile("w", suffix=".patch") as f:
            f.write(bad)
            f.flush()
            done = kernel("patch", f"mine={f.name}")
        self.assertEqual(done.returncode, 2)
        line = done.stderr.splitlines()[-1]
        for word in (f.name, "hunk ", "fs/xfs/xfs_buf.c", "does not apply"):
            self.assertIn(word, line)

    def test_a_rule_that_matches_nothing(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".cocci") as f:
            f.write("@@\n@@\n- no_such_function();\n")
            f.flush()
            done = kernel("patch", f"mine={f.name}")
        self.assertEqual(done.returncode, 2)
        self.assertIn("changes nothing", done.stderr)

    def test_a_rule_that_does_not_parse(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".cocci") as f:
            f.write("@@\nnonsense\n")
            f.flush()
            done = kernel("patch", f"mine={f.name}")
        self.assertEqual(done.returncode, 2)
        self.assertIn(f.name, done.stderr)

    def test_bad_names(self) -> None:
        for name in ("nosuch", "mine=/no/such.patch", "mine=/etc/passwd", "a b=c"):
            with self.subTest(name):
                done = kernel("patch", name)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(len(done.stderr.splitlines()), 1)


class Pinning(unittest.TestCase):
    @staticmethod
    def planned(*where: tuple[int, int]) -> list[dict]:
        return [{"pu_os_index": pu, "numa_os_index": node} for pu, node in where]

    def test_nodes_are_nodes(self) -> None:
        where = pin.places(self.planned((0, 0), (8, 3), (1, 0), (9, 3)))
        self.assertEqual([p.processor for p in where], [0, 1, 8, 9])
        line = " ".join(guest._machine("kvm", 4, where))
        self.assertIn("host-nodes=0,size=2048M -numa node,nodeid=0,memdev=m0,cpus=0-1", line)
        self.assertIn("host-nodes=3,size=2048M -numa node,nodeid=1,memdev=m1,cpus=2-3", line)
        self.assertIn("-smp 4 -m 4096M", line)

    def test_a_host_too_small_is_not_pinned_to(self) -> None:
        with mock.patch.object(pin, "say"):
            self.assertEqual(pin.places(self.planned((0, 0), (0, 0))), [])

    def test_each_thread_to_its_processor(self) -> None:
        where = pin.places(self.planned((4, 0), (5, 0)))
        with tempfile.TemporaryDirectory() as t:
            proc, bound = pathlib.Path(t), {}
            for thread, name in ((7, "qemu-system"), (8, "CPU 1/KVM"), (9, "CPU 0/KVM")):
                task = proc / "6" / "task" / str(thread)
                task.mkdir(parents=True)
                (task / "comm").write_text(name + "\n")
            found = pin.threads(6, proc)
            with mock.patch.object(pin, "threads", lambda _: found), mock.patch.object(
                os, "sched_setaffinity", bound.__setitem__
            ):
                self.assertTrue(pin.pin(6, where))
                self.assertFalse(pin.pin(6, [*where, where[0]]))
        self.assertEqual(bound, {9: {4}, 8: {5}})

    def test_the_plan_of_another_machine(self) -> None:
        topology = "node:2 core:4 pu:2"
        where = pin.plan(8, topology)
        self.assertEqual([p.node for p in where], [0] * 4 + [1] * 4)
        self.assertEqual(len({p.processor for p in where}), 8)


class Resume(unittest.TestCase):
    """With what was begun, a run goes on; with anything else it does not."""

    FIX = fixes.Fix("none", pathlib.Path("none.cocci"), True)

    def lane(self, folder: str, quick: bool = True) -> lane.Lane:
        with mock.patch.object(modules, "kernel", lambda: ("6.12", None, None)):
            with mock.patch.object(lane, "run", lambda _: mock.Mock(stdout="qemu")):
                return lane.Lane(pathlib.Path(folder), [], quick, accelerator="tcg")

    def test_what_is_done_is_not_done_again(self) -> None:
        asked = []

        def carry_out(plan: list, *_: object, **__: object) -> dict:
            asked.extend(s.id for s in plan)
            return {s.id: {"blocks": "7"} for s in plan}

        fix = self.FIX
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(
            guest, "carry_out", carry_out
        ), mock.patch.object(guest, "say"):
            for steps in (1, 3):
                this = self.lane(folder)
                this._do(
                    [this._step("natural", n, fix, "storm", limit=9) for n in range(steps)]
                )
            data = json.loads((pathlib.Path(folder) / "kernel.json").read_text())
            with self.assertRaises(Failure) as refused:
                self.lane(folder, quick=False)
        self.assertEqual(asked, ["natural-0-none", "natural-1-none", "natural-2-none"])
        self.assertEqual([s["blocks"] for s in data["steps"]], [7, 7, 7])
        self.assertEqual(refused.exception.status, 2)

    def trials(self, scenario: str, count: int, report: dict) -> list[str]:
        """The steps of a fix of which each brings @report."""

        def carry_out(plan: list, *_: object, **__: object) -> dict:
            return {s.id: report for s in plan}

        with tempfile.TemporaryDirectory() as folder, mock.patch.object(
            guest, "carry_out", carry_out
        ), mock.patch.object(guest, "say"):
            this = self.lane(folder)
            this.fixes, this.size = [self.FIX], {"trials": {scenario: count}}
            this.data["steps"] = [
                {"id": "widened-0-none", "scenario": "widened", "fix": "none"} | report
            ]
            this.trials()
            return [s["id"] for s in this.data["steps"][1:]]

    def test_an_invalid_trial_is_made_up_for(self) -> None:
        valid = {"hit": "1", "held": "1"}
        self.assertEqual(len(self.trials("crash", 10, valid)), 10)
        self.assertEqual(len(self.trials("crash", 10, valid | {"hit": "0"})), 12)

    def test_with_no_knob_only_who_misqueues_is_tried(self) -> None:
        self.assertEqual(self.trials("crash_natural", 5, {"misqueued": 0}), [])
        self.assertEqual(len(self.trials("crash_natural", 5, {"misqueued": 1})), 5)


class Verdicts(unittest.TestCase):
    TRIAL = {
        "scenario": "crash",
        "settings": {"mode": "crash", "type": "inobt"},
        "fix": "none",
        "hit": 1,
        "held": 1,
        "wait_count": 0,
        "xfs_repair_status": 1,
        "mount_status": 0,
    }
    ERROR = TRIAL | {
        "scenario": "error",
        "settings": {"mode": "error", "type": "inobt"},
        "failed_async": 2,
        "repair_errno": 0,
        "xfs_repair_status": 0,
    }
    STORM = {"scenario": "widened", "fix": "mine", "misqueued": 0, "settings": {}}

    def found(self, *steps: dict) -> int:
        return len(
            verdict.findings({"steps": [{"id": str(n), **s} for n, s in enumerate(steps)]})
        )

    def test_validity(self) -> None:
        power = {"mode": "power"}
        for change, valid in (
            ({}, True),
            ({"hit": 0}, False),
            ({"held": 0}, False),
            ({"held": 0, "wait_count": 1}, True),
            ({"settings": power}, True),
            ({"settings": power, "torn": 1}, False),
            ({"settings": {"mode": "natural"}, "held": 0}, True),
            ({"settings": {"mode": "error"}}, False),
            ({"settings": {"mode": "error"}, "failed_sync": 1}, True),
        ):
            self.assertEqual(verdict.is_valid(self.TRIAL | change), valid, change)

    def test_a_fix_that_loses_is_found_out_a_control_may_lose(self) -> None:
        self.assertEqual(self.found(self.TRIAL), 0)
        mine = self.TRIAL | {"fix": "mine"}
        self.assertEqual(self.found(mine), 1)
        self.assertEqual(self.found(mine | {"held": 0}), 0)
        self.assertEqual(self.found(self.STORM), 0)
        for change in (
            {"misqueued": 1},
            {"not_durable": 1},
            {"hung": 1},
            {"hung_tasks": 1},
            {"shutdowns": 1},
            {"xfs_repair_status": 1},
            {"failed": "guest-died-twice"},
        ):
            self.assertEqual(self.found(self.STORM | change), 1, change)

    def test_success_over_a_failed_write(self) -> None:
        self.assertEqual(self.found(self.ERROR), 0)
        mine = self.ERROR | {"fix": "mine"}
        self.assertEqual(self.found(mine), 1)
        self.assertEqual(self.found(mine | {"repair_errno": 5}), 0)
        self.assertEqual(self.found(self.ERROR | {"repair_errno": 5}), 1)

    def test_a_control_that_loses_nothing_is_no_control(self) -> None:
        control = self.STORM | {"fix": "none"}
        self.assertEqual(self.found(control), 1)
        self.assertEqual(self.found(control | {"misqueued": 3}), 0)
        self.assertEqual(self.found(self.TRIAL | {"xfs_repair_status": 0}), 1)

    def test_what_was_not_tried_is_not_shown(self) -> None:
        def unshown(step: dict, hooks: tuple[str, ...] = ()) -> int:
            data = {"fixes": {"none": {"lost_hooks": list(hooks)}}, "steps": [step]}
            return len(verdict.unshown(data))

        hunt = {"scenario": "hunt", "fix": "none", "settings": {}}
        self.assertEqual(unshown(hunt), 1)
        self.assertEqual(unshown(hunt | {"wait_count": 1}), 0)
        self.assertEqual(unshown(hunt, ("dwb_wait_begin",)), 0)
        self.assertEqual(unshown(self.TRIAL), 0)
        self.assertEqual(unshown(self.TRIAL | {"hit": 0}), 1)

    def test_a_difference_is_explained_by_function(self) -> None:
        def cost(text: str) -> list[dict]:
            return [{"lookup_functions": text}]

        lines = table._difference(
            {"none": cost("a.cold:3,b:10"), "mine": cost("a.cold:3,b:8,c:7")}, "lookup"
        )
        self.assertEqual([" ".join(x.split()) for x in lines], ["lookup, mine: +5:", "+7 c", "-2 b"])


class Guests(unittest.TestCase):
    PLAN = [guest.Step(f"s-{n}", "storm", 60, {}) for n in range(3)]

    def carry_out(self, *boots: dict) -> tuple[dict, guest.Session]:
        """What comes of guests that report this, one after another."""
        session = guest.Session(accelerator="tcg", logs=pathlib.Path("logs"))
        left = list(boots)

        def boot(plan: list, *_: object) -> dict:
            session.boots += 1
            got = left.pop(0)
            known = {s.id for s in plan} | {"boot"}
            return {k: v for k, v in got.items() if k in known}

        with mock.patch.object(guest, "_boot", boot), mock.patch.object(guest, "say"):
            return guest.carry_out(self.PLAN, session), session

    def test_a_guest_that_does_not_boot_is_started_once_more(self) -> None:
        whole = {"boot": {}} | {f"s-{n}": {"blocks": "1"} for n in range(3)}
        got, session = self.carry_out({}, whole)
        self.assertEqual(got["s-2"], {"blocks": "1"})
        self.assertEqual((session.boots, session.boots_failed), (2, 1))
        got, session = self.carry_out({}, {})
        self.assertEqual(got["s-0"], {"failed": "guest-does-not-boot"})
        self.assertEqual((session.boots, session.boots_failed), (2, 2))

    def test_a_step_at_which_it_dies_is_tried_once_more(self) -> None:
        first, rest = {"boot": {}, "s-0": {"x": "1"}}, {"boot": {}, "s-2": {"x": "1"}}
        got, session = self.carry_out(first, {"boot": {}}, rest)
        self.assertEqual(got["s-1"], {"failed": "guest-died-twice"})
        self.assertEqual((got["s-0"], got["s-2"]), ({"x": "1"}, {"x": "1"}))
        self.assertEqual(session.deaths, 2)

    def test_a_step_that_hangs_is_kept_as_such(self) -> None:
        hung, rest = {"boot": {}, "s-0": {"hung": "1"}}, {"boot": {}, "s-1": {}, "s-2": {}}
        got, session = self.carry_out(hung, rest)
        self.assertEqual(got["s-0"], {"hung": "1"})
        self.assertEqual(session.deaths, 0)

    def test_a_silent_guest_is_killed(self) -> None:
        with tempfile.TemporaryDirectory() as t:
            folder = pathlib.Path(t)
            program = folder / "qemu-system-x86_64"
            program.write_text("#!/bin/sh\nexec sleep 1000\n")
            program.chmod(0o755)
            session = guest.Session(accelerator="tcg", logs=folder / "logs")
            path = {"PATH": f"{folder}:{os.environ['PATH']}"}
            with mock.patch.dict(os.environ, path), mock.patch.multiple(
                guest,
                BOOT_SECONDS=0.1,
                BUILD=folder,
                _initramfs=mock.DEFAULT,
                say=mock.DEFAULT,
            ), mock.patch.object(modules, "kernel", lambda: ("6.12", folder, folder)):
                got = guest.carry_out(self.PLAN, session)
            self.assertEqual(got["s-1"], {"failed": "guest-does-not-boot"})
            self.assertTrue((folder / "logs" / "boot-2.results").is_file())

    def test_plan(self) -> None:
        step = guest.Step("a-1", "storm", 60, {"module": "none.probe", "delay": 0})
        self.assertEqual(step.line(), "a-1 storm limit=60 module=none.probe delay=0")

    def test_the_guest_is_told_every_word_that_it_asks_for(self) -> None:
        text = (TOP / "bench/linux/init").read_text()
        own = set(re.findall(r"^\s*(\w+)=|for (\w+) in", text, re.M))
        own = {name for pair in own for name in pair} | {"id", "module", "limit"}
        for step, scenarios in (
            ("storm", {**lane.STORMS, "hunt": lane.HUNT | {"seconds": 1}}),
            ("trial", lane.TRIALS),
        ):
            words = lane.COMMON | ({"seconds": 1} if step == "storm" else {"seed": 1, "turn": 1})
            for scenario, more in scenarios.items():
                names = f"make_fs|load|judge|{step}"
                bodies = re.findall(rf"^(?:{names})\(\) {{.*?^}}", text, re.M | re.S)
                asked = set(re.findall(r"\$\{?([a-z_]+)", "".join(bodies))) - own
                self.assertIn("size", asked)
                self.assertEqual(asked - words.keys() - more.keys(), set(), scenario)
        for size in (lane.QUICK, lane.FULL):
            self.assertLessEqual(size["storms"].keys(), lane.STORMS.keys())
            self.assertLessEqual(size["trials"].keys(), lane.TRIALS.keys())

    def test_reports_may_stop_anywhere(self) -> None:
        got = guest._parse("boot uptime=1.5\na-1 x=1 y=2\na-1 hung=1\nb-2 x=")
        self.assertEqual(got["a-1"], {"x": "1", "y": "2", "hung": "1"})
        self.assertEqual(got["b-2"], {"x": ""})

    def test_eight_processors_have_four_nodes(self) -> None:
        line = " ".join(guest._machine("tcg", 8, []))
        self.assertEqual(line.count("-numa node,"), 4)
        self.assertEqual(line.count("-numa dist,"), 6)
        self.assertIn("cpus=6-7", line)


if __name__ == "__main__":
    unittest.main()
