#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The explorer finds what is known to be there, twice the same, and hides nothing."""
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import unittest

BUILD = pathlib.Path(os.environ["DELWRIBENCH"]).parent
EXPLORE = pathlib.Path(__file__).parents[2] / "bench" / "explore"
TREES = ("crash", "failing_write_0", "failing_write_1", "failing_write_2", "failing_write_3",
         "inode_held", "reader", "review")
# What the measured sources may take from outside: the runtime, and functions
# that keep nothing and allocate nothing.
OUTSIDE = re.compile(
    r"_GLOBAL_OFFSET_TABLE_|__tsan_\w+|arena_\w+|fiber_\w+|block_\w+|device_\w+|rcu_\w+|task_\w+"
    r"|complete|completion_init|wait_for_completion|current_task|down_contended|up_contended"
    r"|finish_wait|prepare_to_wait|list_sort|list_corrupt|now_ns|schedule_timeout|sleep_ns"
    r"|spin_lock_contended|var_waitqueue|wake_up_process|wake_up_queue|stall_\w+|point_\w+"
    r"|more_processors|mem(set|cpy|cmp)|__stack_chk_fail|__assert_fail")


def explore(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BUILD / "explore", *options], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)


def told(fix: str, *options: str) -> dict:
    return json.loads(explore("--json", "--fix", fix, *options).stdout)[fix]


