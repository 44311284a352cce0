#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/kernel's table: what is unknown, what fired, nothing twice."""
import json
import pathlib
import sys
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bench" / "linux"))
sys.path.insert(1, str(TOP))
sys.dont_write_bytecode = True

import complaints  # noqa: E402
import table  # noqa: E402
import verdict  # noqa: E402

SETTINGS = {"type": "inobt", "in_a_row": 4, "eager": 1, "delay": 20000, "seconds": 30}
SHUT = {"shutdowns": 1}


def storm(scenario: str, fix: str, place: int = 0, **more) -> dict:
    return {
        "id": f"{scenario}-{place}-{fix}",
        "scenario": scenario,
        "fix": fix,
        "place": place,
        "settings": SETTINGS,
        "seconds": 30.0,
        "loads": 60,
        "blocks": 240,
        "met_claim": 7,
        "met_lookup": 11,
        "misqueued": 5,
        "not_durable": 3,
        "wait_count": 2,
        "wait_total_ns": 2000000,
        "wait_max_ns": 1500000,
        "wait_with_agf": 2,
        "window_count": 13,
        "window_total_ns": 13000000,
        "window_max_ns": 4000000,
        "staled_linked": 17,
        "ail_queued_max": 19,
    } | more


def trial(mode: str, fix: str, place: int = 0, **more) -> dict:
    known = {"hit": 1, "held": 1, "failed_async": 1, "repair_errno": 5, "misqueued": 5}
    known |= {"mount_status": 0, "xfs_repair_status": 0}
    known |= {"settings": {"mode": mode, "type": "inobt"}}
    return storm(mode, fix, place, **known) | more


def complaint(what: str, *stack: str, times: int = 1) -> dict:
    return {"what": what, "stack": list(stack), "times": times}


ASSERTED = complaint(
    "Assertion failed: !(bp->b_flags & _XBF_DELWRI_Q), file: fs/xfs/xfs_buf.c, line: 1555",
    "__xfs_buf_submit",
    "xfs_buf_read_map",
    "xfs_trans_read_buf_map",
    "xchk_btree",
    times=4,
)


def render(*steps: dict, **lost: list[str]) -> list[str]:
    """Each line of the table, its words one blank apart."""
    names = dict.fromkeys(s["fix"] for s in steps)
    text = table.render(
        {
            "kernel": "6.12",
            "qemu": "QEMU",
            "accelerator": "kvm",
            "accelerator_reason": "a guest boots with it",
            "guests": {"boots": 1, "boots_failed": 0, "deaths": 0},
            "fixes": {name: {"lost_hooks": lost.get(name, [])} for name in names},
            "steps": list(steps),
        }
    )
    assert max(map(len, text.splitlines())) <= table.WIDTH, text
    return [" ".join(line.split()) for line in text.splitlines()]


def joined(lines: list[str]) -> str:
    return " ".join(lines)


class LostWakeup(unittest.TestCase):
    """Wake-ups that look for sleepers before their store is visible."""

    def test_who_loses_them_and_who_cannot(self) -> None:
        steps = [
            storm("lost_wakeup", fix, misqueued=0, not_durable=0, late_tries=tries, late_lost=lost)
            for fix, tries, lost in (("mine", 9, 7), ("seldom", 0, 0), ("with_barrier", 0, 0))
        ]
        fixes = {f: {"wakes_unordered": f != "with_barrier"} for f in ("mine", "seldom", "with_barrier")}
        data = {"fixes": fixes, "steps": steps}
        shown = [" ".join(line.split()) for line in table._late(data)]
        self.assertIn("mine 9 7", shown)
        self.assertIn("seldom 0 0", shown)
        self.assertIn("no such place: with_barrier", shown)
        self.assertEqual(
            verdict.findings(data),
            ["mine: lost_wakeup-0-mine: 7 wake-ups lost that looked before their store"],
        )
        unshown = [line for line in verdict.by_chance(data) if "never met" in line]
        self.assertEqual(unshown, ["lost_wakeup: seldom: waiter and owner never met: nothing shown"])


