#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""No indirect call in what a cached lookup executes, in any fix.

Disassembles the program, starts at each fix's bench_*() and follows direct
calls and jumps, except into what only happens when something rare does.
Whatever is reached has to be free of calls and jumps through memory or a
register, executed or not; calls of shared libraries are such jumps.
"""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

# Where the path of a hit ends; parts that the compiler cut off included.
RARE = {
    "buf_find_insert",          # a miss
    "buf_find_stale",           # found stale
    "buf_rele_last",            # nobody else has it, nor has the LRU
    "force_for_lock",           # pinned and stale
    "point_reached",            # somebody watches: not in a measured run
    "flag_leak",
    "spin_lock_contended", "down_contended", "up_contended",
    "task_register",            # the thread's first time
    # An RCU grace period waits for this reader: liburcu wakes it, inlined.
    "syscall@plt", "__errno_location@plt", "compat_futex_async@plt",
}
FUNCTION = re.compile(r"[0-9a-f]+ <(.+)>:$")
INSTRUCTION = re.compile(r"\s+[0-9a-f]+:\s+(.*)")
BRANCH = re.compile(r"(?:bnd |notrack )*(?:call|j[a-z]+)\s+(.*)")
TARGET = re.compile(r"<(.+?)(?:\+0x[0-9a-f]+)?>")


def disassemble(program: object) -> dict:
    """Instructions of each function."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program],
                          text=True, check=True, stdout=subprocess.PIPE).stdout
    functions, now = {}, []
    for line in text.splitlines():
        if match := FUNCTION.match(line):
            now = functions.setdefault(match[1], [])
        elif match := INSTRUCTION.match(line):
            now.append(match[1])
    return functions


def is_rare(name: str, fix: str) -> bool:
    """Off the path of a hit, as a whole or a part of it."""
    name = name.removeprefix(fix + ".")
    return name in RARE or name.split(".")[0] in RARE


def check(functions: dict, fix: str) -> tuple:
    """Functions reached, and indirect branches in them."""
    todo = [f for f in functions if f.startswith(fix + ".bench_")]
    reached, bad = set(todo), []
    while todo:
        name = todo.pop()
        for instruction in functions.get(name, []):
            branch = BRANCH.match(instruction)
            if not branch:
                continue
            if "*" in branch[1]:
                bad.append(f"{name}: {instruction}")
            target = TARGET.search(branch[1])
            if target and target[1] not in reached and \
                    not is_rare(target[1], fix):
                reached.add(target[1])
                todo.append(target[1])
    return reached, bad


@unittest.skipUnless(os.uname().machine == "x86_64", "it reads x86-64 code")
class Program(unittest.TestCase):
    """The one that is tested, $DELWRIBENCH."""

    def test_none(self) -> None:
        functions = disassemble(os.environ["DELWRIBENCH"])
        fixes = {f.split(".")[0] for f in functions
                 if f.endswith(".bench_lookup_chain")}
        # verify's own copies, of which none is timed.
        fixes.remove("fibers")
        for generation in ("6_12", "7_3"):
            self.assertIn(f"none_{generation}", fixes)
            self.assertIn(f"none_twin_{generation}", fixes)
        for fix in sorted(fixes):
            with self.subTest(fix=fix):
                reached, bad = check(functions, fix)
                self.assertEqual(bad, [])
                self.assertIn(f"{fix}.bench_lookup", reached)
                if "null_" not in fix:
                    self.assertIn(f"{fix}.buf_rele", reached)


SAMPLE = """
int (*volatile pointer)(int);
int called(int) __asm__("bad.called");
int direct(int) __asm__("bad.bench_direct");
int through(int) __asm__("bad.bench_through");
int jumped(int) __asm__("jump.bench_jumped");
int rare(int) __asm__("good.buf_rele_last");
int good(int) __asm__("good.bench_good");
__attribute__((noinline)) int called(int i) { return pointer(i) + 1; }
int through(int i) { return called(i) + 1; }
int direct(int i) { return pointer(i) + 1; }
int jumped(int i) { return pointer(i); }
__attribute__((noinline)) int rare(int i) { return pointer(i) + 1; }
int good(int i) { return i ? i + 1 : rare(i) + 1; }
"""


@unittest.skipUnless(os.uname().machine == "x86_64", "it reads x86-64 code")
class Sample(unittest.TestCase):
    """The test can fail."""

    def test_found(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "sample.c"
            source.write_text(SAMPLE)
            library = source.with_suffix(".so")
            subprocess.run([os.environ.get("CC", "cc"), "-O2", "-shared",
                            "-fPIC", "-Wl,-Bsymbolic", "-o", library, source],
                           check=True)
            functions = disassemble(library)
        reached, bad = check(functions, "bad")
        self.assertIn("bad.called", reached)
        self.assertEqual({b.split(":")[0] for b in bad},
                         {"bad.called", "bad.bench_direct"})
        self.assertEqual(len(check(functions, "jump")[1]), 1)
        self.assertEqual(check(functions, "good")[1], [])


if __name__ == "__main__":
    unittest.main()
