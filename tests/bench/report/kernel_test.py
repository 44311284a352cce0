# SPDX-License-Identifier: GPL-2.0-only
"""Rates with exact intervals; the model beside the kernel."""
import json
import math
import tempfile
import unittest
from pathlib import Path

import jsonschema
import synthetic
from synthetic import Truth

from bench.report import Refused, kernel
from bench.report.kernel import Figure
from bench.report.load import load_run

RESULTS = Path(__file__).resolve().parents[3] / "results"


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

    def test_a_time_that_nobody_saw_end_has_no_bound(self):
        self.assertIn("more than 2.71 s", kernel.time_to_first(0, 10))
        self.assertEqual(kernel.seconds(math.inf), "no bound")

    def test_damage_is_counted_of_crashes_that_hit(self):
        trial = step("crash_natural", "none", settings={"mode": "natural"},
                     hit=1, xfs_repair_status=1, mount_status=0)
        missed = trial | {"hit": 0}
        lines = kernel.rates(data(trial, missed))
        self.assertEqual(len(lines), 1)
        self.assertIn("damaged 1 in 20 s", lines[0])

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

    def test_how_far_apart(self):
        text = kernel.apart({"a": Figure(0, 2, 3)}, {"a": Figure(0, 6, 9)})
        self.assertIn("factor of up to 3 (a)", text)


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
        text = kernel.render(times, load_run(run))
        self.assertIn("repair, ms: not compared", " ".join(text.split()))
        self.assertIn("more than the errors: 0\n", text)
        times["accelerator"] = "kvm"
        text = kernel.render(times, load_run(run))
        self.assertIn("than the errors: 1 (repair_storm/1k and widened)",
                      " ".join(text.split()))
        self.assertIn("none 10.5 < remove_on_stale 20.5", text)
        self.assertIn("churn and churn_alone: not compared", text)

    def test_another_schema_is_refused(self):
        (self.folder / "kernel.json").write_text(json.dumps({"schema": "x"}))
        self.assertTrue(kernel.is_kernel_only(self.folder))
        with self.assertRaises(Refused):
            kernel.load_kernel(self.folder)

    def test_no_model(self):
        self.assertIn("no run of the model", kernel.render(data(), None))


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
