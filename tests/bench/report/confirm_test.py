# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel says of the model's rows, in text, page and summary."""
import re
import tempfile
import unittest
from html import unescape
from pathlib import Path

import synthetic
from synthetic import Truth, kernel_run, step

from bench.report import confirm, summary, text
from bench.report.compare import More, Options, compare
from bench.report.confirm import (CONFIRMED, CONTRADICTED, NOT_MEASURED, TIE)
from bench.report.load import load_run

FIXES = {"delwri_queue_here": 1.5, "remove_on_stale": 1.0}


class Rows(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)

    def compared(self, workload: str, fixes=None, change=None):
        folder = synthetic.write(self.top / "run", Truth(
            workloads=(workload,), fixes=fixes or FIXES))
        for path in folder.glob("block-*.json"):
            synthetic.edit(path, lambda d: [change(r) for r in d["rows"]]
                           if change else None)
        return compare([load_run(folder)], Options())

    def word(self, comparison, fix: str, *steps: dict, **more):
        side = comparison.sides[0]
        result = next(r for r in side.results.values()
                      if r.fix == fix and r.metric == "cost")
        return confirm.word(result, side, kernel_run(*steps) | more)

    @staticmethod
    def no_waits(row):
        if row["fix"] in ("none", "remove_on_stale"):
            row["waits"]["list"].update(count=0, total_ns=0, max_ns=0)

    def storm(self):
        return self.compared("repair_storm/1k", change=self.no_waits)

    def widened(self, fix: str, waits: int, loads: int = 10000, **more):
        return step("widened", fix, loads=loads, blocks=loads,
                    wait_count=waits, wait_total_ns=waits * 38_000_000,
                    repairs=loads // 2) | more

    def test_confirmed(self):
        word = self.word(self.storm(), "delwri_queue_here",
                         self.widened("none", 0),
                         self.widened("delwri_queue_here", 25))
        self.assertEqual(word.verdict, CONFIRMED)
        self.assertIn("25 waits for a list in 10000 loads, 0.19 ms a repair",
                      word.why)

    def test_a_tie_says_how_many_events(self):
        word = self.word(self.storm(), "delwri_queue_here",
                         self.widened("none", 0),
                         self.widened("delwri_queue_here", 0))
        self.assertEqual(word.verdict, TIE)
        self.assertIn("it ties: 0 waits for a list in 10000 loads", word.why)
        # The model waits 3 times in 100,000 repairs.
        self.assertIn("by the model's rate 0.3", word.why)

    def test_contradicted(self):
        word = self.word(self.storm(), "delwri_queue_here",
                         self.widened("none", 90),
                         self.widened("delwri_queue_here", 10))
        self.assertEqual(word.verdict, CONTRADICTED)
        # A fix that is no slower here waits there.
        faster = self.compared_again({"delwri_queue_here": 0.5})
        word = self.word(faster, "delwri_queue_here",
                         self.widened("none", 0),
                         self.widened("delwri_queue_here", 90))
        self.assertEqual(word.verdict, CONTRADICTED)

    def compared_again(self, fixes):
        self.top = self.top / "again"
        self.top.mkdir()
        return self.compared("repair_storm/1k", fixes, self.no_waits)

    def test_emulated_times_are_none(self):
        steps = [self.widened(f, 0, seconds=s) for f in
                 ("none", "remove_on_stale") for s in (10.0, 10.1)]
        slower = self.compared("repair_storm/1k", {"remove_on_stale": 1.5},
                               self.no_waits)
        word = self.word(slower, "remove_on_stale", *steps)
        self.assertEqual(word.verdict, NOT_MEASURED)
        self.assertIn("emulated", word.why)
        word = self.word(slower, "remove_on_stale", *steps,
                         accelerator="kvm")
        self.assertEqual(word.verdict, TIE)
        for s in steps[2:]:
            s["seconds"] *= 2
        self.assertEqual(self.word(slower, "remove_on_stale", *steps,
                                   accelerator="kvm").verdict, CONFIRMED)

    def test_not_measured(self):
        storm = self.storm()
        for steps, why in (((), "widened was not run with"),
                           ((self.widened("none", 0),), "was not run")):
            word = self.word(storm, "delwri_queue_here", *steps)
            self.assertEqual(word.verdict, NOT_MEASURED)
            self.assertIn(why, word.why)
        word = self.word(storm, "delwri_queue_here",
                         self.widened("none", 0),
                         self.widened("delwri_queue_here", 25),
                         fixes={"delwri_queue_here": {
                             "lost_hooks": ["dwb_found"]}})
        self.assertEqual(word.verdict, NOT_MEASURED)
        word = self.word(storm, "delwri_queue_here", kernel="7.3.4")
        self.assertIn("cache is 6.12's", word.why)

    def test_what_claims_nothing(self):
        equal = self.compared("lookup/own_1k", {"remove_on_stale": 1.01})
        side = equal.sides[0]
        for result in side.results.values():
            if result.verdict not in confirm.CLAIMS:
                self.assertIsNone(confirm.word(result, side, kernel_run()))

    def cost(self, fix: str, instructions: int):
        return step("cost", fix, lookup_min_ps=instructions * 1000)

    def test_instructions_of_hits(self):
        equal = self.compared("lookup/own_1k", {"remove_on_stale": 1.0})
        for more, verdict in ((0, CONFIRMED), (100, CONTRADICTED)):
            word = self.word(equal, "remove_on_stale", self.cost("none", 600),
                             self.cost("remove_on_stale", 600 + more))
            self.assertEqual(word.verdict, verdict)
        self.assertEqual(self.word(equal, "remove_on_stale").verdict,
                         NOT_MEASURED)

    def test_violations(self):
        def loses(row):
            row.update(checked=100, violated=3 * (row["fix"] == "none"))
        comparison = self.compared("repair_storm/1k", change=loses)
        for bad, word in ((7, "confirmed: 7 of 10000"),
                          (0, "not confirmed: 0 of 10000")):
            data = kernel_run(self.widened("none", 0, not_durable=bad))
            shown = " ".join(text.report_text(comparison, data).split())
            self.assertIn(f"kernel: {word} blocks not durable", shown)

    def test_trials_and_the_matrix(self):
        comparison = self.storm()
        lost = step("crash", "none", settings={"mode": "crash"}, hit=1,
                    held=1, xfs_repair_status=1, mount_status=0)
        kept = lost | {"fix": "remove_on_stale", "xfs_repair_status": 0}
        data = kernel_run(lost, lost, kept, kept, kept)
        shown = " ".join(text.report_text(comparison, data).split())
        self.assertIn("kernel, ordering and crash, trials that lost: held: "
                      "remove_on_stale 0 of 3", shown.replace(
                          "confirmed: none 2 of 2; ", ""))
        self.assertIn("confirmed: none 2 of 2", shown)
        bad = kept | {"xfs_repair_status": 1}
        shown = " ".join(confirm.trials(
            comparison.sides[0], kernel_run(bad, lost | {
                "xfs_repair_status": 0})))
        self.assertIn("contradicted: remove_on_stale 1 of 1", shown)
        self.assertIn("not confirmed: none 0 of 1", shown)

    def test_in_text_page_and_summary(self):
        comparison = self.storm()
        data = kernel_run(self.widened("none", 0),
                          self.widened("delwri_queue_here", 25))
        from bench.report import page     # matplotlib takes a second
        plain = text.report_text(comparison, data)
        self.assertLessEqual(max(map(len, plain.splitlines())), 72)
        html = unescape(re.sub("<[^>]*>", " ", page.render(comparison, data)))
        for shown in (plain, html):
            shown = " ".join(shown.split())
            self.assertRegex(shown, "confirmed.* 25 waits for a list in")
            self.assertIn("by Linux 6.12.117+deb12: 1 confirmed", shown)
        self.assertRegex(plain, r"(?m)^  delwri_queue_here +slower ")

    def test_an_order_that_the_kernel_does_not_have(self):
        def waits(row):
            count, each = {"delwri_queue_here": (300, 20), "none": (0, 0)
                           }.get(row["fix"], (300, 1))
            row["waits"]["list"] = {
                "count": count, "total_ns": count * each * 10**6,
                "max_ns": 2 * each * 10**6}
        comparison = self.compared("repair_storm/1k", {
            "delwri_queue_here": 3.0, "wait_in_find_lock": 2.0}, waits)
        data = kernel_run(*(self.widened(fix, n, wait_max_ns=70_000_000)
                            for fix, n in (("none", 0),
                                           ("delwri_queue_here", 25),
                                           ("wait_in_find_lock", 25))))
        shown = " ".join(text.report_text(comparison, data).split())
        self.assertIn("kernel: not confirmed, it ties: mean wait for a list, "
                      "ms: delwri_queue_here over wait_in_find_lock x20, "
                      "there 38 to 38 of 25 and 25 events", shown)
        self.assertIn("its trees had 1.00 blocks", shown)


class Met(unittest.TestCase):
    def test_text(self):
        met = summary.Met(2028, 2028, 44_600_000_000, 25396)
        self.assertEqual(met.text("repair"), "met 2028 stale, linked blocks: "
                         "22.0 ms waited for each, 1.76 ms a repair")
        self.assertEqual(summary.Met(0, 0, 0, 9).text("load"), "")
        self.assertEqual(summary.Met(1, 0, 0, 9).text("load"),
                         "met 1 stale, linked block, waited for none")
        # Not counted is not 0.
        self.assertIn("waited 3 times", summary.Met(None, 3, 9, 9)
                      .text("load"))


class Differences(unittest.TestCase):
    def test_are_those_of_the_rounds(self):
        with tempfile.TemporaryDirectory() as top:
            folder = synthetic.write(Path(top) / "run", Truth(
                workloads=("repair_storm/1", "lookup/own"),
                fixes={"mine": 1.5}, block_sd=0.0))
            for path in folder.glob("block-*.json"):
                def plant(d):
                    for r in d["rows"]:
                        r["batches_ns"] = [
                            1e6 * (10 + i + 2 * (r["fix"] == "mine"))
                            for i in range(len(r["batches_ns"]))]
                synthetic.edit(path, plant)
            found = compare([load_run(folder)], Options()).sides[0].results
        more = {k[0][0]: r.more for k, r in found.items()
                if k[1:] == ("mine", "cost")}
        self.assertEqual(more["repair_storm/1"],
                         More(2e6, (2e6, 2e6)))
        self.assertIsNone(more["lookup/own"])


if __name__ == "__main__":
    unittest.main()
