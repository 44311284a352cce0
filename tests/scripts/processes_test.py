# SPDX-License-Identifier: GPL-2.0-only
"""Processes and threads that cannot be had: nobody else's process is touched,
nothing hangs, and what could not be done is said.

fail_nth.c makes one call fail and counts signals to, and waits for, anything
but a child of the caller's own.
"""
import itertools
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ["DELWRIBENCH"])
INTERPOSER = Path(os.environ["FAIL_NTH_SO"])
# Far more than any command here takes on a busy machine: a hang.
PATIENCE_S = 200
# Users who have no other processes: the limit counts those of the machine,
# containers included, and the dead whom a container's first process leaves.
NOBODIES = itertools.count(20000 + os.getpid() * 64 % 40000)
VERIFY = [PROGRAM, "verify", "--fix", "none", "--fix", "delwri_queue_here",
          "--hazard", "lost-error"]
STRESS = [PROGRAM, "verify", "--fix", "none", "--stress", "0.1"]
RUN = [PROGRAM, "run", "--no-verify", "--threads", "1", "--rounds", "1",
       "--fix", "none"]
LOOKUP = [*RUN, "--workload", "lookup/own_1k"]
BUSY = [*RUN, "--workload", "lookup/busy"]
ALONE = [*RUN, "--workload", "bulkload/cold"]
CALIBRATE = [sys.executable, TOP / "bench/report", "calibrate", "--scale",
             "0.0001", "--results", "."]
# As long as a calibration needs a program; it measures nothing.
STAND_IN = '''#!/bin/sh
sleep 0.05
echo "cannot measure" >&2
exit 3
'''


class Trial:
    """One command with one call that fails."""

    def __init__(self, folder: Path, call: str, nth: int) -> None:
        self.state = folder / "state"
        self.state.write_bytes(bytes(4096))
        self.env = {**os.environ, "LD_PRELOAD": str(INTERPOSER), "FAIL_CALL": call,
                    "FAIL_NTH": str(nth), "FAIL_STATE": str(self.state)}

    def run(self, command: list, folder: Path) -> subprocess.CompletedProcess:
        return subprocess.run([str(word) for word in command], env=self.env,
                              cwd=folder, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE_S,
                              check=False)

    def counted(self) -> tuple[int, int]:
        """Calls of that kind; signals and waits that hit somebody else."""
        return struct.unpack("II", self.state.read_bytes()[:8])


def said(done: subprocess.CompletedProcess) -> list[str]:
    """Complaints: no progress, and not the command that goes on."""
    return [line for line in done.stderr.splitlines()
            if not re.match(r"  |\[ *\d|.*to go on:$", line)]