class Unknown(unittest.TestCase):
    """A figure whose hook is lost is neither 0 nor a count."""

    def test_which_figure_rests_on_which_hook(self) -> None:
        marks = {"met_claim", "hits", "window_count", "load_met", "repair_met"}
        for hook, expected in (
            ("dwb_submit", {"misqueued", "not_durable"}),
            ("dwb_ioend", {"not_durable"}),
            ("dwb_stale", marks | {"met_lookup", "staled_linked"}),
            ("dwb_ail_after_submit", marks | {"met_lookup"}),
            ("dwb_found", {"met_lookup", "lookups", "wait_count", "wait_with"}),
            ("dwb_watch_load", {"wait_count", "wait_with", "load_met", "repair_met"}),
            ("dwb_freed", {"frees", "frees_repair"}),
            ("dwb_repairing", {"repair_met", "frees_repair"}),
            ("dwb_wait_begin", set()),
        ):
            data = {"fixes": {"mine": {"lost_hooks": [hook]}, "none": {}}}
            found = {f for f in verdict.HOOKED if verdict.unknown(data, "mine", f)}
            self.assertEqual(found, expected, hook)
            self.assertFalse(any(verdict.unknown(data, "none", f) for f in verdict.HOOKED))

    def test_a_storm(self) -> None:
        row = "mine 240 7 5 3 2 1.0 1.5 2.0"
        self.assertIn(row, render(storm("widened", "mine")))
        for hooks, expected in (
            (["dwb_submit"], "mine 240 7 ? ? 2 1.0 1.5 2.0"),
            (["dwb_stale"], "mine 240 ? 5 3 2 1.0 1.5 2.0"),
            (["dwb_locking"], "mine 240 7 5 3 ? ? ? 2.0"),
            (["dwb_wait_begin", "dwb_wait_end"], row),
        ):
            self.assertIn(expected, render(storm("widened", "mine"), mine=hooks))

    def test_what_all_fixes_share_leaves_it_out(self) -> None:
        both = (storm("widened", "none"), storm("widened", "mine"))
        self.assertIn("widened 26 1.0 4.0 34 19", render(*both))
        self.assertIn("widened 13 1.0 4.0 17 19", render(*both, mine=["dwb_stale"]))
        shown = render(*both, mine=["dwb_stale"], none=["dwb_stale"])
        self.assertIn("widened ? ? ? ? 19", shown)
        self.assertIn("widened: none ?, mine ?", shown)

    def test_waits_and_what_was_locked(self) -> None:
        self.assertIn("mine 2 1.5 2 0 0 0", render(storm("widened", "mine")))
        shown = render(storm("widened", "mine"), mine=["dwb_watch_lookup"])
        self.assertIn("mine ? ? ? ? ? ?", shown)

    def test_a_trial(self) -> None:
        self.assertIn("mine 1 1 5 0 0 0", render(trial("error", "mine")))
        shown = render(trial("error", "mine"), mine=["dwb_submit"])
        self.assertIn("mine 1 1 ? 0 0 0", shown)
        shown = render(trial("error", "mine"), mine=["dwb_unlock"])
        self.assertIn("mine ? 1 ? ? ? ?", shown)
        # One with no knob waits for a misqueued block.
        natural = {"dwb_unlock": "mine 1 1 5 0 0 -", "dwb_submit": "mine ? 1 ? ? ? ?"}
        for hook, expected in natural.items():
            self.assertIn(expected, render(trial("natural", "mine"), mine=[hook]))

    def test_which_block_of_a_tree_was_met(self) -> None:
        about = {"mode": "crash", "type": "inobt", "target": "leaf", "block": 1024}
        met = {"settings": about, "hit_tree": "ino", "hit_blocks": 4, "scrub_corrupt": 1}
        shown = render(*(trial("crash", "none", n, hit_nth=1 + n % 2, **met) for n in range(3)))
        self.assertIn("none 3 3 15 3 0 -", shown)
        self.assertIn("met in them: inobt, block 1 of 4: 2 times; inobt, block 2 of 4: 1 times",
                      shown)  # fmt: skip

    def test_one_line_says_what_is_lost(self) -> None:
        steps = [storm("widened", fix) for fix in ("none", "a", "b")]
        shown = joined(render(*steps, a=["dwb_found"], b=["dwb_found"]))
        self.assertEqual(shown.count("no place for"), 1)
        self.assertIn("no place for dwb_found in a, b: unknown (?): lookups", shown)
        old = ["dwb_wait_begin", "dwb_wait_end"]
        shown = joined(render(*steps, none=old, a=[*old, "dwb_found"]))
        self.assertIn("dwb_wait_begin, dwb_wait_end in none, a: no wait there, so 0", shown)
        self.assertIn("no place for dwb_found in a: unknown", shown)


