#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The guest's driver, on a folder of this machine: repairs fail, files do not."""
import os
import pathlib
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[3]
NEVER = "100000"
TOO_LONG = 120  # seconds: a driver that does not stop


class Driver(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.drive = pathlib.Path(folder.name) / "drive"
        cls.preloaded = pathlib.Path(folder.name) / "fs_down.so"
        sources = sorted((TOP / "bench/linux").glob("drive*.c"))
        command = ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror"]
        subprocess.run([*command, "-pthread", *sources, "-o", cls.drive], check=True)
        subprocess.run(
            [*command, "-shared", "-fPIC", TOP / "tests/bench/linux/fs_down.c"]
            + ["-o", cls.preloaded],
            check=True,
        )

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.mount = pathlib.Path(folder.name) / "mnt"
        self.parameters = pathlib.Path(folder.name) / "parameters"
        self.mount.mkdir()
        self.parameters.mkdir()
        for name in ("counters", "hold_arm_ms", "fail_arm", "hit_nth"):
            (self.parameters / f"dwb_{name}").touch()

    def run_it(self, command: str, *words: str, creations: int = 10**6) -> dict:
        here = {
            "LD_PRELOAD": str(self.preloaded),
            "PARAMETERS": str(self.parameters),
            "CREATIONS": str(creations),
        }
        done = subprocess.run(
            [self.drive, command, self.mount, *words],
            env=os.environ | here,
            text=True,
            stdout=subprocess.PIPE,
            timeout=TOO_LONG,
            check=True,
        )
        return dict(word.split("=", 1) for word in done.stdout.split() if "=" in word)

    def storm(self, seconds: str, in_a_row: str, creations: int = 10**6) -> dict:
        words = ("inobt", "2", seconds, "0", "8", "0", in_a_row)
        return self.run_it("storm", *words, creations=creations)

    def trial(self, mode: str, target: str, creations: int, turn: int = 0) -> dict:
        words = ("inobt,finobt", NEVER, mode, "7", "1", target, str(turn))
        return self.run_it("trial", *words, creations=creations)

    def files(self) -> set[str]:
        """Where there are files that a churn has made."""
        return {p.parent.name for p in self.mount.rglob("c*")}

    def test_a_storm_ends_when_its_file_system_is_down(self) -> None:
        for in_a_row in ("4", "0"):  # with repairs, and with none
            got = self.storm(NEVER, in_a_row, creations=20)
            self.assertEqual(got["down"], "1")
        got = self.storm("0.2", "4")
        self.assertEqual(got["down"], "0")

    def test_a_storm_says_what_was_done(self) -> None:
        got = self.storm(NEVER, "4", creations=2000)
        left = len(list(self.mount.glob("c*")))
        self.assertEqual(int(got["files"]) - int(got["unlinks"]), left)
        self.assertGreater(int(got["unlinks"]), 0)
        self.assertEqual((got["links"], got["load_ops"], got["load_creates"]), ("0", "0", "0"))
        # With no repairs there are links; and loaders.
        words = ("inobt", "2", "0.5", "0", "8", "2", "0")
        got = self.run_it("storm", *words)
        self.assertGreater(int(got["links"]), 0)
        done = int(got["load_creates"]) + int(got["load_unlinks"])
        self.assertGreater(int(got["load_creates"]), 0)
        self.assertLessEqual(done, int(got["load_ops"]))

    def test_a_trial_ends_when_its_file_system_is_down(self) -> None:
        for mode in ("crash", "error", "natural"):
            got = self.trial(mode, "any", 100)
            self.assertEqual((got["hit"], got["down"]), ("0", "1"))

    def test_what_is_filled_is_used(self) -> None:
        got = self.run_it("fill", "4")
        every = {f"t{n}" for n in range(8)}
        self.assertEqual({p.name for p in self.mount.iterdir()}, every)
        there = list(self.mount.glob("t*/f*"))
        self.assertEqual(int(got["fill_files"]), len(there))
        self.assertLess(len(there), 8 * 63)
        for name in every:
            # Not so few that a chunk is freed.
            self.assertGreater(len(list((self.mount / name).iterdir())), 50)

        # In AG 0, where the repairs are: every second directory.
        self.trial("crash", "leaf", 100, turn=7)  # of 4 leaves, the last
        self.assertEqual(self.files(), {"t6"})
        self.trial("crash", "root", 200)  # the first, and another of its leaf
        self.assertEqual(self.files(), {"t0", "t2", "t6"})
        self.trial("crash", "any", 300)
        self.assertEqual(self.files(), {"t0", "t2", "t4", "t6"})
        self.storm(NEVER, "4", creations=100)
        self.assertEqual(self.files(), every)


if __name__ == "__main__":
    unittest.main()
