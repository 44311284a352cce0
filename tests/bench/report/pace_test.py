# SPDX-License-Identifier: GPL-2.0-only
"""pace.json: the model at the kernel's pace, and its sizes judged."""
import json
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import synthetic
from synthetic import Truth, kernel_run, paced, step

from bench.linux.verdict import cluster
from bench.report import Refused, cli, pace
from bench.report.rates import mean, rate


def verdict(model, kernel):
    return pace.size(model, kernel).verdict


class Sizes(unittest.TestCase):
    def test_within_a_factor_of_3(self):
        self.assertEqual(verdict(rate(400, 1000), rate(400, 2000)),
                         pace.WITHIN)
        self.assertEqual(verdict(rate(400, 2000), rate(400, 1000)),
                         pace.WITHIN)

    def test_outside(self):
        for one, other in ((1000, 4000), (4000, 1000)):
            self.assertEqual(verdict(rate(400, one), rate(400, other)),
                             pace.OUTSIDE)

    def test_the_whole_interval_counts(self):
        # 2.8, of so few that it may be 3.3.
        for one, other in ((2800, 1000), (1000, 2800)):
            self.assertEqual(verdict(rate(4000, one), rate(4000, other)),
                             pace.WITHIN)
            self.assertEqual(verdict(rate(40, one), rate(40, other)),
                             pace.ACROSS)

    def test_fewer_than_30_say_nothing(self):
        self.assertEqual(verdict(rate(29, 1), rate(29, 1)), pace.FEW)
        self.assertEqual(verdict(rate(400, 1), rate(29, 1)), pace.FEW)
        self.assertEqual(verdict(mean(29, 29, 1), mean(90, 90, 1)), pace.FEW)

    def test_events_in_clusters(self):
        # Of 90 and 60 events 1.5 [1.1, 2.1] is within; in clusters of 15
        # they say next to nothing.
        self.assertEqual(pace.size(rate(90, 1), rate(60, 1)).verdict,
                         pace.WITHIN)
        self.assertEqual(pace.size(rate(90, 1, 15), rate(60, 1, 15)).verdict,
                         pace.ACROSS)

    def test_zeros(self):
        # The model's rate, 0.003 a load, in the kernel's loads.
        for loads, word in ((1000, pace.ZERO), (1001, pace.OUTSIDE)):
            self.assertEqual(verdict(rate(30, 10000), rate(0, loads)), word)
            self.assertEqual(verdict(rate(0, loads), rate(30, 10000)), word)
        self.assertEqual(verdict(rate(0, 10), rate(0, 10)), pace.ZERO)

    def test_means(self):
        self.assertEqual(verdict(mean(100, 4000, 60), mean(100, 2000, 60)),
                         pace.WITHIN)
        self.assertEqual(verdict(mean(100, 150, 50), mean(100, 3800, 70)),
                         pace.OUTSIDE)

    def test_of_which_cache(self):
        for cache, release, same in (
                ("6.12", "6.12.117+deb12-amd64", True),
                ("6.1", "6.12.117+deb12-amd64", False),
                ("7.3", "6.12.117", False), ("7.3", "7.3.4", True),
                (None, "6.12.117", True)):
            self.assertIs(pace.is_of({"cache": cache}, release), same)


