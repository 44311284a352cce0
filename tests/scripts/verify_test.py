#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""verify on fibers: what it says on threads, and the same wherever it runs."""
import json
import os
import subprocess
import unittest

PROGRAM = os.environ["DELWRIBENCH"]
# The litmus is about this machine, on threads in any case.
HAZARDS = [word for hazard in (
    "ordering", "lost-error", "reread", "stale-write", "flag-leak", "deadlock", "collateral-stall",
    "unbounded-wait", "list-corruption", "leak") for word in ("--hazard", hazard)]


def verify(*options: str, before: tuple[str, ...] = ()) -> str:
    return subprocess.run([*before, PROGRAM, "verify", *HAZARDS, *options], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def verdicts(*options: str) -> dict[tuple[str, str], tuple[str, int, int]]:
    told = json.loads(verify("--json", *options))["fixes"]
    return {(fix, hazard): (cell["verdict"], cell["violated"], cell["runs"])
            for fix, cells in told.items() for hazard, cell in cells.items()}


class Verify(unittest.TestCase):
    def test_as_on_threads(self) -> None:
        for cache in ("7.3", "6.12"):
            with self.subTest(cache=cache):
                fibers = verdicts("--cache", cache)
                self.assertGreater(len(fibers), 100)
                self.assertEqual(fibers, verdicts("--cache", cache, "--threads"))

    def test_always_the_same(self) -> None:
        """On one processor, beside other load: no clock has a say."""
        once = verify()
        self.assertIn("AIL", once)
        cpu = str(min(os.sched_getaffinity(0)))
        with subprocess.Popen(["taskset", "-c", cpu, "sh", "-c", "while :; do :; done"]) as busy:
            try:
                again = verify(before=("taskset", "-c", cpu, "nice", "-n", "19"))
            finally:
                busy.kill()
        self.assertEqual(once, again)


if __name__ == "__main__":
    unittest.main()
