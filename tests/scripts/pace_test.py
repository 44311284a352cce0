# SPDX-License-Identifier: GPL-2.0-only
"""scripts/pace: a storm of a kernel run in the model, and what it refuses."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

PROGRAM = os.environ["DELWRIBENCH"]
SETTINGS = {
    "type": "inobt", "sync_us": 20000, "changes": 8, "in_a_row": 4,
    "loaders": 0, "eager": 1, "delay": 20000, "others": 0, "block": 4096,
    "chunks": 0, "seconds": 1,
}  # fmt: skip
STEP = {
    "id": "widened-0-none", "scenario": "widened", "fix": "none",
    "settings": SETTINGS, "seconds": 1.0, "repairs": 90, "loads": 180,
    "blocks": 180, "files": 720, "load_ops": 0, "syncs": 46,
    "repair_p50_ns": 4000000, "ail_submits": 12, "lookups": 20000,
    "met_claim": 2, "met_lookup": 2, "misqueued": 2, "wait_count": 0,
    "wait_total_ns": 0, "wait_max_ns": 0, "shutdowns": 0,
    "ail_queueing_total_ns": 12000000, "ail_submitting_total_ns": 120000000,
}  # fmt: skip


class Pace(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.run_dir = Path(self.folder.name) / "kernel-of-a-test"
        self.run_dir.mkdir()

    def pace(self, *words, steps=(STEP,), schema="delwribench-kernel-1", kernel="6.12.117+deb12-amd64"):
        data = {"schema": schema, "kernel": kernel, "steps": list(steps)}
        (self.run_dir / "kernel.json").write_text(json.dumps(data))
        return subprocess.run(
            [PROGRAM, "pace", *words], capture_output=True, text=True, timeout=900, check=False
        )

    def refused(self, what, *words, **how):
        got = self.pace(*words, **how)
        self.assertEqual(got.returncode, 2, got.stderr)
        self.assertEqual(got.stdout, "")
        self.assertIn(what, got.stderr)
        self.assertEqual(got.stderr.count("\n"), 1, got.stderr)
        self.assertFalse((self.run_dir / "pace.json").exists())

    def test_refuses(self):
        run = ("--kernel-run", str(self.run_dir))
        self.refused("--kernel-run RUN is needed")
        self.refused("name a folder", "--kernel-run", str(self.run_dir / "none"))
        self.refused("of no run of scripts/kernel", *run, schema="other")
        self.refused("it has no storm", *run, steps=[])
        self.refused("it has: widened", *run, "--scenario", "wide")
        self.refused("no cache is that of kernel 6.1.99", *run, kernel="6.1.99")
        self.refused("unknown cache '6.1'", *run, "--cache", "6.1")
        self.refused("a number from 0.5", *run, "--seconds", "0")

    def test_a_step_of_a_trial_is_no_storm(self):
        trial = STEP | {"settings": SETTINGS | {"mode": "crash"}}
        self.refused("it has no storm", "--kernel-run", str(self.run_dir), steps=[trial])

    def test_writes_what_the_report_reads(self):
        other = STEP | {"fix": "a_patch_of_mine"}
        got = self.pace("--kernel-run", str(self.run_dir), "--minutes", "0", steps=[STEP, other])
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertIn("a_patch_of_mine: not in the model", got.stdout)
        data = json.loads((self.run_dir / "pace.json").read_text())
        self.assertEqual(data["schema"], "delwribench-pace-1")
        self.assertEqual(data["kernel_run"], "kernel-of-a-test")
        [row] = data["rows"]
        self.assertEqual((row["scenario"], row["fix"]), ("widened", "none"))
        self.assertEqual((row["cache"], row["device"]), ("6.12", "memory"))
        # A repair loads two trees of one block each.
        self.assertEqual(row["loads"], 2 * row["repairs"])
        self.assertEqual(row["blocks"], row["loads"])
        self.assertGreater(row["repairs"], 0)
        self.assertGreater(row["syncs"], 0)
        self.assertGreater(row["ail_cycles"], 0)
        # Old trees' blocks come back, but not all of them within the round.
        self.assertGreater(row["frees"], 0)
        for name in ("met", "met_claim", "misqueued", "waits", "wait_total_ns",
                     "wait_max_ns", "repair_total_ns", "lookups", "waits_squares"):  # fmt: skip
            self.assertIsInstance(row[name], int)
        self.assertEqual(row["waits"], 0)
        # At least as many: each cycle of the AIL has its own squared.
        for name in ("met", "misqueued"):
            self.assertGreaterEqual(row[f"{name}_squares"], row[name])
        # What is there stays, and the rest is added to it.
        again = self.pace("--kernel-run", str(self.run_dir), "--minutes", "0", steps=[
            STEP, STEP | {"scenario": "churn", "id": "churn-0-none"}])  # fmt: skip
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("widened, none: in ", again.stdout)
        rows = json.loads((self.run_dir / "pace.json").read_text())["rows"]
        self.assertEqual(rows[0], row)
        self.assertEqual([r["scenario"] for r in rows], ["widened", "churn"])
        self.assertEqual({p.name for p in self.run_dir.iterdir()}, {"kernel.json", "pace.json"})

    def test_the_ail_is_as_slow_as_the_guest_s(self):
        cycles = {}
        for name in ("queueing", "submitting"):
            for ms in (1, 400):
                out = self.run_dir / f"{name}-{ms}.json"
                step = STEP | {f"ail_{name}_total_ns": 12 * ms * 1000000}
                got = self.pace("--kernel-run", str(self.run_dir), "--minutes", "0",
                                "--out", str(out), steps=[step])  # fmt: skip
                self.assertEqual(got.returncode, 0, got.stderr)
                cycles[ms] = json.loads(out.read_text())["rows"][0]["ail_cycles"]
            # In a second of cycles of 480 ms or more; else of 100 or so.
            self.assertLessEqual(cycles[400], 3)
            self.assertGreater(cycles[1], cycles[400])

    def test_a_guest_that_does_not_tell_how_slow_it_was(self):
        old = {k: v for k, v in STEP.items() if not k.startswith("ail_queueing")}
        self.refused("older version", "--kernel-run", str(self.run_dir), steps=[old])

    def test_leaves_what_is_another_s(self):
        for text in ("{", json.dumps({"schema": "delwribench-pace-1", "kernel_run": "r", "rows": []})):
            (self.run_dir / "pace.json").write_text(text)
            got = self.pace("--kernel-run", str(self.run_dir))
            self.assertEqual(got.returncode, 2, got.stderr)
            self.assertIn("--out names another file", got.stderr)
            self.assertEqual(got.stderr.count("\n"), 1, got.stderr)
            self.assertEqual((self.run_dir / "pace.json").read_text(), text)


if __name__ == "__main__":
    unittest.main()
