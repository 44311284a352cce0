#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Count what ctest ran, and name each skip with its reason.

Usage: tests/tally.py BUILD RESULT.xml

A test that skips prints a line "skipped: WHY"; one case of a cmocka program
does so before skip(), Python's say it by themselves (tests/unittest_main.py).
Here it is a line per skip, and last one of three numbers: passed, failed,
skipped.  A skip without a reason has failed; a program of which no case was
left has not passed.
"""
from __future__ import annotations

import re
import sys
from xml.etree import ElementTree

CASE = re.compile(r"\[ +(RUN|SKIPPED|OK|PASSED|FAILED) +\] (\S+)")
REASON = re.compile(r"skipped: (.+)")
# Of a program's status 77; a program that is not there is "notrun", too.
SKIPPED = "SKIP_RETURN_CODE"


def skips(output: str) -> list[tuple[str, str]]:
    """(case or "", reason or "") of each."""
    found: list[tuple[str, str]] = []
    case = why = ""
    for line in output.splitlines():
        if match := REASON.match(line):
            why = match[1]
            if not case:
                found.append(("", why))
        elif match := CASE.match(line):
            what, name = match.groups()
            if what == "SKIPPED" and name == case:
                found.append((case, why))
            case, why = (name, "") if what == "RUN" else ("", "")
    return found


def tally(build: str, root: ElementTree.Element) -> tuple[list[str], list[int]]:
    """Lines to print, and how many passed, failed, were skipped."""
    lines = []
    passed = failed = skipped = 0
    for test in root.iter("testcase"):
        name, output = test.get("name"), test.findtext("system-out") or ""
        found = skips(output)
        note = test.find("skipped")
        whole = note is not None and SKIPPED in (note.get("message") or "")
        if whole and not found:
            found = [("", "")]
        for case, why in found:
            place = f"{build} {name}{case and ', '}{case}"
            if why:
                skipped += 1
                lines.append(f"skipped {place}: {why}")
            else:
                failed += 1
                lines.append(f"FAILED  {place}: skipped, and says no reason")
        if test.get("status") == "run":
            passed += "[  PASSED  ] 0 test(s)" not in output
        elif not whole:
            failed += 1
    return lines, [passed, failed, skipped]


def main(build: str, path: str) -> int:
    lines, counts = tally(build, ElementTree.parse(path).getroot())
    print(*lines, " ".join(map(str, counts)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
