# SPDX-License-Identifier: GPL-2.0-only
"""Rates with exact intervals, their ratios, and what they could show."""
import math
import unittest

import numpy as np

from synthetic import kernel_run as data
from synthetic import step

from bench.report import rates


class Rates(unittest.TestCase):
    def test_exact_interval(self):
        # Garwood's, as tabulated: 0 events: 3.689; 10: 4.795 to 18.39.
        self.assertAlmostEqual(rates.rate(0, 1).high, 3.689, places=3)
        self.assertEqual(rates.rate(0, 1).low, 0)
        ten = rates.rate(10, 2)
        self.assertAlmostEqual(ten.low, 4.795 / 2, places=3)
        self.assertAlmostEqual(ten.high, 18.39 / 2, places=3)

    def test_what_nobody_saw_has_a_bound(self):
        self.assertEqual(rates.time_to_first(rates.rate(0, 10)), "> 2.71")

    def rows(self, *steps: dict, **more) -> list[str]:
        found = (" ".join(line.split())
                 for line in rates.rates(data(*steps) | more))
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
        lines = rates.rates(data(
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
        lines = rates.rates(data(trial, missed) | {
            "fixes": {"none": {"lost_hooks": ["dwb_submit"]}}})
        self.assertEqual(lines[2].split(),
                         ["crash_natural", "none", "?", "20.0", "unknown"])
        lines = rates.rates(data(trial, missed))
        self.assertEqual(len(lines), 3)
        self.assertIn("damage", lines[0])
        self.assertEqual(lines[2].split()[:4],
                         ["crash_natural", "none", "1", "20.0"])

    def test_steps_that_failed_count_nowhere(self):
        lost = step("natural", "none", misqueued=9, failed="guest-died")
        self.assertEqual(rates.rates(data(lost)), [])


class Ratios(unittest.TestCase):
    def test_of_rates(self):
        # Clopper and Pearson's for 10 of 20: 0.2720 to 0.7280.
        found = rates.ratio(rates.rate(10, 1), rates.rate(10, 2))
        self.assertAlmostEqual(found.value, 2)
        self.assertAlmostEqual(found.low, 2 * 0.27196 / 0.72804, places=3)
        self.assertAlmostEqual(found.high, 2 * 0.72804 / 0.27196, places=3)
        none = rates.ratio(rates.rate(0, 1), rates.rate(10, 1))
        self.assertEqual((none.low, none.value), (0, 0))
        self.assertEqual(rates.ratio(rates.rate(10, 1),
                                     rates.rate(0, 1)).high, math.inf)
        self.assertIsNone(rates.ratio(rates.rate(0, 1), rates.rate(0, 1)))

    def test_clusters_of_four_tell_as_much_as_a_quarter(self):
        alone, four = rates.rate(100, 50), rates.rate(400, 50, 4)
        self.assertAlmostEqual(four.low / 4, alone.low)
        self.assertAlmostEqual(four.high / 4, alone.high)
        self.assertEqual(four.value, 8)
        of_alone = rates.ratio(alone, rates.rate(60, 50))
        of_four = rates.ratio(four, rates.rate(120, 25, 2))
        for a, b in zip((of_alone.low, of_alone.value, of_alone.high),
                        (of_four.low, of_four.value, of_four.high)):
            self.assertAlmostEqual(a, b, places=9)
        self.assertAlmostEqual(
            rates.power(rates.rate(60, 50), alone, 2),
            rates.power(rates.rate(240, 50, 4), four, 2))
        # Unequal clusters, drawn: 95 % of the intervals hold the truth;
        # were each event alone, far fewer would.
        draw = np.random.default_rng(1)
        held = {True: 0, False: 0}
        for _ in range(400):
            sizes = draw.geometric(0.25, size=draw.poisson(50))
            count, squares = int(sizes.sum()), int((sizes ** 2).sum())
            for known in held:
                found = rates.rate(count, 1, squares / count if known else 1)
                held[known] += found.low <= 200 <= found.high
        self.assertGreater(held[True], 400 * 0.90)
        self.assertLess(held[False], 400 * 0.75)

    def test_of_what_is_neither(self):
        self.assertIsNone(rates.ratio(rates.Figure(1, 2, 3),
                                      rates.Figure(1, 2, 3)))
        self.assertIsNone(rates.power(rates.Figure(1, 2, 3),
                                      rates.Figure(1, 2, 3), 10))

    def test_mean_is_no_surer_than_an_exponential(self):
        # 100 equal waits might be of any spread: 1.96 / 10 of the logarithm.
        found = rates.mean(100, 500, 5)
        self.assertAlmostEqual(found.value, 5)
        self.assertAlmostEqual(found.high, 5 * math.exp(0.196), places=2)
        # The variance is at most m (M - m): M = 10 m gives 9 m^2.
        found = rates.mean(100, 500, 50)
        self.assertAlmostEqual(found.high, 5 * math.exp(3 * 0.196), places=2)
        self.assertIsNone(rates.mean(0, 0, 0))

    def test_ratio_of_means(self):
        found = rates.ratio(rates.mean(100, 500, 5), rates.mean(100, 1000, 9))
        self.assertAlmostEqual(found.value, 0.5)
        self.assertAlmostEqual(found.high,
                               0.5 * math.exp(0.196 * math.sqrt(2)), places=2)


class Power(unittest.TestCase):
    def test_by_counting(self):
        """The same by simulation."""
        import numpy as np
        rng = np.random.default_rng(1)
        told = 0
        for larger in rng.binomial(40, 0.8, 2000):
            told += rates.rate(40 - larger, 1).below(rates.rate(larger, 1))
        self.assertAlmostEqual(
            rates.power(rates.rate(20, 1), rates.rate(20, 1), 4),
            told / 2000, delta=0.04)

    def test_with_none_nothing_is_seen(self):
        self.assertEqual(rates.power(rates.rate(0, 9), rates.rate(0, 9),
                                     math.inf), 0)
        # 0 and 3 overlap (3.69 and 0.62), 0 and 10 do not.
        self.assertEqual(rates.power(rates.rate(1, 9), rates.rate(2, 9),
                                     math.inf), 0)
        self.assertEqual(rates.power(rates.rate(4, 9), rates.rate(6, 9),
                                     math.inf), 1)

    def test_of_means(self):
        few, many = (rates.mean(n, 5 * n, 5) for n in (4, 400))
        self.assertLess(rates.power(few, few, 2), 0.2)
        self.assertGreater(rates.power(many, many, 2), 0.99)

    def test_of_trials(self):
        three, twenty = rates.share(0, 3), rates.share(0, 20)
        self.assertEqual(rates.power(three, three, math.inf), 0)
        self.assertEqual(rates.power(twenty, twenty, math.inf), 1)


if __name__ == "__main__":
    unittest.main()
