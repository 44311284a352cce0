# SPDX-License-Identifier: GPL-2.0-only
"""Curves by distance and counters, from runs whose truth is known."""
import re
import tempfile
import unittest
from pathlib import Path

import synthetic
from synthetic import Truth

from bench.report import (counters, distance, figures, page, summary, text,
                          verdicts)
from bench.report import Refused
from bench.report.compare import Options, compare
from bench.report.load import load_run

PLACED = {("same-l3", 1): 40.0, ("same-l3", 2): 60.0, ("same-l3", 4): 90.0,
          ("cross-node:21", 2): 150.0, ("cross-node:21", 4): 280.0,
          ("cross-node:12", 2): 110.0,
          ("compact, memory remote", 2): 75.0}


class Written(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def run_of(self, **truth) -> Path:
        return synthetic.write(Path(self.folder.name) / "run",
                               Truth(blocks=3, **truth))

    def compared(self, **truth):
        return compare([load_run(self.run_of(**truth))],
                       Options(exploratory=True))


class Placed(Written):
    def test_curves(self):
        run = load_run(self.run_of(placed=PLACED))
        for fix, ratio in (("none", 1), ("remove_on_stale", 1.05)):
            found = distance.curves(run, fix)["lookup/own"]
            self.assertEqual({(p, t) for p, c in found.items() for t in c},
                             set(PLACED))
            for (placement, threads), ns in PLACED.items():
                self.assertAlmostEqual(found[placement][threads] / ns / ratio,
                                       1, delta=0.002)

    def test_near_first_and_in_words(self):
        run = load_run(self.run_of(placed=PLACED))
        self.assertEqual(list(distance.labels(run).values()),
                         ["same L3", "node distance 12", "node distance 21",
                          "neighbours first, memory remote"])
        self.assertEqual(distance.label("smt-pair"), "same core")
        self.assertEqual(distance.label("cross-l3"), "same node, other L3")

    def test_figure_and_page(self):
        comparison = self.compared(placed=PLACED)
        chart = figures.by_distance(comparison.sides[0], "none", "c1")
        for words in ("node distance 21", "same L3", "lookup/own"):
            self.assertIn(words, chart)
        html = page.render(comparison)
        self.assertIn("by distance", html)
        self.assertIn("no core has two processors", html)

    def test_text(self):
        report = text.report_text(self.compared(placed=PLACED))
        line = next(x for x in report.splitlines()
                    if "node distance 21" in x and " us" not in x)
        self.assertEqual(re.findall(r"-|\d+ ns", line),
                         ["-", "150 ns", "280 ns"])
        self.assertIn("not measured: same core: no core has two", report)
        self.assertLessEqual(max(map(len, report.splitlines())), 72)

    def test_nothing_placed(self):
        side = self.compared().sides[0]
        self.assertEqual(distance.lines(side.run, "none"), [])
        self.assertIsNone(figures.by_distance(side, "none", "c1"))

    def test_misplaced(self):
        path = self.run_of(placed=PLACED)

        def lose(data):
            thread = data["placements"][0]["threads"][0]
            thread.update(ok=False, found_pu=7, reason="it went to 7")
        synthetic.edit(path / "block-0001.json", lose)
        report = text.report_text(compare([load_run(path)],
                                          Options(exploratory=True)))
        self.assertIn("block-0001.json: not as placed, same-l3: it went to 7",
                      report)

    def test_not_seen(self):
        """Nobody could tell: that is no reason to leave a block out."""
        path = self.run_of(placed=PLACED)

        def hide(data):
            point = data["placements"][0]
            point["threads"][0].update(ok=False, found_pu=None,
                                       reason="the kernel does not say")
            point.update(ok=False, pages=[
                {"what": "buf", "ok": False, "pages": 0, "reason": "no page"}])
        synthetic.edit(path / "block-0002.json", hide)
        side = compare([load_run(path)], Options(exploratory=True)).sides[0]
        self.assertEqual(side.run.discarded, [])
        self.assertEqual(summary.unseen(side.run), [
            "block-0002.json: same-l3: the kernel does not say",
            "block-0002.json: same-l3: no page"])

    def test_emulated(self):
        path = self.run_of()
        synthetic.edit(path / "machine.json", lambda data: data["machine"]
                       .update(hypervisor="TCGTCGTCGTCG"))
        with self.assertRaisesRegex(Refused, "emulated"):
            compare([load_run(path)], Options(exploratory=True))


class Counted(Written):
    def test_per_operation(self):
        path = self.run_of(perf={"instructions": 212.5, "cycles": None})
        for file in path.glob("block-*.json"):
            synthetic.edit(file, lambda data: [
                r.update(counters={"misses": 5000.0, "hits": 95000.0})
                for r in data["rows"]])
        side = compare([load_run(path)], Options(exploratory=True)).sides[0]
        lines = "\n".join(counters.lines(side))
        # 5 rounds of 20000 operations
        self.assertRegex(lines, r"per operation +hits +misses +instr u\n"
                                r"  none +0.950 +0.0500 +212\n")
        self.assertIn("counted for this share of the time: instr u 50 %",
                      lines)
        self.assertIn("Not counted: cycles u: kernel.perf_event_paranoid",
                      lines)
        self.assertNotRegex(lines, r"cycles u +0")


class Open(Written):
    WORKLOADS = ("lookup/own", "open/churn")

    def open_run(self):
        path = self.run_of(workloads=self.WORKLOADS, latency=True)

        def add_series(data):
            for row in data["rows"]:
                if row["workload"].startswith("open/"):
                    batch = [[100, 2000]] * 64
                    late = batch[:10] + [[100, 50_000_000]] * 5 + batch[15:]
                    row["series"] = {"slice_ns": 10_000_000,
                                     "batches": [batch, late]}
        for file in path.glob("block-*.json"):
            synthetic.edit(file, add_series)
        return compare([load_run(path)], Options(exploratory=True))

    def test_tables_of_their_own(self):
        comparison = self.open_run()
        lines = verdicts.verdict_lines(comparison)
        at = next(i for i, x in enumerate(lines) if x.startswith("Open loop"))
        self.assertEqual(lines.count(verdicts.HEAD.rstrip()), 2)
        self.assertFalse([x for x in lines[:at] if x.startswith("open/")])
        self.assertFalse([x for x in lines[at:] if x.startswith("lookup/")])
        html = page.render(comparison)
        # Verdicts, percentiles; the twin's, exploratory.
        self.assertEqual(html.count("Open loop: operations arrive"), 3)
        lines = text.latency_lines(comparison.sides[0])
        self.assertEqual(sum("p99.9" in x for x in lines), 2)

    def test_stalls_are_seen(self):
        side = self.open_run().sides[0]
        lines = " ".join(" ".join(text.latency_lines(side)).split())
        # 3 blocks of 2 batches of 64 slices; 5 of each second one stalled
        self.assertIn("more than 10 times that in 15 of 384, worst 50.0 ms "
                      "at 0.74 s", lines)
        chart = figures.series(side, ("open/churn", 2, ""), "c1")
        self.assertIn("longest latency over time", chart)
        self.assertIsNone(figures.series(side, ("lookup/own", 2, ""), "c1"))

    def test_only_percentiles_that_are_supported(self):
        path = self.run_of(latency=True)
        side = compare([load_run(path)], Options(exploratory=True)).sides[0]
        # 3 blocks of 400
        row = next(x for x in text.latency_lines(side) if "  none " in x)
        self.assertNotIn(" - ", row)
        for file in path.glob("block-*.json"):
            synthetic.edit(file, lambda data: [
                r["latency"].update(count=30, buckets=[[200, 30]], sum=6000.0)
                for r in data["rows"]])
        side = compare([load_run(path)], Options(exploratory=True)).sides[0]
        row = next(x for x in text.latency_lines(side) if "  none " in x)
        self.assertEqual(row.split().count("-"), 2)


if __name__ == "__main__":
    unittest.main()
