# SPDX-License-Identifier: GPL-2.0-only
"""The model beside the kernel."""
import tempfile
import unittest
from pathlib import Path

import synthetic
from synthetic import Truth, step
from synthetic import kernel_run as data

from bench.report import fidelity, kernel
from bench.report.agreement import agreement
from bench.report.load import load_run


class Damage(unittest.TestCase):
    TRIAL = step("error", "none", settings={"mode": "error"}, hit=1,
                 failed_async=1, repair_errno=0)
    GOOD = TRIAL | {"fix": "mine", "repair_errno": 5}
    MATRIX = {"none": {"lost-error": {"verdict": "violated"}},
              "mine": {"lost-error": {"verdict": "holds"}},
              "other": {"lost-error": {"verdict": "untested"}}}

    def test_share_of_valid_trials(self):
        # Clopper and Pearson's, as tabulated: 0 of 20: 0 to 0.1684.
        found = fidelity.damage(data(*[self.TRIAL] * 20, *[self.GOOD] * 20,
                                   self.GOOD | {"failed_async": 0}), "error")
        self.assertEqual(found["none"].value, 1)
        self.assertAlmostEqual(found["none"].low, 1 - 0.1684, places=4)
        self.assertAlmostEqual(found["mine"].high, 0.1684, places=4)

    def test_beside_the_oracle(self):
        model = fidelity.oracle(self.MATRIX, "lost-error")
        self.assertEqual(sorted(model), ["mine", "none"])
        both = fidelity.damage(data(*[self.TRIAL] * 20, *[self.GOOD] * 20),
                             "error")
        found = agreement(model, both)
        self.assertEqual((found.both, found.otherwise), (1, []))


class BothRuns(unittest.TestCase):
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
        self.assertIn("in all, 0 scenarios", shown)
        times["accelerator"] = "kvm"
        shown = rendered()
        self.assertIn("in all, 1 scenarios", shown)
        self.assertIn("(remove_on_stale, widened) repair_storm/1k, widened: "
                      "0 pairs", shown)
        self.assertIn("none 10.5 < remove_on_stale 20.5", shown)
        self.assertIn("not in the model's run: repair_storm/1, "
                      "repair_storm/100k, churn", shown)

    def test_what_is_unknown_is_not_compared(self):
        run = self.folder / "model"
        synthetic.write(run, Truth(blocks=2, workloads=("repair_storm/1k",)))
        both = data(*(step("widened", fix, misqueued=n)
                      for fix, n in (("none", 90), ("remove_on_stale", 0))))
        line = "repair_storm/1k, widened: "
        self.assertIn(line, kernel.render(both, load_run(run)))
        both["fixes"] = {"none": {"lost_hooks": ["dwb_submit"]}}
        shown = " ".join(kernel.render(both, load_run(run)).split())
        self.assertNotIn("none 0.9", shown)
        self.assertIn("no place for dwb_submit in none: unknown (?): misq",
                      shown)
        self.assertIn("not compared, hooks that found no place: none's "
                      "misqueued", shown)

    def test_paces_differ_is_said(self):
        run = self.folder / "model"
        synthetic.write(run, Truth(blocks=2, workloads=("repair_storm/1k",)))
        shown = kernel.render(data(step("widened", "none")), load_run(run))
        self.assertIn("has a pace of its own", " ".join(shown.split()))

    def test_another_cache_is_not_compared(self):
        run = self.folder / "model"
        synthetic.write(run, Truth(blocks=2, workloads=("repair_storm/1k",)))
        for path in run.glob("block-*.json"):
            synthetic.edit(path, lambda d: d.update(cache="7.3"))
        both = data(*(step("widened", fix, misqueued=9)
                      for fix in ("none", "remove_on_stale")))
        shown = " ".join(kernel.render(both, load_run(run)).split())
        self.assertIn("not compared, the run's cache is Linux 7.3's, the "
                      "kernel 6.12.117+deb12", shown)
        self.assertNotIn("repair_storm/1k, widened", shown)
        both["kernel"] = "7.3.4"
        shown = " ".join(kernel.render(both, load_run(run)).split())
        self.assertIn("repair_storm/1k, widened", shown)

    def test_counts_are_per_counted_operation(self):
        """Of one round by another copy than the timed one."""
        run = self.folder / "model"
        synthetic.write(run, Truth(blocks=2, workloads=("repair_storm/1k",)))
        both = data(*(step("widened", fix, wait_count=6, loads=1000)
                      for fix in ("none", "remove_on_stale")))
        for path in run.glob("block-*.json"):
            synthetic.edit(path, lambda d: [r.update(
                counted={"copy": "instrumented", "operations": 50},
                misqueued=None) for r in d["rows"]])
        shown = " ".join(kernel.render(both, load_run(run)).split())
        # 6 waits in 100, not in 200,000; what nobody counted is no 0.
        self.assertIn("model/kernel: none, remove_on_stale 10 [", shown)
        self.assertRegex(shown, "no fix has in both misqueued blocks")

    def test_third_count(self):
        """The model waits with two fixes, the kernel with neither."""
        run = self.folder / "model"
        synthetic.write(run, Truth(blocks=2, workloads=("repair_storm/1k",)))
        for path in run.glob("block-*.json"):
            synthetic.edit(path, lambda d: [
                r["waits"]["list"].update(count=30 * (r["fix"] != "none"))
                for r in d["rows"]])
        never = data(*(step("widened", fix, wait_count=0, loads=10**7)
                       for fix in ("none", "remove_on_stale")))
        shown = " ".join(kernel.render(never, load_run(run)).split())
        self.assertIn("0 pairs + 1", shown)
        self.assertIn("unseen, 0 events: remove_on_stale (3000 expected) "
                      "over none (0)", shown)
        self.assertIn("1 in the model alone; 0 in the kernel alone of those "
                      "in the model alone 1 by more than x2: the kernel "
                      "would have shown 0", shown)


if __name__ == "__main__":
    unittest.main()
