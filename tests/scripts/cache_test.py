# SPDX-License-Identifier: GPL-2.0-only
"""--cache: every generation of impl/cache/generation, and no other."""
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("DELWRIBENCH",
                              TOP / "build/release/delwribench"))
RUN = ("run", "--no-verify", "--threads", "1", "--rounds", "2", "--workload",
       "lookup/own_1k", "--fix", "none")


def call(*words: object) -> subprocess.CompletedProcess:
    """The program under test."""
    return subprocess.run([str(w) for w in (PROGRAM, *words)], text=True,
                          capture_output=True, check=False)


def numbers(name: str) -> list[int]:
    """A version, to be sorted by."""
    return [int(part) for part in name.split(".")]


class Generations(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)
        self.names = sorted((p.name for p in (
            TOP / "impl/cache/generation").iterdir()), key=numbers,
            reverse=True)

    def block(self, *options: object) -> dict:
        done = call(*RUN, "--out", self.out, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        (path,) = self.out.glob("*/block-0001.json")
        return json.loads(path.read_text())

    def refused(self, *words: object) -> None:
        done = call(*words)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("5.10", done.stderr)
        for name in self.names:
            self.assertIn(name, done.stderr)

    def test_listed_newest_first(self) -> None:
        listed = json.loads(call("run", "--list", "--json").stdout)
        self.assertEqual(listed["caches"], self.names)

    def test_newest_by_default(self) -> None:
        self.assertEqual(self.block()["cache"], self.names[0])

    def test_older_behind_the_fix(self) -> None:
        block = self.block("--cache", self.names[-1])
        self.assertEqual(block["cache"], self.names[-1])
        # The floor is of the same generation: its source is another.
        floors = {r["floor_sha256"] for r in block["rows"]
                  if "floor_sha256" in r}
        listed = json.loads(call("run", "--list", "--json", "--cache",
                                 self.names[-1]).stdout)["floors"]
        self.assertEqual(floors, {f["sha256"] for f in listed
                                  if f["cache"] == self.names[-1]})

    def test_unknown(self) -> None:
        self.refused("run", "--cache", "5.10")
        self.refused("verify", "--cache", "5.10")
        self.refused("cost-op", "--cache", "5.10", "none", "64")

    def test_resume_takes_no_other(self) -> None:
        self.block()
        (folder,) = self.out.iterdir()
        done = call("run", "--resume", folder, "--cache", self.names[-1])
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("--cache", done.stderr)

    def test_resume_refuses_a_foreign_block(self) -> None:
        self.block()
        (path,) = self.out.glob("*/block-0001.json")
        data = json.loads(path.read_text())
        data["cache"] = self.names[-1]
        path.write_text(json.dumps(data))
        done = call("run", "--resume", path.parent)
        self.assertEqual(done.returncode, 2)
        self.assertIn("generation", done.stderr)


if __name__ == "__main__":
    unittest.main()
