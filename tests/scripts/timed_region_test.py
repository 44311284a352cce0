#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Counters add no instruction to what is timed.

Disassembles the pool's run_timed(): between its two readings of the clock
there is one call, of the job, and no branch, and as many instructions with
counters as without.
"""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BRANCH = re.compile(r"(?:bnd |notrack )*(call|j[a-z]+)\s+(.*)")


def function(program: str, name: str) -> list[str]:
    """Its instructions."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program,
                           f"--disassemble={name}"], text=True, check=True,
                          stdout=subprocess.PIPE).stdout
    return re.findall(r"^\s+[0-9a-f]+:\s+(.*)$", text, re.MULTILINE)


def timed(instructions: list[str]) -> list[list[str]] | str:
    """Mnemonics between readings of the clock, or what is wrong.

    The compiler may have written the region twice: with counters, without.
    """
    clocks = [i for i, text in enumerate(instructions) if "<now_ns>" in text]
    if not clocks or len(clocks) % 2:
        return f"{len(clocks)} readings of the clock"
    regions = []
    for start, end in zip(clocks[::2], clocks[1::2]):
        region = instructions[start + 1:end]
        calls = [m[0] for m in map(BRANCH.match, region) if m]
        if len(calls) != 1 or "*" not in calls[0]:
            return f"not the job's call alone: {calls}"
        regions.append(sorted(text.split()[0] for text in region))
    return regions


@unittest.skipUnless(os.uname().machine == "x86_64", "it reads x86-64 code")
class TimedRegion(unittest.TestCase):
    def test_only_the_job(self) -> None:
        regions = timed(function(os.environ["DELWRIBENCH"], "run_timed"))
        self.assertIsInstance(regions, list, regions)
        self.assertLess(len(regions[0]), 10, regions)
        self.assertTrue(all(r == regions[0] for r in regions), regions)

    def test_finds_a_counter(self) -> None:
        """The same function with counters switched inside is refused."""
        source = (TOP / "bench/pool.c").read_text()
        enable = "	if (counting)\n		perf_enable(counting);\n"
        start = "	w->start_ns = now_ns();\n"
        self.assertIn(enable + start, source)
        with tempfile.TemporaryDirectory() as folder:
            changed = pathlib.Path(folder) / "pool.c"
            changed.write_text(source.replace(enable + start, start + enable))
            made = pathlib.Path(folder) / "pool.o"
            subprocess.run(["cc", "-std=gnu11", "-O2", "-D_GNU_SOURCE=",
                            f"-I{TOP}", f"-I{TOP / 'impl'}", "-c", changed,
                            "-o", made], check=True)
            # Calls of other files have their names in relocations.
            text = subprocess.run(["objdump", "-dr", "--no-show-raw-insn",
                                   "--disassemble=run_timed", made],
                                  text=True, check=True,
                                  stdout=subprocess.PIPE).stdout
        lines = re.sub(r"\n\s+[0-9a-f]+: R_X86_64_\S+\s+(\w+)\S*", r" <\1>",
                       text)
        found = re.findall(r"^\s+[0-9a-f]+:\s+(.*)$", lines, re.MULTILINE)
        self.assertIsInstance(timed(found), str)


if __name__ == "__main__":
    unittest.main()
