# SPDX-License-Identifier: GPL-2.0-only
"""Verdicts on data whose truth is known: false ones, missed ones."""
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import synthetic
from synthetic import Truth

from bench.report import control, stats, summary
from bench.report.compare import (Options, Result, Series, Side, compare,
                                  evaluate, judge)
from bench.report.load import Run, load_run

LAYOUT_SD = 0.008
BLOCK_SD = 0.004


def series(rng, blocks, layouts, shift=0.0, layout_sd=LAYOUT_SD):
    """What blocks of a build say, each layout with an error of its own."""
    of = rng.normal(0, layout_sd, layouts)
    drawn = [i % layouts for i in range(blocks)]
    values = of[drawn] + rng.normal(shift, BLOCK_SD, blocks)
    return Series(values, [str(i) for i in drawn], [])


def false_rate(make, trials=1000):
    return np.mean([stats.sign_test(make()) <= 0.05 for _ in range(trials)])


class Units(unittest.TestCase):
    """Why a layout that several blocks share counts once."""

    def setUp(self):
        self.rng = np.random.default_rng(1)

    def test_a_layout_each(self):
        rate = false_rate(lambda: series(self.rng, 24, 24).units())
        self.assertLess(rate, 0.05 + 0.01)

    def test_shared_layouts(self):
        rate = false_rate(lambda: series(self.rng, 100, 24).units())
        self.assertLess(rate, 0.05 + 0.01)

    def test_shared_layouts_taken_for_independent_deceive(self):
        rate = false_rate(lambda: series(self.rng, 100, 24).values)
        self.assertGreater(rate, 0.15)

    def test_order_of_blocks_does_not_matter(self):
        found = series(self.rng, 30, 10)
        back = Series(found.values[::-1], found.layouts[::-1], [])
        self.assertEqual(sorted(found.units()), sorted(back.units()))


def judged(rows, alpha=0.05, delta=0.02):
    """The verdicts on units given as arrays."""
    options = Options(alpha, delta)
    results = {}
    for i, values in enumerate(rows):
        kept = Series(values, [str(j) for j in range(len(values))], [])
        result = Result(("lookup", 1, ""), f"fix{i}", "cost", "fix", kept,
                        kept.units())
        evaluate(result, options)
        results[i] = result
    side = Side(Run(Path("."), "", "", {}, [], {}, []), "R1", results)
    judge([side], options)
    return [r.verdict for r in results.values()]


