#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/perf: the field behind an address, and what it says when it cannot."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]

OBJECTS = """\
none@6.12 buf 0x10000 384
none@6.12 ag 0x20000 832
remove_on_stale@6.12 buf 0x30000 384
"""
# Of two accesses to b_hold, one to b_sema, one to bc_lock, one to nothing
# known, and one load that found its line unchanged; offsets are the kernel's.
SAMPLES = """\
           10014  68501042 |OP LOAD|LVL L3 miss|SNP HitM|TLB Walker hit|LCK Yes|BLK  N/A   55d0 none.buf_lookup
           10014  68501042 |OP LOAD|LVL L3 miss|SNP HitM|TLB Walker hit|LCK Yes|BLK  N/A   55d0 none.buf_rele
           10024  68501042 |OP LOAD|LVL L3 miss|SNP HitM|TLB Walker hit|LCK Yes|BLK  N/A   55d0 none.buf_rele
           20040  68501042 |OP LOAD|LVL L3 miss|SNP HitM|TLB Walker hit|LCK Yes|BLK  N/A   55d0 none.buf_rele
           99999  68501042 |OP LOAD|LVL L3 miss|SNP HitM|TLB Walker hit|LCK No|BLK  N/A   55d0 main
           30048  68100142 |OP LOAD|LVL L1 hit|SNP None|TLB L1 or L2 hit|LCK No|BLK  N/A   55d0 get
"""


def perf(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([TOP / "scripts/perf", *arguments], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@unittest.skipUnless(shutil.which("pahole"), "pahole is missing: scripts/setup perf")
class Names(unittest.TestCase):
    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)

    def replay(self, samples: str, objects: str) -> subprocess.CompletedProcess:
        (self.folder / "samples").write_text(samples)
        (self.folder / "objects").write_text(objects)
        return perf("c2c", "--replay", self.folder / "samples",
                    "--objects", self.folder / "objects")

    def test_fields(self) -> None:
        done = self.replay(SAMPLES, OBJECTS)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertIn("REPLAY", lines[0])
        self.assertRegex(lines[2], r"^ +3  none@6.12 buf, line 0 .*b_hold\S* \(2\), b_sema\S* \(1\)")
        self.assertIn("none.buf_rele", lines[2])
        self.assertRegex(lines[3], r"^ +1  none@6.12 ag, line 1 .*bc_lock\S* \(1\)")
        # What nobody else changed is not contended.
        self.assertNotIn("remove_on_stale", done.stdout)
        self.assertIn("6 samples; 4 HITM in objects of the cache, 1 elsewhere", lines[-1])

    def test_bad(self) -> None:
        for samples, objects in ((SAMPLES, "none buf\n"), ("nothing\n", OBJECTS)):
            done = self.replay(samples, objects)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(perf("c2c", "--replay", "/nowhere", "--objects", "/x").returncode, 2)
        self.assertEqual(perf("blame").returncode, 2)
        self.assertEqual(perf().returncode, 2)


@unittest.skipUnless(shutil.which("perf"), "perf is missing: scripts/setup perf")
class Counts(unittest.TestCase):
    def test_only_batches(self) -> None:
        """Three batches are far less than all that the program does."""
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "out"
            done = perf("stat", "-x", ";", "-o", out, "-e", "task-clock", "--", "--fix", "none",
                        "-w", "lookup/own_1k", "-t", "1", "-r", "3", "--out", folder)
            if "not permitted" in done.stderr.lower():
                self.skipTest("perf may not count here")
            self.assertEqual(done.returncode, 0, done.stderr)
            counted = [line for line in out.read_text().splitlines() if "task-clock" in line]
            value = counted[0].split(";")[0]
            self.assertGreater(float(value), 0)


if __name__ == "__main__":
    unittest.main()