class Folders(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)

    def written(self, *rows: dict, **more) -> Path:
        folder = self.top / "paced"
        folder.mkdir(exist_ok=True)
        synthetic.save(folder / "pace.json", synthetic.pace(*rows) | more)
        return folder

    def kernel(self, *steps: dict) -> Path:
        folder = self.top / "kernel"
        folder.mkdir(exist_ok=True)
        synthetic.save(folder / "kernel.json", kernel_run(*steps))
        return folder

    def report(self, *folders: Path) -> tuple[int, str]:
        """Exit status, and kernel.txt or what was said."""
        out = self.top / "out"
        said = StringIO()
        with redirect_stderr(said), redirect_stdout(StringIO()):
            status = cli.run("report", [*map(str, folders), "--out",
                                        str(out)])
        text = (out / "kernel.txt").read_text() if not status \
            else said.getvalue()
        self.assertLessEqual(max(map(len, text.splitlines())),
                             72 if not status else 999)
        return status, text

    STEPS = (step("widened", "none", loads=10000, blocks=10000, misqueued=120,
                  met_lookup=120, wait_count=0, wait_total_ns=0),
             step("widened", "delwri_queue_here", loads=10000, blocks=10000,
                  misqueued=0, met_lookup=90, wait_count=90,
                  wait_total_ns=90 * 38_000_000, wait_max_ns=70_000_000))
    ROWS = (paced("widened", "none", misqueued=100, met=130),
            paced("widened", "delwri_queue_here", met=80, waits=80,
                  wait_total_ns=80 * 25_000_000, wait_max_ns=60_000_000))

    def test_every_figure_has_a_verdict(self):
        status, text = self.report(self.kernel(*self.STEPS),
                                   self.written(*self.ROWS))
        self.assertEqual(status, 0)
        shown = " ".join(text.split())
        self.assertIn("widened, misqueued blocks per load none 0.01 0.012 "
                      "0.833 [0.633, 1.1] within 0 in both: "
                      "delwri_queue_here", shown)
        self.assertIn("widened, mean wait for a list, ms delwri_queue_here "
                      "25 38 0.658", shown)
        self.assertIn("sizes at the kernel's pace: 5 within, 2 zero agrees",
                      shown)
        self.assertNotIn("pace of its own", shown)

    def test_clusters_are_read(self):
        step = {"met_lookup": 60, "met_lookup_squares": 240}
        self.assertEqual(cluster([step, step], "met_lookup"), 4)
        # One that does not tell how they came: as if alone.
        old = {"met_lookup": 60}
        self.assertEqual(cluster([step, old], "met_lookup"), 1)
        self.assertEqual(cluster([step, {}], "met_lookup"), 4)

    def test_rounds_add_up(self):
        status, text = self.report(self.kernel(*self.STEPS),
                                   self.written(*self.ROWS, *self.ROWS))
        self.assertEqual(status, 0)
        self.assertIn("0.01    0.012 0.833 [0.661, 1.05]", text)

    def test_the_storms_own_run_stays_out(self):
        """Its pace is another; its verdicts and costs are compared."""
        run = synthetic.write(self.top / "model", Truth(
            workloads=("repair_storm/1k",)))
        status, text = self.report(run, self.kernel(*self.STEPS),
                                   self.written(*self.ROWS))
        self.assertEqual(status, 0)
        self.assertNotIn("repair_storm/1k, widened", text)

    def test_what_cannot_be_compared(self):
        status, text = self.report(
            self.kernel(*self.STEPS, step("natural", "none", blocks=100),
                        step("widened", "multi_list")),
            self.written(*self.ROWS, paced("trees", "none"),
                         paced("natural", "none", cache="7.3")))
        self.assertEqual(status, 0)
        shown = " ".join(text.split())
        for words in (
                "not comparable: another cache than Linux 6.12.117+deb12: "
                "7.3",
                "not comparable: not at the kernel's pace: natural",
                "not comparable: not in the kernel's run: trees",
                "not comparable: widened not at the kernel's pace: "
                "multi_list"):
            self.assertIn(words, shown)

    def test_lost_hooks(self):
        kernel = self.kernel(*self.STEPS)
        synthetic.edit(kernel / "kernel.json", lambda d: d.update(
            fixes={"none": {"lost_hooks": ["dwb_submit"]}}))
        text = self.report(kernel, self.written(*self.ROWS))[1]
        self.assertNotRegex(text, r"none +0\.01 +0\.012")
        self.assertIn("hooks that found no place: none's misqueued", text)

    def test_own_pace_is_no_pace(self):
        text = self.report(self.kernel(*self.STEPS), self.written(
            *(row | {"pace": "own"} for row in self.ROWS)))[1]
        shown = " ".join(text.split())
        self.assertIn("not comparable: at the machine's own pace", shown)
        self.assertIn("not comparable: not at the kernel's pace: widened",
                      shown)
        self.assertIn("sizes at the kernel's pace: none", shown)

    def test_columns_are_apart(self):
        text = self.report(
            self.kernel(step("widened", "none", loads=10**6,
                             misqueued=333)),
            self.written(paced("widened", "none", loads=10**6,
                               misqueued=457)))[1]
        self.assertRegex(text, r"none +0\.000457 0\.000333 ")

    def test_churn_is_per_second(self):
        text = self.report(
            self.kernel(step("churn_alone", "none", loads=0, blocks=0,
                             met_lookup=200, lookups=10**6)),
            self.written(paced("churn_alone", "none", loads=0, met=100)))[1]
        self.assertIn("churn_alone, meetings with a stale, linked buffer per "
                      "second", text)
        # 100 in 30 s, and 200 in 10 s.
        self.assertRegex(text, r"none +3\.33 +20 +0\.167 \[")

    def test_refused(self):
        """One line: what, where, and what to do."""
        kernel = self.kernel(*self.STEPS)
        good = self.ROWS[0]
        for change, words in (
                ({"schema": "x"}, "is no delwribench-pace-1"),
                ({"rows": None}, "lacks its rows"),
                ({"kernel_run": "other"}, "pace of the kernel's run other"),
                ({"rows": ["x"]}, "row 1 is no object"),
                ({"rows": [good | {"fix": 3}]}, "row 1 has no fix"),
                ({"rows": [good, good | {"waits": -1}]},
                 "row 2 (widened, none): its waits is -1"),
                ({"rows": [good | {"loads": "9"}]}, "its loads is '9'"),
                ({"rows": [{k: v for k, v in good.items() if k != "met"}]},
                 "its met is None")):
            status, said = self.report(kernel, self.written(good, **change))
            self.assertEqual(status, 2, change)
            self.assertIn(words, said)
            self.assertEqual(len(said.splitlines()), 1, said)

    def test_needs_its_kernel_run(self):
        status, said = self.report(self.written(*self.ROWS))
        self.assertEqual(status, 2)
        self.assertIn("name that run's folder, too", said)

    def test_cut_short(self):
        folder = self.written(*self.ROWS)
        text = (folder / "pace.json").read_text()
        (folder / "pace.json").write_text(text[:len(text) // 2])
        with self.assertRaises(Refused):
            pace.load_pace(folder)
        self.assertTrue(json.loads(text))


if __name__ == "__main__":
    unittest.main()