class Verdicts(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(2)

    def sample(self, shift, sd=0.004, n=24):
        return self.rng.normal(np.log1p(shift), sd, n)

    def test_each_word(self):
        self.assertEqual(
            judged([self.sample(0.05), self.sample(-0.05), self.sample(0),
                    self.sample(0, sd=0.1)]),
            ["slower", "faster", "equivalent", "inconclusive"])

    def test_equivalent_needs_the_whole_interval(self):
        self.assertEqual(judged([self.sample(0.0, sd=0.08)]),
                         ["inconclusive"])
        self.assertEqual(judged([self.sample(0.0, sd=0.08)], delta=0.3),
                         ["equivalent"])

    def test_all_equal(self):
        self.assertEqual(judged([np.zeros(12)]), ["equivalent"])
        self.assertEqual(judged([np.full(12, 0.1)]), ["slower"])

    def test_any_false_difference_in_a_family_is_rare(self):
        trials = 300
        wrong = sum(any(v in ("faster", "slower") for v in judged(
            [self.sample(0) for _ in range(20)])) for _ in range(trials))
        # At most 5 %, and 3 standard errors.
        self.assertLess(wrong / trials, 0.05 + 0.038)

    def test_any_false_equivalence_in_a_family_is_rare(self):
        trials = 300
        wrong = sum("equivalent" in judged(
            [self.sample(0.02) for _ in range(10)]) for _ in range(trials))
        self.assertLess(wrong / trials, 0.05 + 0.038)

    def test_half_a_percent_is_found(self):
        found = sum(judged([self.sample(0.005, n=60)]) == ["slower"]
                    for _ in range(100))
        self.assertGreater(found, 95)


class Runs(unittest.TestCase):
    def compared(self, truth, seed=0, change=None):
        with TemporaryDirectory() as top:
            folder = synthetic.write(Path(top) / "run", truth, seed)
            if change:
                for path in folder.glob("block-*"):
                    synthetic.edit(path, change)
            return compare([load_run(folder)], Options())

    def verdicts(self, comparison):
        return {r.fix: r.verdict
                for r in comparison.sides[0].results.values()
                if r.confirmatory}

    def test_truth_is_found_in_spite_of_drift(self):
        self.assertEqual(
            self.verdicts(self.compared(Truth(blocks=24, floor=True))),
            {"delwri_queue_here": "equivalent", "remove_on_stale": "slower"})

    def test_swapped_labels_flip_verdicts(self):
        one = self.compared(Truth(blocks=16, fixes={"a": 1.06}))
        other = self.compared(Truth(blocks=16, fixes={"a": 1 / 1.06}))
        self.assertEqual(self.verdicts(one), {"a": "slower"})
        self.assertEqual(self.verdicts(other), {"a": "faster"})

    def test_swapped_labels_flip_signs_and_nothing_else(self):
        def swap(block):
            names = {"none": "a", "a": "none"}
            for row in block["rows"]:
                row["fix"] = names.get(row["fix"], row["fix"])

        for seed in range(5):
            truth = Truth(blocks=24, fixes={"a": 1.003}, block_sd=0.004)
            one, other = (self.compared(truth, seed, change).sides[0].of(
                ("lookup/own", 2, "")) for change in (None, swap))
            one, other = (next(r for r in rows if r.fix == "a")
                          for rows in (one, other))
            self.assertAlmostEqual(one.estimate, -other.estimate, delta=1e-9)
            for mine, its in zip(one.interval, reversed(other.interval)):
                self.assertAlmostEqual(mine, -its, delta=1e-9)
            for key in ("p", "p_adjusted", "detectable", "p_equivalent"):
                self.assertAlmostEqual(getattr(one, key), getattr(other, key),
                                       delta=1e-9)
            flipped = {"slower": "faster", "faster": "slower"}
            self.assertEqual(flipped.get(one.verdict, one.verdict),
                             other.verdict)

    def test_memory_is_exploratory(self):
        def change(block):
            for row in block["rows"]:
                row["counters"] = {"max_process_kb": 2000.0 if row["fix"]
                                   == "remove_on_stale" else 1000.0}

        found = self.compared(Truth(), change=change)
        self.assertEqual(found.family, 2)
        row = next(r for r in found.sides[0].of(("lookup/own", 2, ""),
                                                "peak memory")
                   if r.fix == "remove_on_stale")
        self.assertAlmostEqual(np.exp(row.estimate), 2)
        self.assertEqual(row.verdict, "exploratory")

    def test_baseline_that_broke_is_named(self):
        found = self.compared(Truth(), change=self.break_invariant("none"))
        self.assertIn("12 of 120 blocks not durable", summary.baseline_note(
            found.sides[0], ("lookup/own", 2, "")))

    def test_control_counts_the_twin(self):
        workloads = tuple(f"lookup/{i}" for i in range(10))
        truth = Truth(blocks=24, workloads=workloads, rounds=2,
                      layout_sd=0.002)
        found = self.compared(truth)
        aa = control.control_of(found.sides[0], Options())
        self.assertEqual((aa.whole.comparisons, aa.groups.comparisons),
                         (10, 40))
        self.assertFalse(aa.failed)

    def test_control_sees_a_twin_that_differs(self):
        def slow_twin(block):
            for row in block["rows"]:
                if row["fix"] == "none_twin":
                    row["batches_ns"] = [1.1 * b for b in row["batches_ns"]]

        truth = Truth(workloads=tuple(f"lookup/{i}" for i in range(5)))
        found = self.compared(truth, change=slow_twin)
        aa = control.control_of(found.sides[0], Options())
        self.assertEqual(aa.whole.different, 5)
        self.assertTrue(aa.failed)

    def break_invariant(self, fix):
        def change(block):
            for row in block["rows"]:
                if row["fix"] == fix:
                    row.update(checked=10, violated=1)
        return change

    def test_broken_invariant_voids_the_run(self):
        found = self.compared(Truth(), change=self.break_invariant(
            "remove_on_stale"))
        self.assertTrue(found.void)
        self.assertEqual(self.verdicts(found),
                         {"delwri_queue_here": "no verdict",
                          "remove_on_stale": "VIOLATED"})

    def test_negative_control_may_break_it(self):
        found = self.compared(Truth(), change=self.break_invariant("none"))
        self.assertFalse(found.void)
        self.assertNotIn("no verdict", self.verdicts(found).values())

    def test_leftovers_break_it_too(self):
        def change(block):
            block["rows"][1]["left_at_unmount"]["pins"] = 2

        found = self.compared(Truth(), change=change)
        self.assertIn("24 pins left at unmount", found.sides[0].broken[0])


if __name__ == "__main__":
    unittest.main()
