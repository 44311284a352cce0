#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/test: no skip is silent, no warning ends a user's build.

--machines refuses what it cannot do, and leaves nothing behind.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable

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
    options = {"stderr": subprocess.PIPE} | options
    return subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True,
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
            # Together, as ctest has them.
            done = run(sys.executable, main, self.folder, path.name,
                       stderr=subprocess.STDOUT)
            self.assertEqual(done.returncode, status, done.stdout)
            lines = done.stdout.splitlines()
            self.assertIn("skipped: sample_test.Half.test_skips: no perf", lines)
            self.assertIn("skipped: sample_test.Class.test_class: no pahole", lines)
        self.assertEqual(run(sys.executable, main, self.folder, "no.py").returncode, 1)


class Warnings(Folder):
    def test_errors_if_asked_for(self) -> None:
        for asked in ("", "ON"):
            build = self.folder / f"build{asked}"
            done = run("cmake", "-S", TOP, "-B", build, "-G", "Ninja",
                       env={**os.environ, "WARNINGS_ARE_ERRORS": asked})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual("-Werror" in (build / "build.ninja").read_text(),
                             bool(asked))


class Machines(Folder):
    """A tree with nothing but the script, and programs that are not real."""

    def setUp(self) -> None:
        super().setUp()
        for name in ("tests", ".git", "bin"):
            (self.folder / name).mkdir()
        self.script = self.folder / "tests/machines.sh"
        shutil.copy(TOP / "tests/machines.sh", self.script)
        self.env = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                    "DEBOOTSTRAP_MIRROR": "nowhere"}
        self.program("debootstrap", "exec sleep 4711.25")

    def program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\ncd {self.folder}\n{text}\n")
        path.chmod(0o755)

    def refused(self, *arguments: str, about: str) -> None:
        done = run(self.script, *arguments, env=self.env)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(about, done.stderr)

    def test_refused(self) -> None:
        self.refused("11", about="'11'")
        self.refused("13", "", about="''")
        self.program("id", "echo 1000")
        self.refused(about="root")
        self.program("id", "echo 0")
        self.program("apt-get", "exit 1")
        self.env["DEBOOTSTRAP_MIRROR"] = ""
        self.refused(about="DEBOOTSTRAP_MIRROR")
        (self.folder / ".git").rmdir()
        self.refused(about="git")
        (self.folder / "bin/debootstrap").unlink()
        self.env["PATH"] = f"{self.folder / 'bin'}:/usr/bin:/bin"
        self.refused(about="debootstrap")
        done = run(TOP / "scripts/test", "--machine")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("'--machine'", done.stderr)
        done = run(TOP / "scripts/test", "--machines", "11")
        self.assertEqual(done.returncode, 2)

    def needs_mounts(self) -> None:
        if os.getuid() or run("unshare", "--mount", "--pid", "--kill-child",
                              "--mount-proc", "true").returncode:
            self.skipTest("mounts of one's own are not allowed here")

    def test_not_made_is_not_passed(self) -> None:
        self.needs_mounts()
        self.program("debootstrap", "echo no such mirror; exit 1")
        done = run(self.script, "12", "unstable", env=self.env)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("no such mirror", done.stdout)
        self.assertRegex(done.stdout, r"Debian 12 +root +\(made\) +1 +\d+ +not tried")
        self.assertEqual(done.stdout.splitlines()[-1], "0 passed, 2 failed")

    def test_nothing_is_left(self) -> None:
        self.needs_mounts()
        mounts = pathlib.Path("/proc/mounts").read_text()
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143),
                               (signal.SIGKILL, -9)):
            # A shell in the background ignores SIGINT, and it would, too.
            with subprocess.Popen([self.script, "12"], env=self.env,
                                  preexec_fn=lambda: signal.signal(
                                      signal.SIGINT, signal.SIG_DFL),
                                  stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as begun:
                self.addCleanup(begun.kill)
                self.wait_for(self.sleepers)
                begun.send_signal(number)
            self.assertEqual(begun.returncode, status)
            # The kernel ends them, after it.
            self.wait_for(lambda: not self.sleepers())
        self.assertEqual(pathlib.Path("/proc/mounts").read_text(), mounts)

    def wait_for(self, condition: Callable[[], object]) -> None:
        """The limit is ctest's: how busy the machine is, nobody knows."""
        while not condition():
            time.sleep(0.02)

    def sleepers(self) -> list[pathlib.Path]:
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
                where = os.readlink(path.parent / "cwd")
            except OSError:
                continue
            if words[:2] == [b"sleep", b"4711.25"] and (
                    # In another mount namespace, seen from a chroot: longer.
                    where.endswith(str(self.folder))):
                found.append(path)
        return found


if __name__ == "__main__":
    unittest.main()
