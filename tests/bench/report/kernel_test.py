# SPDX-License-Identifier: GPL-2.0-only
"""Rates with exact intervals; the model beside the kernel."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from html import unescape
from pathlib import Path

import jsonschema
import synthetic
from synthetic import Truth

from bench.report import Refused, kernel, rates, text
from bench.report.compare import Options, compare
from bench.report.kernel import Figure
from bench.report.load import load_run

TOP = Path(__file__).resolve().parents[3]
RESULTS = TOP / "results"
KERNEL_RUN = RESULTS / "kernel-20261126T043205Z"
MODEL_RUN = RESULTS / "vm-20261126T051333Z"


def step(scenario: str, fix: str, **more) -> dict:
    return {"id": f"{scenario}-{fix}", "scenario": scenario, "fix": fix,
            "place": 0, "settings": {}, "seconds": 10.0, "loads": 100,
            "repairs": 100} | more


def data(*steps: dict) -> dict:
    return {"schema": kernel.SCHEMA, "kernel": "6.12", "accelerator": "tcg",
            "accelerator_reason": "no kvm", "steps": list(steps)}


class Rates(unittest.TestCase):
    def test_exact_interval(self):
        # Garwood's, as tabulated: 0 events: 3.689; 10: 4.795 to 18.39.
        self.assertAlmostEqual(kernel.rate(0, 1).high, 3.689, places=3)
        self.assertEqual(kernel.rate(0, 1).low, 0)
        ten = kernel.rate(10, 2)
        self.assertAlmostEqual(ten.low, 4.795 / 2, places=3)
        self.assertAlmostEqual(ten.high, 18.39 / 2, places=3)

    def test_what_nobody_saw_has_a_bound(self):
        self.assertEqual(rates.time_to_first(0, 10), "> 2.71")

    def rows(self, *steps: dict, **more) -> list[str]:
        found = (" ".join(line.split())
                 for line in kernel.rates(data(*steps) | more))
        return [line for line in found if line.startswith("widened")
                or line.split()[0] in ("mine", "every", "other")]

    def test_what_was_never_seen_is_one_line(self):
        def widened(fix: str, **more) -> dict:
            return step("widened", fix, misqueued=0) | more
        some = [widened("a", seconds=9.0), widened("b"), widened("c")]
        self.assertEqual(self.rows(*some), ["widened every fix 0 9.0 > 2.44"])
        some.append(widened("mine", misqueued=10))
        self.assertEqual(self.rows(*some), [
            "widened mine 10 10.0 1 [0.544, 2.09]",
            "every other fix 0 9.0 > 2.44"])
        # Where only some ran, they are named.
        self.assertEqual(self.rows(*some[:2], step("churn_alone", "mine")),
                         ["widened a, b 0 9.0 > 2.44"])

    def test_a_long_name_has_a_line_of_its_own(self):
        lines = kernel.rates(data(
            step("widened_two_levels", "a", misqueued=1),
            step("widened_two_levels", "b", misqueued=0),
            # No rate comes of it, and no line.
            step("crash_refcountbt", "a", settings={"mode": "crash"})))
        self.assertEqual([line.split() for line in lines[2:5]], [
            ["widened_two_levels"], ["a", "1", "10.0", "10", "[1.79,", "395]"],
            ["b", "0", "10.0", ">", "2.71"]])
        self.assertNotIn("crash_refcountbt", "".join(lines))

    def test_lost_hooks_make_it_unknown(self):
        mine = step("widened", "mine", misqueued=3)
        self.assertEqual(
            self.rows(mine, fixes={"mine": {"lost_hooks": ["dwb_submit"]}}),
            ["widened mine ? 10.0 unknown"])
        self.assertEqual(
            self.rows(mine, fixes={"mine": {"lost_hooks": ["dwb_found"]}}),
            ["widened mine 3 10.0 3.33 [1.14, 16.2]"])

    def test_damage_is_counted_of_crashes_that_hit(self):
        trial = step("crash_natural", "none", settings={"mode": "natural"},
                     hit=1, xfs_repair_status=1, mount_status=0)
        missed = trial | {"hit": 0}
        lines = kernel.rates(data(trial, missed) | {
            "fixes": {"none": {"lost_hooks": ["dwb_submit"]}}})
        self.assertEqual(lines[2].split(),
                         ["crash_natural", "none", "?", "20.0", "unknown"])
        lines = kernel.rates(data(trial, missed))
        self.assertEqual(len(lines), 3)
        self.assertIn("damage", lines[0])
        self.assertEqual(lines[2].split()[:4],
                         ["crash_natural", "none", "1", "20.0"])

    def test_steps_that_failed_count_nowhere(self):
        lost = step("natural", "none", misqueued=9, failed="guest-died")
        self.assertEqual(kernel.rates(data(lost)), [])


class Agreement(unittest.TestCase):
    LOW, HIGH = Figure(1, 2, 3), Figure(4, 5, 6)
    WIDE = Figure(2, 4, 5)

    def test_order(self):
        model = {"a": self.LOW, "b": self.HIGH, "c": self.WIDE}
        same = {"a": self.LOW, "b": self.HIGH}
        self.assertEqual(kernel.agreement(model, same), (1, []))
        other = {"a": self.HIGH, "b": self.LOW}
        self.assertEqual(kernel.agreement(model, other), (1, ["a and b"]))

    def test_what_overlaps_is_no_difference(self):
        model = {"a": self.LOW, "c": self.WIDE}
        self.assertEqual(kernel.agreement(model, model), (0, []))
        self.assertEqual(kernel.ranked(model), "a 2 ~ c 4")

    def test_equals_in_the_order_of_their_names(self):
        for names in ("ab", "ba"):
            model = {name: self.LOW for name in names}
            self.assertEqual(kernel.ranked(model), "a 2 ~ b 2")

    def test_many_equals_are_named_together(self):
        model = {name: self.LOW for name in "abc"}
        self.assertEqual(kernel.ranked(model), "all 2")
        self.assertEqual(kernel.ranked(model | {"mine": self.HIGH}),
                         "the others 2 < mine 5")
        self.assertEqual(kernel.ranked(model | {"mine": self.WIDE}),
                         "the others 2 ~ mine 4")

    def test_how_far_apart(self):
        text = kernel.apart({"a": Figure(0, 2, 3)}, {"a": Figure(0, 6, 9)})
        self.assertEqual(text, "x3 (a)")


class Damage(unittest.TestCase):
    TRIAL = step("error", "none", settings={"mode": "error"}, hit=1,
                 failed_async=1, repair_errno=0)
    GOOD = TRIAL | {"fix": "mine", "repair_errno": 5}
    MATRIX = {"none": {"lost-error": {"verdict": "violated"}},
              "mine": {"lost-error": {"verdict": "holds"}},
              "other": {"lost-error": {"verdict": "untested"}}}

    def test_share_of_valid_trials(self):
        # Clopper and Pearson's, as tabulated: 0 of 20: 0 to 0.1684.
        found = kernel.damage(data(*[self.TRIAL] * 20, *[self.GOOD] * 20,
                                   self.GOOD | {"failed_async": 0}), "error")
        self.assertEqual(found["none"].value, 1)
        self.assertAlmostEqual(found["none"].low, 1 - 0.1684, places=4)
        self.assertAlmostEqual(found["mine"].high, 0.1684, places=4)

    def test_beside_the_oracle(self):
        model = kernel.oracle(self.MATRIX, "lost-error")
        self.assertEqual(sorted(model), ["mine", "none"])
        both = kernel.damage(data(*[self.TRIAL] * 20, *[self.GOOD] * 20),
                             "error")
        self.assertEqual(kernel.agreement(model, both), (1, []))


class Folders(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_model_and_kernel(self):
        run = self.folder / "model"
        synthetic.write(run, Truth(blocks=2, workloads=("repair_storm/1k",)))
        times = data(*(step("widened", fix, seconds=s)
                       for fix, s in (("none", 1), ("none", 1.1),
                                      ("remove_on_stale", 2),
                                      ("remove_on_stale", 2.1))))
        def rendered() -> str:
            return " ".join(kernel.render(times, load_run(run)).split())
        shown = rendered()
        self.assertIn("not compared, the kernel's processors were emulated: "
                      "time per repair, ms", shown)
        self.assertIn("in all: 0 scenarios", shown)
        times["accelerator"] = "kvm"
        shown = rendered()
        self.assertIn("in all: 1 scenarios in which fixes differ", shown)
        self.assertIn("time per repair, ms repair_storm/1k and widened: "
                      "0 pairs", shown)
        self.assertIn("none 10.5 < remove_on_stale 20.5", shown)
        self.assertIn("not in the model's run: repair_storm/1, "
                      "repair_storm/100k, churn", shown)

    def test_what_is_unknown_is_not_compared(self):
        run = self.folder / "model"
        synthetic.write(run, Truth(blocks=2, workloads=("repair_storm/1k",)))
        both = data(*(step("widened", fix, misqueued=n)
                      for fix, n in (("none", 90), ("remove_on_stale", 0))))
        line = "repair_storm/1k and widened: "
        self.assertIn(line, kernel.render(both, load_run(run)))
        both["fixes"] = {"none": {"lost_hooks": ["dwb_submit"]}}
        shown = " ".join(kernel.render(both, load_run(run)).split())
        self.assertNotIn("none 0.9", shown)
        self.assertIn("no place for dwb_submit in none: unknown (?): misq",
                      shown)
        self.assertIn("not compared, hooks that found no place: none's "
                      "misqueued", shown)

    def test_another_schema_is_refused(self):
        (self.folder / "kernel.json").write_text(json.dumps({"schema": "x"}))
        self.assertTrue(kernel.is_kernel_only(self.folder))
        with self.assertRaises(Refused):
            kernel.load_kernel(self.folder)

    def test_no_model(self):
        self.assertIn("no run of the model", kernel.render(data(), None))


ASSERTED = {
    "what": "Assertion failed: !(bp->b_flags & _XBF_DELWRI_Q), "
            "file: fs/xfs/xfs_buf.c, line: 1555", "times": 3,
    "stack": ["__xfs_buf_submit", "xfs_buf_read_map", "xchk_btree"]}


class Assertions(unittest.TestCase):
    """The review's first question, wherever a run of the kernel is."""

    STEPS = (step("assert", "none", assertions=0),
             step("assert", "none_pre_done", assertions=3,
                  complaints=[ASSERTED]))

    def answer(self, *steps: dict, **run) -> tuple[str, str]:
        with tempfile.TemporaryDirectory() as top:
            folder = synthetic.write(Path(top) / "run", Truth(blocks=2), **run)
            comparison = compare([load_run(folder)], Options(exploratory=True))
            # matplotlib takes a second to load.
            from bench.report import page
            plain = text.report_text(comparison, data(*steps))
            html = page.render(comparison, data(*steps))
        html = unescape(re.sub("<[^>]*>", " ", html))
        return tuple(" ".join(re.findall(r"Which assertion.*?2\. Which",
                                         one, re.S)[0].split())
                     for one in (plain, html))

    def test_in_text_and_page(self):
        for shown in self.answer(*self.STEPS):
            self.assertIn(
                "In the real kernel, Linux 6.12: !(bp->b_flags & "
                "_XBF_DELWRI_Q) (fs/xfs/xfs_buf.c:1555): none_pre_done 3 in 10 "
                "s; under __xfs_buf_submit < xfs_buf_read_map < xchk_btree. "
                "There, 0 in 10 s: none. In the model: none_pre_done was not "
                "verified against reread.", shown)

    def test_a_model_that_was_not_verified_takes_no_answer_away(self):
        for shown in self.answer(*self.STEPS, verified=False):
            self.assertIn("There, 0 in 10 s: none. In the model: the run was "
                          "not verified", shown)

    def test_without_the_control_nothing_is_shown(self):
        for shown in self.answer(self.STEPS[0]):
            self.assertIn("none_pre_done, which must fire, did not run: no "
                          "control, so the zeros show nothing.", shown)

    def test_a_run_without_them(self):
        for shown in self.answer(step("widened", "none")):
            self.assertIn("Linux 6.12: not tried in the run that was named.",
                          shown)

    def test_in_kernel_txt(self):
        lines = kernel.render(data(*self.STEPS), None).splitlines()
        rows = [line.split() for line in lines]
        self.assertIn(["none", "10.0", "100", "0"], rows)
        self.assertIn(["none_pre_done", "10.0", "100", "3"], rows)
        self.assertIn("  under __xfs_buf_submit < xfs_buf_read_map < "
                      "xchk_btree", lines)


