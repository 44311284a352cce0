#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A run's folder holds the correctness matrix, as verify --json prints it."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

HAZARDS = {"ordering", "lost-error", "reread", "stale-write", "flag-leak", "deadlock",
           "collateral-stall", "unbounded-wait", "list-corruption", "leak"}


def run(folder: str, *options: str) -> str:
    """What it prints."""
    return subprocess.run(
        [os.environ["DELWRIBENCH"], "run", "-w", "lookup/own_1k", "-t", "1", "-r", "1",
         "--fix", "none", "--fix", "remove_on_stale", "--out", folder, *options],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


class Matrix(unittest.TestCase):
    def test_of_a_run(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            said = run(folder)
            (path,) = pathlib.Path(folder).glob("*/verify.json")
            fixes = json.loads(path.read_text())["fixes"]
            self.assertIn("none                 ! ordering", said)
            # The twin is a control and no fix.
            self.assertEqual(set(fixes), {"none", "remove_on_stale"})
            for cells in fixes.values():
                self.assertEqual(set(cells), HAZARDS)
            self.assertEqual(fixes["none"]["ordering"]["verdict"], "violated")
            self.assertIn("AIL", fixes["none"]["ordering"]["evidence"])
            self.assertEqual(fixes["remove_on_stale"]["ordering"]["verdict"], "holds")
            # What scripts/verify has put there has more in it.
            path.write_text("{}")
            subprocess.run([os.environ["DELWRIBENCH"], "run", "--resume", path.parent],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            self.assertEqual(path.read_text(), "{}")

    def test_not_verified(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assertIn("was not checked: --no-verify", run(folder, "--no-verify"))
            self.assertEqual(list(pathlib.Path(folder).glob("*/verify.json")), [])


if __name__ == "__main__":
    unittest.main()
