#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/test: no skip is silent."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
CASES = """\
<testsuite tests="9">
<testcase name="good" status="run"><system-out>skips nothing
skipped: of a program's own words, if it ends well, too</system-out></testcase>
<testcase name="cases" status="run"><system-out>[ RUN      ] test_a
skipped: no disk
[  SKIPPED ] test_a
[ RUN      ] test_b
[       OK ] test_b
[ RUN      ] test_c
[  SKIPPED ] test_c
[  PASSED  ] 1 test(s).
[  SKIPPED ] 2 test(s), listed below:
[  SKIPPED ] test_a
[  SKIPPED ] test_c</system-out></testcase>
<testcase name="empty" status="run"><system-out>[ RUN      ] test_a
skipped: no disk
[  SKIPPED ] test_a
[  PASSED  ] 0 test(s).</system-out></testcase>
<testcase name="whole" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>
<system-out>skipped: no such processor</system-out></testcase>
<testcase name="silent" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>
<system-out></system-out></testcase>
<testcase name="gone" status="notrun"><skipped message="Unable to find executable"/>
</testcase>
<testcase name="bad" status="fail"><failure message=""/></testcase>
</testsuite>
"""
UNITTEST = """\
import unittest
class Half(unittest.TestCase):
    def test_runs(self): {first}
    def test_skips(self): self.skipTest("no perf")
@unittest.skip("no pahole")
class Class(unittest.TestCase):
    def test_class(self): pass
"""


def run(*command: object, **options: object) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True,
                          check=False, **options)


class Folder(unittest.TestCase):
    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)


class Skips(Folder):
    def tally(self, xml: str) -> subprocess.CompletedProcess:
        (self.folder / "x.xml").write_text(xml)
        return run(TOP / "tests/tally.py", "asan", self.folder / "x.xml")

    def test_each_has_its_reason(self) -> None:
        self.assertEqual(self.tally(CASES).stdout.splitlines(), [
            "skipped asan good: of a program's own words, if it ends well, too",
            "skipped asan cases, test_a: no disk",
            "FAILED  asan cases, test_c: skipped, and says no reason",
            "skipped asan empty, test_a: no disk",
            "skipped asan whole: no such processor",
            "FAILED  asan silent: skipped, and says no reason",
            "2 4 4"])

    def test_no_result_is_no_pass(self) -> None:
        self.assertNotEqual(self.tally(CASES[:90]).returncode, 0)
        self.assertEqual(self.tally("<testsuite/>").stdout.split(), ["0", "0", "0"])

    def test_unittest_says_it_by_itself(self) -> None:
        main = TOP / "tests/unittest_main.py"
        path = self.folder / "sample_test.py"
        for first, status in (("pass", 0), ("self.fail()", 1),
                              ("self.skipTest('x')", 77)):
            path.write_text(UNITTEST.format(first=first))
            done = run(sys.executable, main, self.folder, path.name)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn("skipped: sample_test.Half.test_skips: no perf\n",
                          done.stdout)
            self.assertIn("skipped: sample_test.Class.test_class: no pahole\n",
                          done.stdout)
        self.assertEqual(run(sys.executable, main, self.folder, "no.py").returncode, 1)


if __name__ == "__main__":
    unittest.main()
