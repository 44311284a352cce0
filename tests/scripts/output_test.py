# SPDX-License-Identifier: GPL-2.0-only
"""Output that could not be written is a failure, in one line; a reader that
has had enough is none."""
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("DELWRIBENCH",
                              TOP / "build/release/delwribench"))
sys.path.insert(0, str(TOP / "tests/bench/report"))
import synthetic  # noqa: E402
from synthetic import Truth  # noqa: E402

LOST = "cannot write the output: No space left on device"
SMALL = ["--no-verify", "-t", "1", "-r", "1", "-w", "lookup/own_1k",
         "--fix", "none", "--policy", "compact"]
COMMANDS = [["--help"], ["--version"], ["run", "--help"], ["run", "--list"],
            ["run", "--list", "--json"], ["run", "--benchmark_list_tests"],
            ["verify", "--help"],
            ["verify", "--fix", "null", "--hazard", "leak"],
            ["plan"], ["plan", "--json"], ["plan", "--help"],
            ["counters"], ["counters", "--json"], ["doctor"],
            ["doctor", "--json"]]


class Lost(unittest.TestCase):
    def setUp(self):
        self.top = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.top)

    def call(self, words, **options):
        return subprocess.run([str(w) for w in words], text=True, check=False,
                              stderr=subprocess.PIPE, **options)

    def full(self, words):
        """One line, not status 0."""
        with open("/dev/full", "w") as full:
            done = self.call(words, stdout=full)
        said = [line for line in done.stderr.splitlines()
                if not line.startswith("building")]
        self.assertIn(LOST, said[-1])
        self.assertNotIn("Traceback", done.stderr)
        return done.returncode, said

    def closed(self, words, program):
        """The reader has gone: quiet."""
        reader, writer = os.pipe()
        os.close(reader)
        # Python's scripts ignore the signal by themselves.
        done = self.call(words, stdout=writer, restore_signals=program)
        os.close(writer)
        self.assertNotIn("Traceback", done.stderr)
        self.assertNotIn("cannot write", done.stderr)
        self.assertNotIn("BrokenPipe", done.stderr)
        return done

    # --- the program ---------------------------------------------------------

    def test_program(self):
        for words in COMMANDS:
            with self.subTest(words=words):
                status, said = self.full([PROGRAM, *words])
                self.assertEqual(len(said), 1, said)
                self.assertEqual(status, 2)
                self.closed([PROGRAM, *words], True)

    def run_in(self, *more, **options):
        return self.call([PROGRAM, "run", *SMALL, "--out", self.top / "out",
                          *more], **options)

    def blocks(self):
        return sorted(p.name for p in self.top.glob("out/*/*")
                      if not p.name.startswith("."))

    def test_run_keeps_its_blocks(self):
        with open("/dev/full", "w") as full:
            done = self.run_in(stdout=full)
        self.assertEqual(done.returncode, 2)
        self.assertIn(LOST, done.stderr)
        self.assertEqual(self.blocks(), ["benchmark.json", "block-0001.json",
                                         "machine.json"])

    def limited(self, size, *more):
        """No file may be larger: as if the file system were full."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        # What it prints goes to a pipe, which has no size.
        return self.run_in(*more, stdout=subprocess.PIPE, preexec_fn=limit)

    def test_no_room_for_the_run(self):
        done = self.limited(1024)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "cannot write .*machine.json: File too")
        self.assertEqual(list(self.top.glob("out/*")), [])

    def test_no_room_for_a_block(self):
        done = self.limited(6000)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "cannot write .*block-0001.json: File")
        self.assertIn("--resume", done.stderr)
        self.assertEqual(self.blocks(), ["machine.json"])

    def test_no_room_for_the_report(self):
        report = self.top / "report.json"
        report_of = [f"--benchmark_out={report}", "--rounds", "300"]
        done = self.limited(150000, *report_of)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, "cannot write .*report.json: File too")
        self.assertEqual(self.blocks(), ["block-0001.json", "machine.json"])
        self.assertFalse(report.exists())

    def test_no_folder_for_the_report(self):
        done = self.run_in("--benchmark_out=/no/such/folder/x",
                           stdout=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 2)
        self.assertIn("/no/such/folder/x: No such file", done.stderr)
        self.assertIn("block-0001.json", self.blocks())

    # --- scripts -------------------------------------------------------------

    def test_scripts(self):
        folder = synthetic.write(self.top / "run", Truth())
        scripts = TOP / "scripts"
        for words in ([scripts / "compare", folder],
                      [scripts / "compare", "--help"],
                      [scripts / "report", "--out", self.top / "r", folder],
                      [scripts / "cost", "--help"],
                      [scripts / "bars", "--help"],
                      [scripts / "perf", "--help"],
                      [scripts / "numa-guest", "--help"],
                      [scripts / "kernel", "--help"]):
            with self.subTest(words=words):
                status, said = self.full(words)
                self.assertEqual(len(said), 1, said)
                self.assertEqual(status, 2)
                shutil.rmtree(self.top / "r", ignore_errors=True)
                self.assertEqual(self.closed(words, False).returncode, 0)
                shutil.rmtree(self.top / "r", ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
