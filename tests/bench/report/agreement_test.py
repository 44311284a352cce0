# SPDX-License-Identifier: GPL-2.0-only
"""Which fixes differ in the model, in the kernel, in both, and how much."""
import unittest

from bench.report.agreement import Table, agreement, apart, ranked
from bench.report.rates import Figure, mean, rate

LOW, HIGH = Figure(1, 2, 3), Figure(4, 5, 6)
WIDE = Figure(2, 4, 5)


def both(model, kernel):
    found = agreement(model, kernel)
    return found.both, found.otherwise, len(found.alone), found.kernel_alone


class Pairs(unittest.TestCase):
    def test_order(self):
        model = {"a": LOW, "b": HIGH, "c": WIDE}
        same = {"a": LOW, "b": HIGH}
        self.assertEqual(both(model, same), (1, [], 0, 0))
        other = {"a": HIGH, "b": LOW}
        self.assertEqual(both(model, other), (1, ["a and b"], 0, 0))

    def test_what_overlaps_is_no_difference(self):
        model = {"a": LOW, "c": WIDE}
        self.assertEqual(both(model, model), (0, [], 0, 0))
        self.assertEqual(ranked(model), "a 2 ~ c 4")

    def test_in_one_alone(self):
        apart_, near = {"a": LOW, "b": HIGH}, {"a": LOW, "b": WIDE}
        self.assertEqual(both(apart_, near), (0, [], 1, 0))
        self.assertEqual(both(near, apart_), (0, [], 0, 1))

    def test_equals_in_the_order_of_their_names(self):
        for names in ("ab", "ba"):
            model = {name: LOW for name in names}
            self.assertEqual(ranked(model), "a 2 ~ b 2")

    def test_many_equals_are_named_together(self):
        model = {name: LOW for name in "abc"}
        self.assertEqual(ranked(model), "all 2")
        self.assertEqual(ranked(model | {"mine": HIGH}),
                         "the others 2 < mine 5")
        self.assertEqual(ranked(model | {"mine": WIDE}),
                         "the others 2 ~ mine 4")

    def test_how_far_apart(self):
        found = apart({"a": rate(60, 10), "b": rate(0, 1), "c": LOW},
                      {"a": rate(20, 10), "b": rate(1, 1), "c": HIGH})
        self.assertEqual(sorted(found), ["a", "c"])
        self.assertAlmostEqual(found["a"].value, 3)
        self.assertLess(found["a"].low, 3)
        self.assertEqual(found["c"], Figure(0.4, 0.4, 0.4))


class Unseen(unittest.TestCase):
    """What the model separates by more than 2 x, and the kernel does not."""

    def text(self, model, kernel, **more):
        return " ".join(" ".join(Table("storm", "waits", model, kernel,
                                       **more).unseen()).split())

    WAITS = {"short": mean(900, 900, 2), "long": mean(900, 9000, 20)}

    def test_nothing(self):
        self.assertEqual(self.text(self.WAITS, self.WAITS), "")
        # By less than 2 x.
        near = {"short": rate(1000, 1), "long": rate(1900, 1)}
        self.assertEqual(self.text(near, {f: rate(1, 1) for f in near}), "")

    def test_a_kernel_that_would_have_seen_it(self):
        tie = {"short": mean(40, 1500, 70), "long": mean(40, 1550, 70)}
        shown = self.text(self.WAITS, tie)
        self.assertIn("unseen, power 100 %, NOT EXPLAINED: long over short "
                      "(x10)", shown)
        # Waits, and trees of one block: that explains it.
        shown = self.text(self.WAITS, tie, waits=True, blocks=(None, 1.0))
        self.assertIn("its trees had 1.00 blocks", shown)
        for blocks in ((None, 3.0), (1.0, 1.0), (None, None)):
            self.assertIn("NOT EXPLAINED", self.text(
                self.WAITS, tie, waits=True, blocks=blocks))

    def test_a_kernel_that_saw_too_little(self):
        few = {"short": mean(2, 75, 70), "long": mean(2, 77, 70)}
        self.assertIn("unseen, 4 events, power ",
                      self.text(self.WAITS, few))

    def test_a_kernel_that_saw_nothing(self):
        model = {"a": rate(0, 1000), "b": rate(50, 1000)}
        nothing = {"a": rate(0, 2000), "b": rate(0, 2000)}
        self.assertIn("unseen, 0 events: b (100 expected) over a (0)",
                      self.text(model, nothing))

    def test_every_pair_is_named(self):
        model = {"a": rate(0, 1000), "b": rate(50, 1000),
                 "c": rate(500, 1000)}
        shown = self.text(model, {f: rate(1, 1000) for f in model})
        self.assertIn("b over a (0)", shown)
        self.assertIn("c over b (x10), a (0)", shown)


if __name__ == "__main__":
    unittest.main()
