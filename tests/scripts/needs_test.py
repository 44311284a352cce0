#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Each script sees to its own needs, and takes the program from BUILD_DIR.

In a copy of the scripts whose setup and build only note that they were asked.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
# What is asked first of all; without Python, nothing else comes to be asked.
FIRST = {"bars": "python", "compare": "compare", "cost": "python", "format": "format",
         "kernel": "python", "numa-guest": "python", "perf": "python", "report": "report",
         "calibrate": "calibrate"}
PROGRAM = ("run", "verify", "doctor", "plan")


class Needs(unittest.TestCase):
    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.tree = pathlib.Path(held.name).resolve() / "tree"
        shutil.copytree(TOP / "scripts", self.tree / "scripts")
        shutil.copytree(TOP / "bench", self.tree / "bench")
        self.asked = self.tree / "asked"
        self.asked.write_text("")

    def stub(self, name: str, does: str) -> None:
        path = self.tree / "scripts" / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.asked}\n{does}\n')

    def run_script(self, name: str, *arguments: object) -> subprocess.CompletedProcess:
        return subprocess.run([self.tree / "scripts" / name, *arguments], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              cwd="/", timeout=900)

    def test_every_script_is_shell(self) -> None:
        """A machine without Python can run each, so that it says what it lacks."""
        for path in (TOP / "scripts").iterdir():
            if path.is_file() and os.access(path, os.X_OK):
                self.assertEqual(path.read_text().split("\n")[0], "#!/bin/sh", path.name)

    def test_needs_come_first(self) -> None:
        self.stub("setup", "echo 'scripts/setup: its own words' >&2; exit 2")
        for name, need in FIRST.items():
            with self.subTest(name):
                self.asked.write_text("")
                done = self.run_script(name)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(self.asked.read_text(), f"setup {need}\n")
                self.assertEqual(done.stderr, "scripts/setup: its own words\n")

    def test_no_install_for_help(self) -> None:
        """--help and bad arguments install Python at most."""
        self.stub("setup", "")
        for name in ("bars", "cost", "kernel", "numa-guest", "perf"):
            for arguments, status in (("--help",), 0), (("--no-such-option",), 2):
                with self.subTest(name=name, arguments=arguments):
                    self.asked.write_text("")
                    done = self.run_script(name, *arguments)
                    self.assertEqual(done.returncode, status, done.stderr)
                    self.assertEqual(self.asked.read_text(), "setup python\n")

    def test_program_of_the_build(self) -> None:
        """What scripts/build prints is what runs, and nothing is asked beside it."""
        there = self.tree / "there"
        there.mkdir()
        program = there / "delwribench"
        program.write_text('#!/bin/sh\necho "program $*"\n')
        program.chmod(0o755)
        self.stub("setup", "exit 2")
        self.stub("build", f"echo {there}")
        for name in PROGRAM:
            with self.subTest(name):
                self.asked.write_text("")
                done = self.run_script(name, "--some", "two words")
                self.assertEqual(done.returncode, 0, done.stderr)
                home = f"--home {self.tree} " if name == "run" else ""
                self.assertEqual(done.stdout, f"program {name} {home}--some two words\n")
                self.assertEqual(self.asked.read_text(), "build release\n")
        # Those in Python learn it the same way: this program answers nonsense.
        self.stub("setup", "")
        for name in ("bars", "cost"):
            with self.subTest(name):
                self.asked.write_text("")
                done = self.run_script(name)
                self.assertIn("build release", self.asked.read_text())
                self.assertNotEqual(done.returncode, 0)

    def test_a_build_that_fails(self) -> None:
        self.stub("setup", "")
        self.stub("build", "echo 'scripts/build: its own words' >&2; exit 2")
        for name in (*PROGRAM, "bars", "cost", "numa-guest", "calibrate"):
            with self.subTest(name):
                done = self.run_script(name)
                self.assertEqual((done.returncode, done.stdout, done.stderr),
                                 (2, "", "scripts/build: its own words\n"))

    def test_only_this_tree(self) -> None:
        """Another tree in the current folder is not taken for this one."""
        self.stub("setup", "")
        other = self.tree.parent / "other/bench/report"
        other.mkdir(parents=True)
        for folder in (other, other.parent):
            (folder / "__init__.py").write_text("raise SystemExit(77)\n")
        for name in ("compare", "report", "calibrate"):
            self.stub("build", "echo /nowhere")
            done = subprocess.run([self.tree / "scripts" / name, "--help"], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  cwd=self.tree.parent / "other", check=False)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