class Met(unittest.TestCase):
    """What a load lasts that meets blocks, and what one of them costs."""

    # 3 loads met two blocks each, 1 met five: 11 blocks.
    STEP = storm(
        "neighbours",
        "mine",
        met_load=11,
        load_met=[10, 0, 3, 0, 1],
        load_cycles=[0, 0, 6, 0, 2],
        load_waits=[0, 0, 6, 0, 2],
        load_ns=[10_000_000, 0, 300_000_000, 0, 124_000_000],
        repair_met=[5, 0, 1, 0, 1],
        repair_met_ns=[50_000_000, 0, 200_000_000, 0, 240_000_000],
    )

    def test_by_how_many(self) -> None:
        shown = render(self.STEP)
        self.assertIn("mine - 3:2.0,100 - 1:2.0,124", shown)
        # 424 ms, and 4 without any: 420 / 11; repairs of 10 ms, and of 220.
        self.assertIn("mine 11 38.2 10.0 220.0", shown)
        twice = render(self.STEP, self.STEP | {"id": "neighbours-1-mine"})
        self.assertIn("mine - 6:2.0,100 - 2:2.0,124", twice)
        self.assertIn("mine 22 38.2 10.0 220.0", twice)

    def test_nothing_met_is_no_row(self) -> None:
        none = self.STEP | {"fix": "none", "load_met": [10, 0, 0, 0, 0], "met_load": 0}
        self.assertNotIn("loads that met", joined(render(none)))
        shown = joined(render(none, self.STEP))
        self.assertNotIn("none 0", shown[shown.index("loads that met") : shown.index("race")])
        self.assertNotIn("loads that met", joined(render(storm("widened", "old run"))))

    def test_unknown(self) -> None:
        self.assertIn("mine 11 38.2 ? ?", render(self.STEP, mine=["dwb_repairing"]))
        self.assertNotIn("loads that met", joined(render(self.STEP, mine=["dwb_stale"])))


class Complaints(unittest.TestCase):
    WARNED = complaint("WARNING: ... at fs/xfs/xfs_buf.c:9 f", "xfs_buf_stale", "xfs_trans_binval")

    def test_once_with_its_stack_and_where(self) -> None:
        deeper = self.WARNED | {"stack": ["xfs_buf_stale", "somebody_else"], "times": 2}
        other = self.WARNED | {"stack": ["xfs_buf_rele"]}
        shown = joined(
            render(
                storm("widened", "none"),
                *(storm("widened", "mine", n, complaints=[self.WARNED]) for n in range(6)),
                trial("crash", "a", complaints=[deeper, other]),
            )
        )
        what = "WARNING: ... at fs/xfs/xfs_buf.c:9 f: "
        self.assertIn(
            what + "mine, 6 in widened-0, widened-1, widened-2, widened-3 and 2 more steps;"
            " a, 2 in crash-0 under xfs_buf_stale < xfs_trans_binval",
            shown,
        )
        self.assertIn(what + "a, 1 in crash-0 under xfs_buf_rele", shown)
        self.assertEqual(shown.count(what + "mine"), 1)

    def test_without_a_stack(self) -> None:
        bug = complaint("BUG: scheduling while atomic")
        self.assertIn("no stack", render(storm("widened", "mine", complaints=[bug])))

    def test_shutdowns_of_storms_and_trials_alike(self) -> None:
        shown = joined(
            render(
                storm("widened", "a", **SHUT),
                storm("widened", "a", 1),
                storm("churn", "a", down=1),
                trial("error", "a", **SHUT),
                trial("error", "b", **SHUT),
                # A crash that was asked for is none, another is.
                trial("crash", "a", **SHUT),
                trial("crash", "b", hit=0, **SHUT),
                trial("crash", "b", 1, shutdowns=2),
            )
        )
        self.assertIn(
            "shut down, unasked: a: widened 1 of 2, churn 1 of 1, error 1 of 1;"
            " b: error 1 of 1, crash 2 of 2",
            shown,
        )


