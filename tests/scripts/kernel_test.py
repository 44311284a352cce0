#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/kernel: steps, guests and verdicts.

No guest is booted here.
"""
import json
import os
import pathlib
import re
import sys
import tempfile
import unittest
from unittest import mock

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bench" / "linux"))
sys.path.insert(1, str(TOP))
sys.dont_write_bytecode = True

import fixes  # noqa: E402
import guest  # noqa: E402
import kernel_log_test  # noqa: E402
import lane  # noqa: E402
import modules  # noqa: E402
import pin  # noqa: E402
import table  # noqa: E402
import verdict  # noqa: E402
from common import Failure  # noqa: E402

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

    def test_what_cannot_go_on_is_refused_before_anything_is_built(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "kernel.json"
            for text in ("{", "[]", '{"schema": "delwribench-1"}'):
                file.write_text(text)
                with self.assertRaises(Failure) as refused:
                    self.lane(folder)
                self.assertEqual(refused.exception.status, 2)
                self.assertEqual(file.read_text(), text)
            with self.assertRaises(Failure) as refused, mock.patch.object(
                modules, "kernel", lambda: ("6.12", None, None)
            ):
                lane.Lane(pathlib.Path(folder) / "new", [], True, processors=0)
            self.assertEqual(refused.exception.status, 2)
            with self.assertRaises(Failure) as refused:
                self.lane(str(file))
            self.assertEqual(refused.exception.status, 2)
            file.unlink()
            patch = pathlib.Path(folder) / "mine.patch"
            patch.write_text("other")
            this = self.lane(folder)
            this.fixes = [fixes.Fix("mine", patch, False)]
            this.data["fixes"]["mine"] = {"patch_sha256": "of what was there"}
            with self.assertRaises(Failure) as refused, mock.patch.object(
                modules, "is_built", mock.Mock(side_effect=AssertionError)
            ):
                this.build(("probe",))
            self.assertEqual(refused.exception.status, 2)

    FOUR = [
        fixes.Fix(name, pathlib.Path(name), True)
        for name in ("none", "none_pre_done", "waits", "never_waits")
    ]

    def until(
        self,
        folder: str,
        events: dict[str, int],
        scenario: str = "widened",
        boots: int = 99,
        cluster: int = 1,
    ) -> tuple[list[str], dict]:
        """Which steps are asked for, if each of a fix brings so many events, in
        clusters of so many; it is stopped after so many boots."""
        asked: list[str] = []
        left = [boots]

        def carry_out(plan: list, *_: object, **__: object) -> dict:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            asked.extend(s.id for s in plan)
            return {
                s.id: {
                    key: str(n)
                    for name in ("misqueued", "wait_count", "met_lookup")
                    for key, n in (
                        (name, events[s.fix]),
                        (f"{name}_squares", events[s.fix] * cluster),
                    )
                }
                for s in plan
            }

        with mock.patch.object(guest, "carry_out", carry_out), mock.patch.multiple(
            lane, say=mock.DEFAULT
        ) as said, mock.patch.object(guest, "say"):
            this = self.lane(folder)
            this.fixes, this.until = self.FOUR, 30
            this.size = {"storms": {scenario: 100}, "rounds": 1}
            this.data["fixes"]["never_waits"] = {"has_no": ["wait_var_event"]}
            try:
                this.storms([scenario])
                self.said = said["say"].call_args[0][0]
            except KeyboardInterrupt:
                pass
        return asked, this.data

    def test_a_storm_goes_on_until_it_has_shown_enough(self) -> None:
        events = {"none": 15, "none_pre_done": 0, "waits": 8, "never_waits": 0}
        first = [f"widened-{n}-{f.name}" for n, f in enumerate(self.FOUR + self.FOUR[::-1])]
        with tempfile.TemporaryDirectory() as folder:
            asked, data = self.until(folder, events)
        # none has 30 by then; the one that waits lacks 14 and needs two more.
        self.assertEqual(asked, [*first, "widened-8-waits", "widened-9-waits"])
        self.assertEqual(data["until"], 30)
        said = "widened: 30 independent events each were asked for, 1000 s tried: all are there"
        self.assertEqual(self.said, said)

    def test_events_of_one_cluster_are_one(self) -> None:
        events = {"none": 60, "none_pre_done": 0, "waits": 30, "never_waits": 0}
        with tempfile.TemporaryDirectory() as folder:
            asked, _ = self.until(folder, events, cluster=4)
        # Two steps each: none has 30 of its 120 by then, the other 15 of 60.
        self.assertEqual(asked[8:], ["widened-8-waits", "widened-9-waits"])

    def test_it_gives_up_after_20_minutes_and_says_so(self) -> None:
        events = {"none": 30, "none_pre_done": 0, "waits": 0, "never_waits": 0}
        with tempfile.TemporaryDirectory() as folder:
            asked, data = self.until(folder, events)
        self.assertEqual(asked[8:], [f"widened-{n}-waits" for n in range(8, 12)])
        self.assertIn("1200 s tried: waits lacks 30", self.said)
        self.assertIn("waits lacks 30", verdict.events_shown(data, "widened"))

    def test_what_was_stopped_goes_on_where_it_was(self) -> None:
        events = {"none": 30, "none_pre_done": 0, "waits": 4, "never_waits": 0}
        with tempfile.TemporaryDirectory() as folder:
            whole, _ = self.until(folder, events)
        with tempfile.TemporaryDirectory() as folder:
            some = self.until(folder, events, boots=2)[0]
            more = self.until(folder, events)[0]
            self.assertEqual(some + more, whole)
            self.assertEqual(self.until(folder, events)[0], [])

    def test_without_repairs_there_is_only_to_meet(self) -> None:
        events = {"none": 15, "none_pre_done": 15, "waits": 15, "never_waits": 0}
        with tempfile.TemporaryDirectory() as folder:
            asked, _ = self.until(folder, events, "churn_alone")
        self.assertEqual(len(asked), 8)

    def test_figures_by_kind_are_lists(self) -> None:
        numbers = lane._numbers({"load_met": "3,0,12", "lookup_functions": "a:3,b:4", "x": "7"})
        self.assertEqual(numbers, {"load_met": [3, 0, 12], "lookup_functions": "a:3,b:4", "x": 7})

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

    def test_only_some_scenarios(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            this = self.lane(folder)
            this.only(["widened", "error"])
            self.assertEqual(list(this.size["storms"]), ["widened"])
            self.assertEqual(list(this.size["trials"]), ["error"])
            with self.assertRaises(Failure) as refused:
                this.only(["natural"])
        self.assertEqual(refused.exception.status, 2)

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

    def unshown(self, *steps: dict, **about: dict) -> list[str]:
        data = {"steps": [{"id": str(n), **s} for n, s in enumerate(steps)], "fixes": about}
        return verdict.unshown(data)

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
        # Whatever the trial was to show, that is no state for a file system.
        for change in ({"held": 0}, {"hit": 0}):
            self.assertEqual(self.found(mine | change), 1)
            self.assertEqual(self.found(mine | change | {"xfs_repair_status": 0}), 0)
        torn = {"settings": {"mode": "power"}, "torn": 1}
        self.assertEqual(self.found(mine | torn), 0)
        self.assertEqual(self.found(self.STORM), 0)
        for change in (
            {"misqueued": 1},
            {"not_durable": 1},
            {"hung": 1},
            {"hung_tasks": 1},
            {"shutdowns": 1},
            {"xfs_repair_status": 1},
            {"scrub_corrupt": 1},
            {"repair_errors": 2, "last_errno": 28},
            {"failed": "guest-died-twice"},
        ):
            self.assertEqual(self.found(self.STORM | change), 1, change)

    def test_a_storm_without_a_load_shows_nothing(self) -> None:
        self.assertEqual(self.unshown(self.STORM | {"repairs": 9, "loads": 1, "scenario": "a"}), [])
        self.assertEqual(
            len(self.unshown(self.STORM | {"repairs": 9, "loads": 0, "scenario": "a"})), 1
        )

    def test_success_over_a_failed_write(self) -> None:
        self.assertEqual(self.found(self.ERROR), 0)
        mine = self.ERROR | {"fix": "mine"}
        self.assertEqual(self.found(mine), 1)
        self.assertEqual(self.found(mine | {"repair_errno": 5}), 0)
        self.assertEqual(len(self.unshown(self.ERROR | {"repair_errno": 5})), 1)

    def test_a_control_that_loses_nothing_is_no_control(self) -> None:
        control = self.STORM | {"fix": "none"}
        for step in (control, self.TRIAL | {"xfs_repair_status": 0}):
            self.assertEqual(len(self.unshown(step)), 1)
            self.assertEqual(self.found(step), 0)
        self.assertEqual(self.unshown(control | {"misqueued": 3}), [])
        asserting = self.STORM | {"scenario": "assert", "assertions": 0}
        self.assertIn("no control", self.unshown(asserting)[0])
        said = [{"what": "Assertion failed: x", "stack": ["f"], "times": 1}]
        fired = {"assertions": 1, "complaints": said}
        control = asserting | {"fix": "none_pre_done"}
        self.assertEqual(len(self.unshown(asserting, control)), 1)
        self.assertEqual(self.unshown(asserting, control | fired), [])
        self.assertEqual(self.found(asserting, control | fired), 0)
        self.assertEqual(self.found(asserting | fired), 1)

    def test_what_is_unknown_neither_speaks_against_a_fix_nor_for_it(self) -> None:
        lost = {"mine": {"lost_hooks": ["dwb_submit"]}}
        bad = self.STORM | {"id": "0", "misqueued": 9}
        self.assertEqual(verdict.findings({"steps": [bad], "fixes": lost}), [])
        self.assertEqual(len(verdict.findings({"steps": [bad], "fixes": {"mine": {}}})), 1)
        for step in (bad, self.STORM):
            self.assertIn("no place for dwb_submit in mine", self.unshown(step, **lost)[0])

    def test_every_hook_that_is_lost_leaves_something_unknown(self) -> None:
        rules = (TOP / "bench/linux/probe.cocci").read_text()
        hooks = set(re.findall(r"^\+.*?(dwb_\w+)\(", rules, re.M))
        self.assertIn("dwb_submit_bio", hooks)
        # But for those of a storm of their own, which says who has them.
        self.assertLess(set(modules.LATE), hooks)
        for hook in hooks - set(modules.LATE):
            lines = self.unshown(mine={"lost_hooks": [hook]})
            self.assertEqual(len(lines), 1, hook)
            self.assertIn("unknown (?)", lines[0])

    def test_without_its_control_nothing_is_shown(self) -> None:
        mine = self.TRIAL | {"fix": "mine", "xfs_repair_status": 0}
        error = self.ERROR | {"fix": "mine", "repair_errno": 5}
        for step in (self.STORM, mine, error):
            (line,) = self.unshown(step)
            self.assertIn("no control", line)
            dead = step | {"fix": "none", "failed": "guest-died-twice"}
            (line,) = self.unshown(step, dead)
            self.assertIn("no control", line)

    def test_no_patch_passes_for_a_control(self) -> None:
        for name in verdict.CONTROLS:
            with tempfile.NamedTemporaryFile(suffix=".patch") as f, mock.patch.object(lane, "say"):
                with self.assertRaises(Failure) as refused:
                    lane.need_fixes([f"{name}={f.name}"], True, True)
            self.assertEqual(refused.exception.status, 2)

    def test_what_the_kernel_says_is_a_finding_with_its_stack(self) -> None:
        said = [{"what": "WARNING: at fs/xfs/a.c:1 f", "stack": ["f", "xfs_g"], "times": 2}]
        mine = self.TRIAL | {"fix": "mine", "xfs_repair_status": 0}
        for step in (self.STORM, mine, mine | {"settings": {"mode": "error"}, "repair_errno": 5}):
            self.assertEqual(self.found(step), 0)
            data = {"steps": [step | {"id": "a", "complaints": said, "warnings": 2}]}
            (line,) = verdict.findings(data)
            self.assertIn("WARNING: at fs/xfs/a.c:1 f; under f < xfs_g", line)
            self.assertEqual(self.found(step | {"warnings": 2}), 1)
            self.assertEqual(self.found(step | {"complaints": said, "fix": "none_pre_done"}), 0)
            # Of the emulator no fix is accused.
            died = step | {"died": 1, "complaints": [{"what": "BUG: x", "stack": ["tick"]}]}
            self.assertEqual(self.found(died), 0)
            died["complaints"] = [{"what": "BUG: x", "stack": ["tick"], "rip": "xfs_f"}]
            self.assertEqual(self.found(died), 2)

    def test_a_shutdown_that_nobody_asked_for_is_a_finding(self) -> None:
        error = self.ERROR | {"fix": "mine", "repair_errno": 5}
        crash = self.TRIAL | {"fix": "mine", "xfs_repair_status": 0}
        for step, shutdowns, asked, expected in (
            (error, 0, 0, 0),
            (error, 1, 0, 1),
            (error | {"hit": 0}, 1, 0, 1),
            (crash, 1, 1, 0),
            (crash, 2, 1, 1),
            (crash | {"hit": 0}, 1, 0, 1),
            (self.STORM, 1, 0, 1),
        ):
            done = step | {"shutdowns": shutdowns, "shutdowns_asked": asked}
            self.assertEqual(self.found(done), expected, done)
        self.assertEqual(self.found(crash | {"shutdowns": 1}), 0)  # an old run

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

    def carry_out(
        self, *boots: dict, logs: pathlib.Path = pathlib.Path("logs")
    ) -> tuple[dict, guest.Session]:
        """What comes of guests that report this, one after another."""
        session = guest.Session(accelerator="tcg", logs=logs)
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

    def test_an_oops_ends_its_fix_at_the_second_boot(self) -> None:
        plan = [
            guest.Step(f"s-{n}-{fix}", "storm", 60, {"module": f"{fix}.probe"})
            for n in range(2)
            for fix in ("mine", "none")
        ]
        with tempfile.TemporaryDirectory() as t:
            logs = pathlib.Path(t)
            for n in (1, 2):
                (logs / f"boot-{n}.log").write_text(kernel_log_test.Log.OOPS)
            rest = {"boot": {}, "s-0-none": {"x": "1"}, "s-1-none": {"x": "1"}}
            with mock.patch.object(Guests, "PLAN", plan):
                got, session = self.carry_out({"boot": {}}, {"boot": {}}, rest, logs=logs)
        self.assertEqual(session.ended, {"mine": "s-0-mine"})
        self.assertEqual(session.boots, 3)
        self.assertNotIn("s-1-mine", got)
        self.assertEqual(got["s-0-mine"]["failed"], "guest-died-twice")
        (line,) = verdict.findings(
            {"steps": [{"id": "s-0-mine", "fix": "mine", "scenario": "s"} | got["s-0-mine"]]}
        )
        for word in ("BUG: kernel NULL", "RIP xfs_mountfs", "under xfs_fs_fill_super"):
            self.assertIn(word, line)

    def test_what_others_said_before_is_not_its_own(self) -> None:
        whole = {"boot": {}, "s-1": {"x": "1"}, "s-2": {"x": "1"}}
        with tempfile.TemporaryDirectory() as t:
            logs = pathlib.Path(t)
            (logs / "boot-1.log").write_text(f"dwb: step s-0\n{kernel_log_test.Log.OOPS}dwb: step s-1\n")
            got, _ = self.carry_out({"boot": {}, "s-0": {"x": "1"}}, whole, logs=logs)
        self.assertEqual(got["s-1"], {"x": "1"})

    def test_a_death_at_unloading_is_of_the_module_before(self) -> None:
        first = {"boot": {}, "s-0": {"x": "1", "unloading": "1"}}
        rest = {"boot": {}, "s-1": {"x": "1", "unloading": "0"}, "s-2": {"x": "1"}}
        with tempfile.TemporaryDirectory() as t:
            logs = pathlib.Path(t)
            (logs / "boot-1.log").write_text(f"dwb: step s-0\ndwb: step s-1\n{kernel_log_test.Log.OOPS}")
            got, session = self.carry_out(first, rest, logs=logs)
        self.assertEqual((got["s-0"]["died"], session.deaths), (1, 1))
        self.assertEqual((got["s-1"], got["s-2"]), ({"x": "1"}, {"x": "1"}))

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
