#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run a folder's tests of one file; a skip is named with its reason.

Usage: tests/unittest_main.py FOLDER FILE.  Status 77: all were skipped.
"""
import pathlib
import sys
import unittest

TOP = pathlib.Path(__file__).resolve().parents[1]


class Result(unittest.TextTestResult):
    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        # A line of its own: no dots before it.
        print(f"skipped: {test.id()}: {reason}", flush=True)


def main(folder: str, file: str) -> int:
    sys.dont_write_bytecode = True
    # As for the scripts; this folder would hide bench/.
    sys.path[0] = str(TOP)
    suite = unittest.defaultTestLoader.discover(folder, file)
    if not suite.countTestCases():
        print(f"no test in {folder}/{file}", file=sys.stderr)
        return 1
    result = unittest.TextTestRunner(resultclass=Result, verbosity=0).run(suite)
    if not result.wasSuccessful():
        return 1
    return 77 if len(result.skipped) >= max(result.testsRun, 1) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