class Assertions(unittest.TestCase):
    """The review's first question."""

    NONE = storm("assert", "none", assertions=0)
    FIRES = storm("assert", "none_pre_done", assertions=4, complaints=[ASSERTED])

    def test_which_and_who_reads(self) -> None:
        lines = render(self.NONE, self.FIRES, self.FIRES | {"id": "assert-1-none_pre_done"})
        self.assertIn("none 30.0 60 0", lines)
        self.assertIn("none_pre_done 60.0 120 8", lines)
        shown = joined(lines)
        self.assertIn(
            "!(bp->b_flags & _XBF_DELWRI_Q) (fs/xfs/xfs_buf.c:1555): none_pre_done,"
            " 8 in assert-0, assert-1 under __xfs_buf_submit < xfs_buf_read_map <"
            " xfs_trans_read_buf_map < xchk_btree",
            shown,
        )
        self.assertNotIn("no control", shown)
        # Not among the storms, nor with other complaints.
        self.assertNotIn("the kernel complained", shown)
        self.assertNotIn("assert: the AIL", shown)

    def test_another_reader_is_another_stack(self) -> None:
        other = ASSERTED | {"stack": ["__xfs_buf_submit", "xfs_da_read_buf"], "times": 1}
        seen = complaints.assertions([self.FIRES | {"complaints": [ASSERTED, other]}])
        self.assertEqual([one.times["none_pre_done"] for one in seen], [4, 1])
        self.assertEqual(len({one.what for one in seen}), 1)

    def test_a_control_that_does_not_fire_is_none(self) -> None:
        silent = self.FIRES | {"assertions": 0, "complaints": []}
        shown = joined(render(self.NONE, silent))
        self.assertIn("none_pre_done, which must fire, did not: no control", shown)
        self.assertIn("did not run: no control", joined(render(self.NONE)))

    def test_a_step_that_does_not_tell(self) -> None:
        step = {k: v for k, v in self.NONE.items() if k != "assertions"}
        self.assertIn("none 30.0 60 ?", render(step, self.FIRES))



class Once(unittest.TestCase):
    NAMES = ("none", "none_pre_done", "mine")

    def test_lines_that_differ_in_the_step(self) -> None:
        lines = [f"mine: crash-{n}-mine: {n} blocks misqueued" for n in range(1, 7)]
        self.assertEqual(
            table.merged([*lines, "mine: error-0-mine hung: its log"], self.NAMES),
            [
                "mine: crash-1, crash-2, crash-3, crash-4 and 2 more steps: 21 blocks misqueued",
                "mine: error-0: hung: its log",
            ],
        )

    def test_lines_that_differ_in_the_fix(self) -> None:
        self.assertEqual(
            table.merged([f"crash: {f}: none of 2 trials valid" for f in self.NAMES], self.NAMES),
            ["crash: none, none_pre_done, mine: none of 2 trials valid"],
        )
        self.assertEqual(
            table.merged([f"hunt: {f} waited for no list" for f in self.NAMES], self.NAMES),
            ["hunt: none, none_pre_done, mine waited for no list"],
        )

    def test_lines_that_differ_otherwise_stay(self) -> None:
        lines = ["mine: a", "none: b", "something else"]
        self.assertEqual(table.merged(lines, self.NAMES), lines)
        self.assertEqual(table.merged([], self.NAMES), [])

    def test_the_committed_runs_still_print(self) -> None:
        for path in sorted((TOP / "results").glob("kernel-*/kernel.json")):
            text = table.render(json.loads(path.read_text()))
            self.assertLessEqual(max(map(len, text.splitlines())), table.WIDTH)
            # The first one has hooks of waits, which some fixes have not.
            old = path.parent.name == "kernel-20261126T043205Z"
            self.assertEqual(text.count("no place for"), int(old))
            self.assertNotIn("?", text.replace("(?)", ""))


if __name__ == "__main__":
    unittest.main()
