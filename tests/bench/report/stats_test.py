# SPDX-License-Identifier: GPL-2.0-only
"""The statistics against independent code, and against known truth."""
import math
import statistics
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


def exact_refusal(n, alpha):
    """Most signs of the rarer kind that are still significant; -1: none."""
    cut = -1
    while 2 * sum(math.comb(n, i) for i in range(cut + 2)) / 2 ** n <= alpha:
        cut += 1
    return cut


def bisect(function, low, high):
    """Where an increasing function changes its sign."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if function(middle) > 0 else (middle, high)
    return (low + high) / 2


def binomial(most, n, q):
    """The chance of at most so many."""
    return sum(math.comb(n, i) * q ** i * (1 - q) ** (n - i)
               for i in range(most + 1))


class Figures(unittest.TestCase):
    """The figures beside a verdict, against arithmetic."""

    def setUp(self):
        self.rng = np.random.default_rng(5)

    def test_detectable_effect(self):
        normal = statistics.NormalDist()
        for _ in range(SETS):
            n = int(self.rng.integers(1, 50))
            alpha = float(self.rng.choice([0.05, 0.01, 0.05 / 40]))
            values = self.rng.normal(0, 0.01, n)
            cut = exact_refusal(n, alpha)
            found = stats.detectable(values, alpha)
            if cut < 0:
                self.assertIsNone(found)
                continue
            q = bisect(lambda q: binomial(cut, n, 1 - q) - 0.8, 0.5, 1)
            middle = statistics.median(values)
            spread = (statistics.median(abs(v - middle) for v in values)
                      / normal.inv_cdf(0.75))
            self.assertAlmostEqual(found, spread * normal.inv_cdf(q),
                                   delta=1e-9)

    def test_rate_interval(self):
        for _ in range(SETS):
            n = int(self.rng.integers(1, 200))
            hits = int(self.rng.integers(0, n + 1))
            low, high = stats.rate_interval(hits, n)
            if hits:
                self.assertAlmostEqual(1 - binomial(hits - 1, n, low), 0.025,
                                       delta=1e-9)
            if hits < n:
                self.assertAlmostEqual(binomial(hits, n, high), 0.025,
                                       delta=1e-9)

    def test_spread(self):
        for _ in range(SETS):
            k = int(self.rng.integers(2, 9))
            groups = [int(g) for g in self.rng.integers(0, k, 24)]
            groups[:k] = range(k)
            values = self.rng.normal(0, 1, 24) + np.array(groups)
            found = stats.spread(values, groups)
            by = [[v for v, g in zip(values, groups) if g == i]
                  for i in range(k)]
            mean = statistics.fmean(values)
            inner = sum((v - statistics.fmean(b)) ** 2
                        for b in by for v in b) / (24 - k)
            outer = sum(len(b) * (statistics.fmean(b) - mean) ** 2
                        for b in by) / (k - 1)
            size = (24 - sum(len(b) ** 2 for b in by) / 24) / (k - 1)
            self.assertAlmostEqual(found.within, math.sqrt(inner), delta=1e-9)
            self.assertAlmostEqual(
                found.between, math.sqrt(max(0, (outer - inner) / size)),
                delta=1e-9)


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