class Explore(unittest.TestCase):
    def test_the_defect(self) -> None:
        for strategy in (["-t", "pct", "--workers", "1"], ["-b", "1"]):
            for cache in ("7.3", "6.12"):
                with self.subTest(strategy=strategy, cache=cache):
                    found = told("none", "--cache", cache, *strategy)
                    self.assertEqual(found["verdict"], "violated")
                    self.assertEqual(found["hazard"], "ordering")
                    self.assertIn("flag set only!", found["evidence"])
                    lines = found["evidence"].splitlines()
                    self.assertLessEqual(len(lines), 2 + 12, found["evidence"])
                    self.assertLessEqual(max(map(len, lines)), 72)
                    # Another process, the same steps: the same run.
                    again = explore("--replay", found["replay"])
                    self.assertEqual(again.returncode, 1, again.stderr)
                    self.assertIn(found["evidence"], again.stdout)

    def test_twice_the_same(self) -> None:
        one, other = (told("none", "-t", "pct", "--runs", "500", "--all") for _ in range(2))
        for run in one, other:
            del run["seconds"]
        self.assertEqual(one, other)

    def test_replayed(self) -> None:
        """Each schedule by its steps, early wakes too: the same one."""
        for fix, scenario, memory in (("none", "review", "tso"), ("wait_in_stale", "review", "sc"),
                                      ("delwri_queue_here", "wakeup", "tso")):
            with self.subTest(fix=fix):
                found = told(fix, "-s", scenario, "--memory", memory,
                             "-t", "pct", "--runs", "1000", "--all")
                self.assertEqual((found["schedules"], found["astray"]), (1000, 0))

    def test_what_verify_found(self) -> None:
        """The line below each of its timelines shows the same again."""
        found = subprocess.run([BUILD / "delwribench", "verify", "--json", "--hazard", "ordering",
                                "--hazard", "deadlock", "--hazard", "unbounded-wait"],
                               text=True, stdout=subprocess.PIPE, check=False)
        seen = 0
        for fix, cells in json.loads(found.stdout)["fixes"].items():
            for hazard, cell in cells.items():
                if cell["verdict"] != "violated":
                    self.assertNotIn("--replay", cell["evidence"])
                    continue
                with self.subTest(fix=fix, hazard=hazard):
                    *_, hint = cell["evidence"].splitlines()
                    replay = re.fullmatch("scripts/explore --replay '(.*)'", hint)
                    again = explore("--replay", replay[1])
                    self.assertEqual(again.returncode, 1, again.stderr)
                    self.assertTrue(again.stdout.startswith(f"{fix}: {hazard}: "), again.stdout)
                    seen += 1
        self.assertGreater(seen, 5)

    def test_probability(self) -> None:
        """1/(n k^(d-1)), of the runs that it holds of."""
        for depth in 1, 2, 4:
            found = told("remove_on_stale", "-t", "pct", "--runs", "200", "-b", str(depth))
            told_of = re.fullmatch(
                r"pct, depth \d+, (\d+) tasks, (\d+) points: .* = (\S+) or more; "
                r"the (\d+) .* (\S+)", found["how_far"])
            tasks, points, one, runs, together = map(float, told_of.groups())
            expected = 1 / (tasks * points ** (depth - 1))
            self.assertAlmostEqual(one / expected, 1, delta=0.06)
            expected = -math.expm1(runs * math.log1p(-expected))
            self.assertAlmostEqual(together / expected, 1, delta=0.06)
            self.assertLess(runs, 200)

    def test_in_a_debugger(self) -> None:
        """The hint that is printed, as it is typed: it stops in the defect."""
        if not shutil.which("gdb"):
            self.skipTest("gdb is not installed")
        hint = re.search(r"^  (gdb .*)$", explore("--fix", "none", "-b", "1").stdout, re.M)
        done = subprocess.run(hint[1], shell=True, text=True, check=False,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        for frame in r"#0 +witness_reached \(", r"#\d+ .* in repair \(", r"#\d+ .* in fiber_main \(":
            self.assertRegex(done.stdout, frame)

    def test_exhausted(self) -> None:
        for fix in ("remove_on_stale", "multi_list", "wait_in_find_lock"):
            with self.subTest(fix=fix):
                found = told(fix, "-b", "1", "--choices", "0")
                self.assertEqual((found["verdict"], found["cut"]), ("exhausted", 0))
                self.assertEqual((found["bound"], found["bound_choices"]), (1, -1))
        # Whoever goes on where a task blocks, by default.
        found = told("write_linked", "-s", "wakeup", "-b", "2")
        self.assertEqual((found["verdict"], found["bound"], found["bound_choices"]),
                         ("not found", 2, 1))
        # Without its control's failing, nothing is said to be there no more.
        found = told("remove_on_stale", "-b", "0")
        self.assertEqual(found["verdict"], "not found")
        self.assertIn("neither was anything found in none, known", found["how_far"])

    def test_deadlock(self) -> None:
        found = told("wait_in_stale", "-b", "1")
        self.assertEqual(found["hazard"], "deadlock")
        self.assertIn("Repair0 (list)", found["why"])

    def test_lost_wakeup(self) -> None:
        """Where stores wait in buffers, only; and a barrier is enough."""
        options = ("-s", "wakeup", "-b", "2", "--choices", "0")
        found = told("delwri_queue_here", *options, "--memory", "tso")
        self.assertEqual((found["verdict"], found["hazard"]), ("violated", "lost-wakeup"))
        self.assertRegex(found["evidence"], r"\n +\d+ +is preempted +buffer: link")
        again = explore("--replay", found["replay"])
        self.assertEqual(again.returncode, 1, again.stderr)
        self.assertIn(found["evidence"], again.stdout)
        self.assertEqual(told("delwri_queue_here_mb", *options, "--memory", "tso")["verdict"],
                         "exhausted")
        found = told("delwri_queue_here", *options, "--memory", "sc")
        self.assertEqual((found["verdict"], found["complete"]), ("not found", True))

    def test_reduction(self) -> None:
        """The same orders, and the same violations, as without."""
        for fix, scenario, memory, bound, choices in (
                ("none", "review", "sc", 1, "0"), ("none", "review", "tso", 1, "0"),
                ("none", "review", "sc", 0, "any"), ("none", "wakeup", "sc", 1, "1"),
                ("none", "wakeup", "tso", 1, "1"),
                ("none", "ordering:review", "sc", 1, "0"),
                ("none", "lost-error:write-error", "tso", 1, "0"),
                ("none", "reread:read-ahead-during-the-wait", "sc", 1, "0"),
                ("delwri_queue_here", "wakeup", "tso", 1, "0")):
            with self.subTest(fix, scenario=scenario, memory=memory):
                options = ("-s", scenario, "--memory", memory, "-b", str(bound), "--all",
                           "--choices", choices, "--workers", "1")
                less, all_of_them = (told(fix, *options, *more) for more in ([], ["--unreduced"]))
                self.assertTrue(less["complete"] and all_of_them["complete"])
                self.assertGreater(less["merged"], 0)
                self.assertEqual(all_of_them["merged"], 0)
                self.assertGreater(less["orders"], 1)
                for what in ("orders", "orders_sum", "bad_orders"):
                    self.assertEqual(less[what], all_of_them[what], what)

    def test_the_oracle(self) -> None:
        """Its cells, within a bound: what it says of one schedule holds in all."""
        for scenario, fix, hazard in (
                ("ordering:review", "none", "ordering"),
                ("lost-error:write-error", "none", "lost-error"),
                ("reread:reader-after-the-commit", "none_pre_done", "reread"),
                ("deadlock:everybody-running", "wait_in_stale", "deadlock")):
            with self.subTest(scenario=scenario, fix=fix):
                found = told(fix, "-s", scenario, "-b", "1", "--choices", "0")
                self.assertEqual((found["verdict"], found["hazard"]), ("violated", hazard))
                again = explore("--replay", found["replay"])
                self.assertEqual(again.returncode, 1, again.stderr)
                self.assertIn(found["evidence"], again.stdout)
            for fix in ("remove_on_stale", "delwri_queue_here_mb"):
                with self.subTest(scenario=scenario, fix=fix):
                    found = told(fix, "-s", scenario, "-b", "1", "--choices", "0")
                    self.assertEqual(found["verdict"], "exhausted", found["how_far"])
                    self.assertGreater(found["schedules"], 10)

    def test_scenarios_and_controls(self) -> None:
        """Each control is found where it is named; a correct fix is not, but where said."""
        scenarios = self.scenarios()
        sources = "".join(path.read_text() for path in EXPLORE.glob("scenario_*.c"))
        self.assertEqual(len(set(scenarios)), len(scenarios))
        self.assertEqual(len(scenarios), sources.count("PLAY_SCENARIO(") + 3)
        for scenario in scenarios:
            for memory in ("sc", "tso"):
                # Those of a tree have thousands of points: one memory is enough here.
                if memory == "tso" and scenario in TREES:
                    continue
                with self.subTest(scenario=scenario, memory=memory):
                    options = ("-s", scenario, "-b", "1", "--choices", "0", "--memory", memory)
                    found = told("remove_on_stale", *options)
                    if scenario == "wakeup":
                        # Its control needs a second step.
                        self.assertIn("in delwri_queue_here, known", found["how_far"])
                        self.assertTrue(found["complete"])
                    else:
                        self.assertEqual(found["verdict"], "exhausted", found)
                    self.assertEqual((found["errors"], found["cut"]), (0, 0))

    def scenarios(self) -> list[str]:
        names = [line.split()[0] for line in explore("--list").stdout.splitlines()]
        # Without the oracle's: test_the_oracle().
        return [name for name in names[names.index("write_linked") + 1:] if ":" not in name]

    def test_no_false_alarm(self) -> None:
        """What the waiting fixes do in these two is no news: see README.md there."""
        for scenario in self.scenarios():
            for fix in ("delwri_queue_here_mb", "multi_list", "wait_in_find_lock",
                        "write_linked"):
                with self.subTest(scenario=scenario, fix=fix):
                    found = told(fix, "-s", scenario, "-t", "pct", "--runs", "100",
                                 "--cache", "6.12")
                    waits = fix in ("delwri_queue_here_mb", "wait_in_find_lock")
                    hazard = {"owner_sleeps": "deadlock", "traffic": "unbounded-wait"}
                    if waits and scenario in hazard:
                        self.assertEqual(found["hazard"], hazard[scenario])
                    else:
                        self.assertEqual(found["verdict"], "not found", found)
                        self.assertEqual((found["errors"], found["cut"]), (0, 0))

    def test_hazard_by_state(self) -> None:
        """Who waits for ever is told by what for, and who could help."""
        for fix, scenario, hazard, why in (
                ("never_wakes", "wakeup", "lost-wakeup", "Repair1 (list) for block 1"),
                ("queue_keeps_lock", "ag_header", "deadlock", "Repair1 (list) for block 1"),
                ("trylock_keeps_lock", "trylock", "deadlock", "(lock) for block 1"),
                ("wait_in_find_lock", "traffic", "unbounded-wait", "8 passes"),
                ("wait_in_find_lock", "owner_sleeps", "deadlock",
                 "Owner (lock) for block 0, locked by Repair1")):
            with self.subTest(fix=fix, scenario=scenario):
                found = told(fix, "-s", scenario, "-b", "1")
                self.assertEqual(found.get("hazard"), hazard, found)
                self.assertIn(why, found["why"])
                again = explore("--replay", found["replay"])
                self.assertEqual(again.returncode, 1, again.stderr)

    def test_crash(self) -> None:
        """A root is durable before a block of its tree: seen in the image."""
        found = told("none", "-s", "crash", "-b", "1")
        self.assertEqual(found["hazard"], "ordering")
        self.assertRegex(found["why"], "a crash when block .* leaves a root .* without its block 1")

    def test_does_not_hang(self) -> None:
        """Links in a circle are followed without a point; memory that is none is used."""
        found = told("queue_no_recheck", "-s", "requeued", "-b", "1")
        self.assertEqual(found["hazard"], "list-corruption")
        # Nobody is there who would end a setup in which a fix waits.
        done = explore("-s", "wakeup", "--fix", "wait_in_stale", "-b", "0")
        self.assertEqual(done.returncode, 3)
        self.assertIn("cannot begin", done.stderr)

    def test_mutants(self) -> None:
        """Each by a scenario that its base passes; what it cannot see is not found."""
        names = ("find_no_restart", "stale_no_lock", "pop_wakes_nobody", "multi_stales_first",
                 "queue_not_done")
        fixes = [word for name in names for word in ("--fix", name)]
        found = json.loads(explore("--mutants", "--json", *fixes).stdout)
        self.assertEqual({name: found[name].get("scenario") for name in names},
                         {"find_no_restart": "two_lookups", "stale_no_lock": "owner_and_staler",
                          "pop_wakes_nobody": "waiter_in_flight",
                          "multi_stales_first": "stale_write", "queue_not_done": "reader"})
        # Staled in flight: nobody waits for it there, and others do not care.
        self.assertIn("of 1 mutants found", explore("--mutants", "--fix", "stale_no_lock").stdout)

    def test_refused(self) -> None:
        """Whatever is broken: one line, and nothing is run."""
        good = "7.3/none/review/sc/"
        replays = ["nonsense", "", "/", "////", "7.3", "7.3/none", "7.3/none/review", good[:-1],
                   good + "964", good + "9>4.9>5", good + "9>4.8>5", good + "964>99", good + "964>4.",
                   good + ".964>4", good + "964>4..966>5", good + "964>-1", good + "-964>4",
                   good + "964>4+", good + "964>4+x", good + "964>4+99", good + "964>4 ",
                   good + " 964>4", good + "+964>4", good + "0x10>4", good + "964>4/1", good + "/964>4",
                   good + "99999999999999999999>4", good + "200000>4", good + "964>4\n970>5",
                   good + ".".join(f"{i}>4" for i in range(1, 600)), "7.3/none/review/weak/964>4",
                   "7.3/no_fix/review/sc/964>4", "2.4/none/review/sc/964>4",
                   "7.3/none/no_play/sc/964>4", good + "9" * 9000]
        for options in (*(["--replay", text] for text in replays), ["--fix", "no_fix"],
                        ["--scenario", "no_play"], ["--bound", "-1"], ["--seconds", "x"],
                        ["--choices", "7"], ["--choices", "all"], ["--memory", "weak"],
                        ["--mutants", "--fix", "none"], ["more"]):
            with self.subTest(options=options):
                done = explore(*options)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_in_the_arena(self) -> None:
        """No memory of the cache is where a snapshot does not have it."""
        objects = [*BUILD.glob("fixes/fiber_*.o")]
        objects += BUILD.glob("CMakeFiles/fiber_code.dir/impl/sync/*.o")
        self.assertGreater(len(objects), 4)
        for path in objects:
            for line in subprocess.check_output(["nm", path], text=True).splitlines():
                kind, name = line.split()[-2:]
                if kind == "U":
                    if "fiber_code" not in str(path):
                        self.assertTrue(OUTSIDE.fullmatch(name), f"{path.name} calls {name}")
                elif kind in "bBC":
                    self.fail(f"{path.name}: {name} changes, and is no HOST_STATE")


if __name__ == "__main__":
    unittest.main()