class Reference(unittest.TestCase):
    """The committed run."""

    def test_its_text_is_what_this_code_makes_of_it(self):
        made = kernel.render(kernel.load_kernel(KERNEL_RUN),
                             load_run(MODEL_RUN))
        self.assertEqual(made, (KERNEL_RUN / "kernel.txt").read_text())
        self.assertLessEqual(max(map(len, made.splitlines())), 72)

    def test_nothing_is_said_twice(self):
        """What scripts/kernel prints: no sentence again, with other fixes or
        numbers.  A table's rows and header are no sentences."""
        found = kernel.load_kernel(KERNEL_RUN)
        table = subprocess.run(
            [sys.executable, "-c", "import json, sys, table; "
             "print(table.render(json.load(sys.stdin)), end='')"],
            input=json.dumps(found), text=True, stdout=subprocess.PIPE,
            check=True, cwd=TOP / "bench" / "linux",
            env=dict(os.environ, PYTHONPATH=str(TOP))).stdout
        names = "|".join(sorted(found["fixes"], key=len, reverse=True))
        said: dict[str, str] = {}
        shown = table + kernel.beside(found, load_run(MODEL_RUN))
        for line in shown.splitlines():
            same = re.sub(r"\d[\d.,e+-]*", "0",
                          re.sub(rf"\b(?:{names})\b", "F", line))
            if len(re.findall("[a-z_]{2,}", same)) < 5 \
                    or line.startswith(" " * 20):
                continue
            self.assertNotIn(same, said, (line, said.get(same)))
            said[same] = line
        self.assertGreater(len(said), 20)


class Schema(unittest.TestCase):
    def test_reference_runs_fit(self):
        schema = json.loads((RESULTS / "schema" / "kernel.json").read_text())
        check = jsonschema.Draft202012Validator(schema)
        check.check_schema(schema)
        runs = list(RESULTS.glob("kernel-*/kernel.json"))
        self.assertTrue(runs)
        for path in runs:
            sound = json.loads(path.read_text())
            check.validate(sound)
            sound["steps"][0]["misqueued"] = -1
            self.assertFalse(check.is_valid(sound))


if __name__ == "__main__":
    unittest.main()
