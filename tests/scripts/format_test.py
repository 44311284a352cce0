#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/format: one opinion, whichever clang-format is there."""
import os
import pathlib
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
# The pointers are what versions saw differently.
GOOD = """\
struct one {
	int *first;	/* aligned by hand */
	unsigned long	second;
};

void all(struct one *one, void (*hook)(struct one *one))
{
	if (one->first)
		hook(one);
}
"""
BAD = GOOD.replace("\t\thook", "\thook")


class Format(unittest.TestCase):
    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)
        self.file = self.folder / "one.c"

    def check(self, text: str, *options: str, **env: str) -> subprocess.CompletedProcess:
        self.file.write_text(text)
        return subprocess.run([TOP / "scripts/format", *options, self.file], text=True,
                              env={**os.environ, **env}, capture_output=True, check=False)

    def test_style(self) -> None:
        self.assertEqual(self.check(GOOD, "--check").returncode, 0)
        done = self.check(BAD, "--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("\n+\t\thook(one);\n", done.stdout)
        self.assertEqual(self.file.read_text(), BAD)
        self.assertEqual(self.check(BAD).returncode, 0)
        self.assertEqual(self.file.read_text(), GOOD)

    def test_too_old(self) -> None:
        old = self.folder / "clang-format"
        old.write_text("#!/bin/sh\necho Ubuntu clang-format version 13.0.1-2\n")
        old.chmod(0o755)
        done = self.check(BAD, PATH=f"{self.folder}:{os.environ['PATH']}")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("14 or newer", done.stderr)
        self.assertEqual(self.file.read_text(), BAD)


if __name__ == "__main__":
    unittest.main()
