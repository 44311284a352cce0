#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/cost: what it counts is exact, and differences have a place."""
import json
import os
import pathlib
import subprocess
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]


def cost(*arguments: str) -> subprocess.CompletedProcess:
    """Run it with the program under test, $DELWRIBENCH."""
    return subprocess.run(
        [TOP / "scripts/cost", "--program", os.environ["DELWRIBENCH"],
         *arguments], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)


class Counted(unittest.TestCase):
    """A run of the baseline, its twin and two fixes."""

    @classmethod
    def setUpClass(cls) -> None:
        done = cost("--json", "--fix", "none_twin", "--fix", "remove_on_stale",
                    "--fix", "null")
        assert done.returncode == 0, done.stderr
        cls.fixes = json.loads(done.stdout)["fixes"]

    def test_same_source_same_counts(self) -> None:
        self.assertEqual(self.fixes["none"], self.fixes["none_twin"])

    def test_hit(self) -> None:
        hit = self.fixes["none"]["hit"]
        self.assertIsInstance(hit["instructions"], int)
        self.assertEqual(hit, self.fixes["remove_on_stale"]["hit"])
        self.assertIn(hit["oracle"], (1, 2, 3))
        if os.uname().machine == "x86_64":
            # tests/impl/cache/generation says of which functions.
            self.assertEqual(hit["locked"], 5)
        self.assertLess(self.fixes["null"]["hit"]["instructions"], 10)

    def test_difference_has_a_place(self) -> None:
        base, now = (self.fixes[f]["queue"]
                     for f in ("none", "remove_on_stale"))
        self.assertGreater(now["instructions"], base["instructions"])
        self.assertGreater(now["functions"]["fix_link"],
                           base["functions"]["fix_link"])
        if os.uname().machine == "x86_64":
            self.assertEqual(now["locked"], base["locked"] + 1)

    def test_functions_add_up(self) -> None:
        for fix, operations in self.fixes.items():
            for name, one in operations.items():
                if one["instructions"] is None:
                    continue
                with self.subTest(fix=fix, operation=name):
                    self.assertAlmostEqual(sum(one["functions"].values()),
                                           one["instructions"], places=1)

    def test_absent(self) -> None:
        miss = self.fixes["null"]["miss"]
        self.assertIsNone(miss["instructions"])
        self.assertTrue(miss["instructions_reason"])


class BadInput(unittest.TestCase):
    """One line, status 2."""

    def test_unknown_fix(self) -> None:
        done = cost("--fix", "no_such_fix")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("no_such_fix", done.stderr)
        self.assertIn("remove_on_stale", done.stderr)

    def test_no_program(self) -> None:
        done = subprocess.run(
            [TOP / "scripts/cost", "--program", "/no/such/file"], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
