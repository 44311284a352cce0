# SPDX-License-Identifier: GPL-2.0-only
"""Patches with a known fault, in guests: who is accused, of what, and who not.

    tests/kernel/guest_test.py    # minutes; 77: packages are missing

Not part of scripts/test, which boots no guest.
"""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(TOP / "bench" / "linux"))
sys.path.insert(1, str(TOP))
sys.dont_write_bytecode = True

import lane  # noqa: E402
import verdict  # noqa: E402

FIXES = ("warns", "oopses", "shuts_down", "completes")


class Guests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        with tempfile.TemporaryDirectory() as folder:
            command = [TOP / "scripts/kernel", "check", "--json", "--out", folder]
            for name in FIXES:
                command += ["--fix", f"{name}={HERE / name}.cocci"]
            cls.done = subprocess.run(command, text=True, stdout=subprocess.PIPE, check=False)
        cls.data = json.loads(cls.done.stdout)
        cls.found = verdict.findings(cls.data)

    def steps(self, fix: str, scenario: str = "") -> list[dict]:
        return [s for s in verdict.done(self.data, scenario) if s["fix"] == fix]

    def against(self, fix: str) -> list[str]:
        return [line for line in self.found if line.startswith(f"{fix}: ")]

    def test_the_control_misqueues_and_loses(self) -> None:
        self.assertGreater(verdict.total(self.steps("none", "widened"), "misqueued"), 0)
        self.assertTrue(any(map(verdict.has_lost, self.steps("none", "error"))))
        self.assertEqual(self.done.returncode, 1)

    def test_a_warning_is_a_finding_with_its_stack(self) -> None:
        warned = [line for line in self.against("warns") if "WARNING" in line]
        self.assertTrue(warned, self.found)
        self.assertRegex(warned[0], r"at fs/xfs/libxfs/xfs_btree_staging.c:.*under xrep_\w+ < xrep_")
        self.assertEqual(verdict.total(self.steps("warns"), "misqueued"), 0)

    def test_an_oops_ends_its_fix_at_the_second_boot(self) -> None:
        mine = [s for s in self.data["steps"] if s["fix"] == "oopses"]
        self.assertEqual(len(mine), 1, mine)
        self.assertEqual(mine[0]["failed"], "guest-died-twice")
        (line,) = self.against("oopses")
        self.assertRegex(line, r"BUG: .*NULL pointer.*; RIP xfs_mountfs; under xfs_fs_fill_super")

    def test_a_shutdown_in_a_trial_is_a_finding(self) -> None:
        lines = [x for x in self.against("shuts_down") if "error-" in x]
        self.assertTrue(any("shut down" in line for line in lines), self.found)

    def test_a_wait_by_a_completion_is_seen_and_accused_of_nothing(self) -> None:
        self.assertGreater(verdict.total(self.steps("completes"), "wait_count"), 0)
        self.assertEqual(self.against("completes"), [])

    def test_who_has_no_wait_waits_for_nothing(self) -> None:
        self.assertEqual(verdict.total(self.steps("none"), "wait_count"), 0)


if __name__ == "__main__":
    if why := lane.unable():
        print(f"skipped: {why}")
        sys.exit(77)
    unittest.main()
