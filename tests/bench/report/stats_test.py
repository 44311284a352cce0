# SPDX-License-Identifier: GPL-2.0-only
"""The statistics against independent code, and against known truth."""
import math
import unittest

import numpy as np

from bench.report import stats

SETS = 1000


def exact_sign_test(values):
    """By counting: nothing in common with the code under test."""
    n = len(values)
    more = max(sum(v > 0 for v in values), sum(v < 0 for v in values))
    tail = sum(math.comb(n, i) for i in range(more, n + 1))
    return min(1.0, 2 * tail / 2 ** n)


def exact_holm(p):
    """From its definition: what the step-down procedure would accept."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    return [min(1.0, max(p[order[j]] * (len(p) - j)
                         for j in range(order.index(i) + 1)))
            for i in range(len(p))]


class SignTest(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(1)

    def data_sets(self):
        for _ in range(SETS):
            n = int(self.rng.integers(1, 60))
            yield self.rng.normal(self.rng.normal(0, 0.5), 1, n)

    def test_agrees_with_counting(self):
        for values in self.data_sets():
            self.assertAlmostEqual(stats.sign_test(values),
                                   exact_sign_test(values), delta=1e-9)

    def test_interval_is_what_the_test_does_not_refuse(self):
        for values in self.data_sets():
            found = stats.interval(values, 0.05)
            kept = [v for v in values
                    if exact_sign_test(list(values - v + 1e-12)) > 0.05
                    or exact_sign_test(list(values - v - 1e-12)) > 0.05]
            if found is None:
                self.assertLess(len(values), 6)
            else:
                self.assertEqual(found, (min(kept), max(kept)))

    def test_swapped_labels_flip_signs_and_nothing_else(self):
        for values in self.data_sets():
            self.assertEqual(stats.sign_test(values),
                             stats.sign_test(-values))
            self.assertEqual(stats.detectable(values, 0.05),
                             stats.detectable(-values, 0.05))
            low, high = stats.interval(values, 0.05) or (0, 0)
            self.assertEqual(stats.interval(-values, 0.05) or (0, 0),
                             (-high, -low))

    def test_ties_speak_against_a_difference(self):
        self.assertEqual(stats.sign_test(np.zeros(20)), 1.0)
        self.assertEqual(stats.sign_test(np.array([1.0] * 5 + [0.0] * 5)),
                         1.0)
        self.assertLess(stats.sign_test(np.ones(20)), 1e-5)

    def test_coverage_of_a_skewed_distribution(self):
        trials, covered = 2000, 0
        for _ in range(trials):
            low, high = stats.interval(
                self.rng.lognormal(0, 1, 15) - 1, 0.05)
            covered += low <= 0 <= high
        # 96.5 % is exact for n = 15; 3 standard errors are 1.2 %.
        self.assertGreater(covered / trials, 0.95)
        self.assertLess(covered / trials, 0.98)


class Family(unittest.TestCase):
    def test_holm_agrees_with_its_definition(self):
        rng = np.random.default_rng(2)
        for _ in range(SETS):
            p = list(rng.random(int(rng.integers(1, 30))) ** 3)
            for mine, other in zip(stats.holm(p), exact_holm(p)):
                self.assertAlmostEqual(mine, other, delta=1e-9)

    def test_units_needed(self):
        self.assertEqual(stats.units_needed(0.05, 1), 6)
        for family in (1, 2, 7, 40, 200):
            n = stats.units_needed(0.05, family)
            self.assertLessEqual(family * 2 / 2 ** n, 0.05)
            self.assertGreater(family * 2 / 2 ** (n - 1), 0.05)


class Power(unittest.TestCase):
    def test_the_detectable_effect_is_detected(self):
        rng = np.random.default_rng(3)
        for n in (12, 24, 60):
            effect = stats.detectable_deviations(n, 0.05, stats.POWER)
            found = np.mean([stats.sign_test(rng.normal(effect, 1, n)) <= 0.05
                             for _ in range(500)])
            self.assertGreater(found, 0.80 - 0.06)
            self.assertLess(found, 0.80 + 0.06)

    def test_too_few_find_nothing(self):
        self.assertIsNone(stats.detectable(np.arange(5.0), 0.05))
        self.assertIsNone(stats.detectable(np.arange(8.0), 0.05 / 40))


class Spread(unittest.TestCase):
    def test_layout_and_block_are_told_apart(self):
        rng = np.random.default_rng(4)
        layouts = [i // 5 for i in range(400)]
        of = rng.normal(0, 0.008, 80)
        values = np.array([of[k] for k in layouts])
        values += rng.normal(0, 0.003, 400)
        spread = stats.spread(values, layouts)
        self.assertAlmostEqual(spread.between, 0.008, delta=0.002)
        self.assertAlmostEqual(spread.within, 0.003, delta=0.0005)

    def test_says_why_it_cannot(self):
        values = np.array([0.1, 0.2, 0.3])
        self.assertIsNone(stats.spread(values, [1, 1, 1]).between)
        self.assertTrue(stats.spread(values, [1, 2, 3]).reason)

    def test_rate_interval_covers(self):
        self.assertEqual(stats.rate_interval(0, 10)[0], 0.0)
        low, high = stats.rate_interval(50, 1000)
        # Clopper and Pearson's, from tables.
        self.assertAlmostEqual(low, 0.0373, delta=2e-4)
        self.assertAlmostEqual(high, 0.0654, delta=2e-4)


if __name__ == "__main__":
    unittest.main()
