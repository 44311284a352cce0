# SPDX-License-Identifier: GPL-2.0-only
"""Curves by distance and counters, from runs whose truth is known."""
import re
import tempfile
import unittest
from pathlib import Path

import synthetic
from synthetic import Truth

from bench.report import counters, distance, figures, page, text
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
        self.assertIn("NOT AS PLACED: same-l3: it went to 7", report)

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


if __name__ == "__main__":
    unittest.main()
