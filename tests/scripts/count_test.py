# SPDX-License-Identifier: GPL-2.0-only
"""A timed copy is, to the last instruction, what the compiler makes of sources
in which nothing counts: without count.h, its macros and their arguments."""
import itertools
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
# With and without macros of its own; all hooks are in one of them.
FIXES = ("none", "multi_list", "remove_on_stale")
# Compiled once, for all fixes; what only counts.
NOT_OF_A_COPY = re.compile(r"device|block\.c|point\.c|stat\.c")
# Of what only a report asks for.
USES = re.compile(
    r"(->|\.)(events|holdings|stall|lock_since|m_stat|t_lookups|"
    r"misqueued|nr_walked)\b|"
    r"atomic_(inc|dec)\w*\(&\w+(->\w+)*->m_(log_items|entries)\b|"
    r"\b(stat_|stall_|task_holds|task_lets_go)\w*\(")


def without(text: str, macro: str, instead: str) -> str:
    """`text` with each macro(...) replaced, whatever is in the brackets."""
    found = re.search(rf"\b{macro}\(", text)
    while found:
        depth, end = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        text = text[:found.start()] + instead + text[end:]
        found = re.search(rf"\b{macro}\(", text)
    return text


def strip(text: str) -> str:
    """Sources as if nobody had ever thought of counting."""
    text = text.replace('"cache/count.h"', '"sync/sync.h"')
    text = without(text, "COUNT", "")
    text = without(text, "COUNTED", "NULL")
    return text.replace("counted_lock(", "spin_lock(").replace(
        "counted_unlock(", "spin_unlock(")


class Copies(unittest.TestCase):

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.stripped = pathlib.Path(folder.name)
        self.macros = 0
        for path in (TOP / "impl").rglob("*.[ch]"):
            to = self.stripped / path.relative_to(TOP)
            to.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text()
            if path.name != "count.h":
                self.macros += len(re.findall(r"\bCOUNT\(", text))
                to.write_text(strip(text))

    def compiled(self, top: pathlib.Path, generation: str, fix: str,
                 *options: str) -> str:
        """The assembler's text of a whole copy."""
        sources = [path for path in sorted((top / "impl/cache").glob("*.c"))
                   if not NOT_OF_A_COPY.match(path.name)]
        done = subprocess.run(
            [os.environ.get("CC", "cc"), "-std=gnu11", "-O2", "-fPIE",
             "-ffunction-sections", "-D_GNU_SOURCE=", "-Wno-unused-function",
             f"-DFIX_NAME={fix}", f"-DFIX_COPY={fix}",
             f"-DFIX_COUNTING=counting_{fix}", f"-DCACHE_NAME={generation}",
             f"-I{top / 'impl'}", f"-I{top}",
             "-I" + str(top / "impl/cache/generation" / generation), "-include",
             str(top / "impl/fixes" / f"{fix}.c"), *options,
             "-S", "-o", "-", "-x", "c", "-"],
            input="".join(f'#include "{path}"\n' for path in sources),
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_timed_copy_counts_nothing(self) -> None:
        self.assertGreater(self.macros, 30)
        generations = sorted(
            path.name for path in (TOP / "impl/cache/generation").iterdir())
        self.assertTrue(generations)
        for what in itertools.product(generations, FIXES):
            with self.subTest(" ".join(what)):
                timed = self.compiled(TOP, *what)
                self.assertEqual(timed.splitlines(), self.compiled(
                    self.stripped, *what).splitlines())
        self.assertNotEqual(timed, self.compiled(TOP, *what,
                                                 "-DCACHE_COUNTS=1"))

    def test_nothing_counts_elsewhere(self) -> None:
        """What COUNT() is for stands in no line of code without it."""
        for path in self.stripped.rglob("*.[ch]"):
            if path.parent.name == "sync" or path.name == "stat.c":
                continue        # they are called by such a line, or none
            for line in path.read_text().splitlines():
                if line.startswith("\t"):
                    self.assertNotRegex(line, USES, path)

    def test_no_condition_elsewhere(self) -> None:
        """Whether a copy counts is asked in one place."""
        for path in (TOP / "impl").rglob("*.[ch]"):
            if path.name != "count.h":
                self.assertNotRegex(path.read_text(), "CACHE_COUNTS", path)


if __name__ == "__main__":
    unittest.main()