class EachCall(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def each(self, call: str, command: list, most_lines: int,
             first: int = 1) -> None:
        """The nth call fails, for every n that the command comes to."""
        trial = Trial(self.folder, call, 0)
        done = trial.run(command, self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        most = trial.counted()[0]
        self.assertGreaterEqual(most, first, "it makes no such call")
        for nth in range(first, most + 1):
            trial = Trial(self.folder, call, nth)
            done = trial.run(command, self.folder)
            calls, foreign = trial.counted()
            with self.subTest(call=call, nth=nth, stderr=done.stderr):
                self.assertEqual(foreign, 0)
                # Threads are a few more or fewer each time.
                self.assertTrue(calls >= nth or nth > most - 3)
                if calls >= nth:
                    self.assertGreater(done.returncode, 0)
                    self.assertLessEqual(len(said(done)), most_lines)
                    self.assertRegex(done.stderr, "unavailable|ulimit -u")

    def test_verify_fork(self) -> None:
        self.each("fork", VERIFY, 1)

    def test_verify_thread(self) -> None:
        # liburcu's own line where it cannot start its thread.
        self.each("pthread_create", [*VERIFY, "--threads"], 2)

    def test_stress(self) -> None:
        for call in ("fork", "pthread_create"):
            trial = Trial(self.folder, call, 1)
            done = trial.run(STRESS, self.folder)
            self.assertEqual((trial.counted()[1], done.returncode), (0, 3))
        # One of those that make the stress: the others are ended.
        trial = Trial(self.folder, "pthread_create", 12)
        done = trial.run(STRESS, self.folder)
        self.assertEqual((trial.counted()[1], done.returncode), (0, 3))
        self.assertIn("no result", done.stdout)

    def test_nobody_reaps(self) -> None:
        """Whoever starts it ignores SIGCHLD, and it would inherit that."""
        for command in VERIFY, ALONE:
            done = subprocess.run(
                [str(word) for word in command], cwd=self.folder,
                preexec_fn=lambda: signal.signal(signal.SIGCHLD,
                                                 signal.SIG_IGN),
                capture_output=True, text=True, timeout=PATIENCE_S,
                check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_run_fork(self) -> None:
        self.each("fork", LOOKUP, 1)
        self.each("fork", ALONE, 2)

    def test_run_thread(self) -> None:
        self.each("pthread_create", LOOKUP, 3)

    def test_run_thread_of_a_workload(self) -> None:
        # The first are the lookup's, too.
        self.each("pthread_create", BUSY, 3, first=8)

    def test_run_verifies(self) -> None:
        """The matrix of a run has processes of its own."""
        command = [word for word in LOOKUP if word != "--no-verify"]
        for nth in (2, 9, 20):
            trial = Trial(self.folder, "fork", nth)
            done = trial.run(command, self.folder)
            self.assertEqual(trial.counted(), (nth, 0))
            self.assertGreater(done.returncode, 0)
            self.assertRegex(done.stderr, "unavailable|ulimit -u")
            # Its block was finished before.
            self.assertEqual(len(list(self.folder.glob(
                "results/*/block-0001.json"))), 1)
            shutil.rmtree(self.folder / "results")

    def test_calibrate(self) -> None:
        program = self.folder / "program"
        program.write_text(STAND_IN)
        program.chmod(0o755)
        refused = 0
        # The first ones are its libraries', which do without.
        for nth in range(1, 6):
            trial = Trial(self.folder, "fork", nth)
            done = trial.run([*CALIBRATE, "--program", program, "--out",
                              self.folder / str(nth)], self.folder)
            self.assertEqual(trial.counted()[1], 0)
            self.assertEqual((done.returncode, len(said(done))), (2, 1),
                             done.stderr)
            refused += "cannot start" in done.stderr
        self.assertGreaterEqual(refused, 1)


def processes_of(user: int) -> list[str]:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if re.search(rf"^Uid:\t{user}\t", text, re.M) and (
                "State:\tZ" not in text):
            found.append(text.splitlines()[0])
    return found


@unittest.skipUnless(os.geteuid() == 0, "only root can become a user who has "
                     "no other processes")
class FewProcesses(unittest.TestCase):
    """An unprivileged user under `ulimit -u`, interrupted or not."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.folder.chmod(0o755)
        # The tree may lie where only root may look.
        shutil.copy2(PROGRAM, self.folder / "delwribench")
        shutil.copytree(PROGRAM.parent / "layouts", self.folder / "layouts")
        shutil.copytree(TOP / "bench/report", self.folder / "bench/report")
        shutil.copy(TOP / "bench/output.py", self.folder / "bench")
        self.home = self.folder / "home"
        self.home.mkdir()

    def start(self, command: list, limit: int) -> subprocess.Popen:
        self.user = next(NOBODIES)
        os.chown(self.home, self.user, self.user)

        def become_nobody() -> None:
            # Ignored, as by a shell in the background, it would stay so.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
            os.setgid(self.user)
            os.setuid(self.user)

        words = [str(word).replace(str(PROGRAM),
                                   str(self.folder / "delwribench"))
                 .replace(str(TOP / "bench"), str(self.folder / "bench"))
                 for word in command]
        return subprocess.Popen(
            words, cwd=self.home, preexec_fn=become_nobody, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True)

    def try_out(self, command: list, limits: list[int],
                begins: str = "") -> None:
        """Once left alone, once interrupted when `begins` is there."""
        draw = random.Random(1)
        for limit in limits:
            for interrupted in (False, True):
                out = self.home / f"out-{limit}-{interrupted}"
                process = self.start([*command, *(["--out", out] if begins
                                                  else [])], limit)
                deadline = time.monotonic() + PATIENCE_S
                while interrupted and begins and process.poll() is None and (
                        not (out / begins).exists()):
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.01)
                if interrupted:
                    time.sleep(draw.uniform(0.02, 0.6))
                    if process.poll() is None:
                        os.killpg(process.pid, signal.SIGINT)
                _, stderr = process.communicate(timeout=PATIENCE_S)
                with self.subTest(limit=limit, interrupted=interrupted,
                                  stderr=stderr):
                    self.assertGreaterEqual(process.returncode,
                                            -signal.SIGINT * interrupted)
                    self.assertNotIn("Traceback", stderr)
                    # The kernel ends a child's child, after it.
                    for _ in range(1000):
                        if not processes_of(self.user):
                            break
                        time.sleep(0.01)
                    self.assertEqual(processes_of(self.user), [])

    def test_verify(self) -> None:
        self.try_out([PROGRAM, "verify", "--fix", "none", "--hazard",
                      "ordering"], [1, 2, 5, 9, 30])

    def test_run(self) -> None:
        self.try_out([*LOOKUP, "--workload", "bulkload/cold"],
                     [1, 2, 4, 8, 20])

    def test_calibrate(self) -> None:
        self.try_out([*CALIBRATE, "--program", PROGRAM], [1, 2, 4],
                     "plan.json")


if __name__ == "__main__":
    unittest.main()
