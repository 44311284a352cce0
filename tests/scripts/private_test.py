# SPDX-License-Identifier: GPL-2.0-only
"""What a run leaves behind names no folder, user or host of the machine that
made it but the name that --host gave."""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("DELWRIBENCH",
                              TOP / "build/release/delwribench"))
# What machines have in common; all else is somebody's.
COMMON = re.compile(r"/(sys|proc|dev/kvm)\b")


class Private(unittest.TestCase):
    def setUp(self):
        self.home = Path(tempfile.mkdtemp(suffix="-alice")) / "secret"
        self.home.mkdir()
        self.addCleanup(shutil.rmtree, self.home.parent)
        self.device = self.home / "disk.img"
        with open(self.device, "wb") as file:
            file.truncate(4 << 30)
        self.env = {**os.environ, "HOME": str(self.home), "USER": "alice",
                    "LOGNAME": "alice"}

    def call(self, *words):
        done = subprocess.run(
            [str(w) for w in words], env=self.env, cwd=self.home, text=True,
            capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def measured(self, *more):
        self.call(PROGRAM, "run", "--home", TOP, "--no-verify", "-t", "1",
                  "-r", "2", "-b", "2", "-w", "bulkload/idle", "-w",
                  "lookup/own_1k", "--fix", "none", "--fix",
                  "remove_on_stale", "--host", "shown",
                  f"--ou={self.home}/out", *more)
        (run,) = (self.home / "out").iterdir()
        return run

    def check(self, folder):
        names = [self.home.parent.name, "alice", "secret", str(TOP)]
        names += [n for n in (os.path.expanduser("~"),) if n != "/"]
        for file in sorted(folder.rglob("*")):
            if file.is_dir():
                continue
            text = file.read_text()
            for name in names:
                self.assertNotIn(name, text, file)
            self.assertNotRegex(
                text, rf"(?<![\w-]){re.escape(socket.gethostname())}(?!\w)",
                file)
        self.assertNotIn(socket.gethostname(), folder.name)

    def test_run_and_reports(self):
        run = self.measured("-d", self.device, "--topology", "this")
        self.assertTrue(run.name.startswith("shown-"))
        self.call(TOP / "scripts/report", "--exploratory", run)
        self.check(run)
        about = json.loads((run / "machine.json").read_text())
        self.assertEqual(about["machine"]["host"], "shown")
        self.assertEqual(about["command"][-4:],
                         ["--device", "file", "--topology", "this"])
        data = json.loads((run / "block-0001.json").read_text())
        self.assertEqual(data["device"], "file")
        for made in ("benchmark.json", "report/benchmark.json"):
            context = json.loads((run / made).read_text())["context"]
            self.assertEqual(context["host_name"], "shown")

    def test_benchmark_out(self):
        run = self.measured(f"--benchmark_out={self.home}/b.json")
        self.check(run)
        context = json.loads((self.home / "b.json").read_text())["context"]
        self.assertEqual(context["host_name"], "shown")
        self.assertEqual(context["results"], run.name)
        shown = self.call(PROGRAM, "run", "--resume", run,
                          f"--benchmark_out={self.home}/c.json")
        self.assertIn("2 of 2 blocks", shown)
        self.assertTrue((self.home / "c.json").exists())

    def test_bad_names(self):
        for name in ("", "a/b", "..", "a b", "-x", "x" * 65):
            done = subprocess.run(
                [PROGRAM, "run", f"--host={name}", "--out", self.home / "no"],
                text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(len(done.stderr.splitlines()), 1)
            self.assertFalse((self.home / "no").exists())

    def test_committed(self):
        for file in sorted((TOP / "results").rglob("*.json")):
            for path in re.findall(r'"(/[^"]+)"', file.read_text()):
                self.assertRegex(path, COMMON, file)


if __name__ == "__main__":
    unittest.main()
