# SPDX-License-Identifier: GPL-2.0-only
"""scripts/calibrate, with a program whose truth is known: what it says of
the method, and that an interruption costs nothing that was measured.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np

from bench.report import calibration

TOP = Path(__file__).resolve().parents[3]

# Writes what delwribench would have; a file named `slow` makes it wait.
PROGRAM = '''#!/usr/bin/python3
import json, random, sys, time
from pathlib import Path
words = sys.argv[2:]
def option(name, default=None):
    for i, word in enumerate(words):
        if word.partition("=")[0] == name:
            return word.partition("=")[2] or words[i + 1]
    return default
resumed = option("--resume")
if resumed:
    folder = Path(resumed)
    words = json.loads((folder / "words.json").read_text())
else:
    folder = Path(option("--out")) / "run"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "words.json").write_text(json.dumps(words))
injected = float((option("--inject") or "none=0").split("=")[1])
out = option("--benchmark_out")
seed = int(option("--seed"))
if out:
    draw = random.Random(seed + 7919 * ("second" in out))
    rows = [dict(name=f"lookup/own_1k/none/iterations:{{seed}}", threads=1,
                 run_name="other", run_type=kind, iterations=1,
                 real_time=t, cpu_time=t, time_unit="ns")
            for kind in ("iteration", "aggregate")
            for t in [draw.gauss(46 * (1 + injected / 100), 1)
                      for _ in range(20)]]
    Path(out).write_text(json.dumps(dict(context={{}}, benchmarks=rows)))
    sys.exit()
sys.path[:0] = [{top!r}, {here!r}]
import synthetic
truth = synthetic.Truth(blocks=int(option("--blocks")), threads=1,
                        rounds=3, workloads=("lookup/own_1k",), fixes={{}})
synthetic.save(folder / "machine.json", synthetic.machine(truth))
for data in synthetic.blocks(truth, seed):
    path = folder / f"block-{{data['block']:04}}.json"
    for row in data["rows"]:
        if row["fix"] == "none_twin":
            row["batches_ns"] = [b * (1 + injected / 100)
                                 for b in row["batches_ns"]]
    data["before"]["clock_s"] = 0.5 * data["block"]
    if not path.exists():
        synthetic.save(path, data)
    while data["block"] == 5 and Path({slow!r}).exists():
        time.sleep(0.05)
'''


def phase(rng, blocks, shift=0.0, layout_sd=0.0, percent=0.0, layouts=24):
    of = rng.normal(0, layout_sd, layouts)
    values = [rng.normal(shift + of[i % layouts], 0.004)
              for i in range(blocks)]
    return {"percent": percent, "busy": False, "seconds": 0.2 * blocks,
            "log_ratios": values,
            "layouts": [str(i % layouts) for i in range(blocks)]}


def result(rng, **more):
    """Of a method that works, but for what `more` says."""
    phases = {f"{word}-aa": phase(rng, 1200) for word in ("quiet", "busy")}
    for word in ("quiet", "busy"):
        for percent in (0.5, 1, 2, 5):
            phases[f"{word}-{percent:g}"] = phase(
                rng, 480, np.log1p(percent / 100), percent=percent)
    phases.update(more)
    needed = calibration.blocks_needed(phases["quiet-aa"], 0.5)
    pairs = [{"percent": p, "busy": b, "rounds": 150, "p_values": [0.01, 0.5]}
             for b in (False, True) for p in (0, 1)]
    return {"scale": 1, "workload": "lookup/own_1k", "rounds": 25,
            "machine": {"host": "here"}, "phases": phases, "gbench": pairs,
            "live": {"percent": 0.5, "blocks": needed or 100, "needed": needed,
                     "trials": [phase(rng, needed or 100, np.log1p(0.005))
                                for _ in range(10)]}}


class Bars(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(1)

    def met(self, **more):
        return {what.partition(":")[0]: met for what, _, met in
                calibration.bars(result(self.rng, **more))}

    def test_a_method_that_works(self):
        found = self.met()
        self.assertTrue(all(v for k, v in found.items()
                            if "100 blocks" not in k), found)

    def test_a_method_that_does_not(self):
        biased = phase(self.rng, 1200, 0.004)
        self.assertFalse(self.met(**{"quiet-aa": biased})
                         ["quiet, equal code, 6 blocks"])
        weak = phase(self.rng, 480, 0.0, percent=1)
        self.assertFalse(self.met(**{"quiet-1": weak})["quiet, +1 % in 60 s"])

    def test_open_when_too_little_was_measured(self):
        few = phase(self.rng, 5)
        self.assertIsNone(self.met(**{"busy-aa": few})
                          ["busy, equal code, 6 blocks"])
        self.assertIsNone(self.met(**{"busy-2": few})["busy, +2 %"])

    def test_blocks_needed_find_it(self):
        made = phase(self.rng, 1200, layout_sd=0.004)
        blocks = calibration.blocks_needed(made, 0.5)
        hits = [calibration.found(calibration.groups(
                    phase(self.rng, blocks, np.log1p(0.005), 0.004),
                    blocks)[0]) for _ in range(200)]
        self.assertGreater(np.mean(hits), 0.8)

    def test_no_number_of_blocks_outdoes_layouts(self):
        made = phase(self.rng, 1200, layout_sd=0.02)
        self.assertIsNone(calibration.blocks_needed(made, 0.5))

    def test_text(self):
        text = calibration.text_of(result(self.rng))
        self.assertLessEqual(max(map(len, text.splitlines())), 72)
        for words in ("What was to be shown", "Google Benchmark",
                      "trials that found it", "between layouts"):
            self.assertIn(words, text)


class Program(unittest.TestCase):
    def setUp(self):
        self.top = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.top)
        self.program = self.top / "program"
        self.slow = self.top / "slow"
        self.program.write_text(PROGRAM.format(
            top=str(TOP), here=str(Path(__file__).parent),
            slow=str(self.slow)))
        self.program.chmod(0o755)
        self.out = self.top / "out"

    def start(self, *words):
        return subprocess.Popen(
            [sys.executable, TOP / "bench/report", "calibrate", "--program",
             self.program, "--results", self.top, *words], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_interrupted_and_resumed(self):
        self.slow.touch()
        begun = self.start("--scale", "0.0001", "--out", self.out)
        block = self.out / "raw" / "quiet-aa" / "run" / "block-0005.json"
        deadline = time.monotonic() + 900
        while not block.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        begun.send_signal(signal.SIGTERM)
        _, said = begun.communicate(timeout=900)
        self.assertEqual(begun.returncode, 130, said)
        self.assertIn(f"--resume {self.out}", said)
        kept = block.stat().st_mtime_ns
        self.slow.unlink()
        resumed = self.start("--resume", self.out)
        text, said = resumed.communicate(timeout=900)
        self.assertEqual(resumed.returncode, 0, said)
        self.assertEqual(block.stat().st_mtime_ns, kept)
        self.assertIn("made with --scale", text)
        found = json.loads((self.out / "calibration.json").read_text())
        self.assertEqual(len(found["phases"]["quiet-aa"]["log_ratios"]), 12)
        # Half a second each, by the blocks' own clock.
        self.assertEqual(found["phases"]["quiet-aa"]["seconds"], 6.0)
        self.assertEqual([len(g["p_values"]) for g in found["gbench"]],
                         [1] * 4)

    def test_refuses(self):
        for words, said in ((("--scale", "0"), "above 0"),
                            (("--resume", self.top), "no calibration"),
                            (("--out", self.top), "would be overwritten")):
            process = self.start(*words)
            _, error = process.communicate(timeout=900)
            self.assertEqual((process.returncode, said in error), (2, True),
                             error)

    def test_says_why_a_run_failed(self):
        self.program.write_text("#!/bin/sh\necho no space left >&2\nexit 3\n")
        process = self.start("--scale", "0.0001", "--out", self.out)
        _, error = process.communicate(timeout=900)
        self.assertEqual(process.returncode, 2)
        self.assertIn("status 3; what it said last: no space left", error)


if __name__ == "__main__":
    unittest.main()
