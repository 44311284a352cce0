# SPDX-License-Identifier: GPL-2.0-only
"""What is refused, and that the refusal says what and why."""
import shutil
import tempfile
import unittest
from pathlib import Path

import numpy as np
import synthetic
from synthetic import Truth, edit

from bench.report import Refused, histogram
from bench.report.compare import Options, compare
from bench.report.load import load_run


class Folder(unittest.TestCase):
    def setUp(self):
        self.top = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.top)
        self.run_folder = synthetic.write(self.top / "run", Truth())
        self.block = self.run_folder / "block-0003.json"

    def compared(self, *more, **options):
        runs = [load_run(p) for p in (self.run_folder, *more)]
        return compare(runs, Options(**options))

    def refused(self, *words, runs=(), **options):
        with self.assertRaises(Refused) as caught:
            self.compared(*runs, **options)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def rewritten(self, truth, name="other", seed=0):
        return synthetic.write(self.top / name, truth, seed)

    def test_sound_one_passes(self):
        self.assertEqual(self.compared().family, 2)

    # --- files -----------------------------------------------------------

    def test_cut_short(self):
        text = self.block.read_text()
        self.block.write_text(text[:len(text) // 2])
        self.refused("block-0003.json", "cut short")

    def test_empty(self):
        self.block.write_text("")
        self.refused("block-0003.json")

    def test_other_version(self):
        edit(self.block, lambda d: d.update(schema="delwribench-block-9"))
        self.refused("block-0003.json", "delwribench-block-9")

    def test_lacks_a_field(self):
        edit(self.block, lambda d: d["rows"][0].pop("waits"))
        self.refused("block-0003.json", "waits")

    def test_counted(self):
        """Rows of before instrumented copies counted what they timed."""
        def counted(value):
            edit(self.block, lambda d: d["rows"][0].update(counted=value))

        def first():
            return load_run(self.run_folder).blocks[2]

        row = next(iter(first().rows.values()))
        self.assertEqual(row.counted, row.operations)
        counted({"copy": "instrumented", "operations": 7})
        self.assertEqual(next(iter(first().rows.values())).counted, 7)
        counted(None)
        self.assertEqual(next(iter(first().rows.values())).counted, 0)

    def test_damaged_histogram(self):
        damaged = {"bits": 7, "count": 5, "min": 1, "max": 1,
                   "buckets": [[1, 4]]}
        edit(self.block, lambda d: d["rows"][0].update(latency=damaged))
        self.refused("block-0003.json", "add up")

    def test_of_another_run(self):
        edit(self.block, lambda d: d.update(run="feedfeedfeedfeed"))
        self.refused("block-0003.json", "another run")

    def test_of_another_configuration(self):
        edit(self.block, lambda d: d.update(threads=7))
        self.refused("block-0003.json", "threads", "7")

    def test_of_another_cache(self):
        self.assertEqual(load_run(self.run_folder).first.cache, "6.12")
        edit(self.block, lambda d: d.update(cache="7.3"))
        self.refused("block-0003.json", "cache", "7.3")

    def test_of_another_seed(self):
        edit(self.block, lambda d: d.update(seed="77"))
        self.refused("block-0003.json", "seed", "77")

    def test_with_other_rows(self):
        edit(self.block, lambda d: d["rows"].pop())
        self.refused("block-0003.json", "lookup/own/none_twin")

    def test_older_than_its_run(self):
        edit(self.block,
             lambda d: d["before"].update(time="2025-12-31T00:00:00Z"))
        self.refused("block-0003.json", "before its run began")

    def test_copied(self):
        shutil.copy(self.block, self.run_folder / "block-0013.json")
        self.refused("block-0013.json", "block number")
        edit(self.run_folder / "block-0013.json",
             lambda d: d.update(block=13))
        self.refused("block-0013.json", "same seed")

    def test_no_blocks(self):
        for path in self.run_folder.glob("block-*"):
            path.unlink()
        self.refused("no block-")

    def test_no_machine(self):
        (self.run_folder / "machine.json").unlink()
        self.refused("machine.json")

    def test_no_folder(self):
        shutil.rmtree(self.run_folder)
        self.refused("no folder")

    # --- runs ------------------------------------------------------------

    def machine(self, **values):
        edit(self.run_folder / "machine.json",
             lambda d: d["machine"].update(values))

    def test_sanitizer_build(self):
        for build in ("asan", "tsan", "checking", "unoptimised"):
            self.machine(build_type=build)
            self.refused(build)

    def test_negative_control_passed(self):
        edit(self.run_folder / "verify.json", lambda d: d["fixes"]["none"]
             .update(ordering=synthetic.cell("holds")))
        self.refused("invalid", "ordering")

    def test_one_layout(self):
        self.run_folder = self.rewritten(Truth(layouts=1))
        self.refused("one layout only")
        found = self.compared(exploratory=True)
        self.assertEqual({r.verdict for r in found.sides[0].results.values()
                          if r.confirmatory}, {"no verdict"})

    def test_layout_unknown(self):
        for path in self.run_folder.glob("block-*"):
            edit(path, lambda d: d.update(
                layout=None, layout_reason="none was built"))
        self.refused("one layout only", "none was built")

    def test_too_few_blocks(self):
        for blocks in (1, 2, 6):
            self.run_folder = self.rewritten(Truth(blocks=blocks),
                                             f"few{blocks}")
            # Two rows: 2 x 2 / 2^7 is the first below 0.05.
            self.refused(f"{blocks} block", "need 7")
        self.run_folder = self.rewritten(Truth(blocks=7))
        self.compared()

    def test_more_blocks_than_layouts_do_not_count(self):
        self.run_folder = self.rewritten(Truth(blocks=12, layouts=4))
        self.refused("12 blocks of 4 layouts", "need 7 of as many layouts")

    def test_unfinished(self):
        self.block.unlink()
        self.refused("11 of 12 blocks")

    def test_without_baseline(self):
        for path in self.run_folder.glob("block-*"):
            edit(path, lambda d: d.update(
                rows=[r for r in d["rows"] if r["fix"] != "none"]))
        self.refused("`none` was not measured")

    def test_with_nothing_else(self):
        self.run_folder = self.rewritten(Truth(fixes={}))
        self.refused("no fix but")

    # --- runs beside each other ------------------------------------------

    def test_two_machines(self):
        other = self.rewritten(Truth(host="far"), seed=5)
        found = self.compared(other)
        self.assertEqual(found.family, 4)
        self.assertEqual([s.label for s in found.sides], ["R1", "R2"])

    def test_twice_the_same(self):
        self.refused("twice", runs=[self.run_folder])

    def test_differences(self):
        for word, truth in (
                ("threads", Truth(threads=4)),
                ("seed", Truth(seed=9)),
                ("workloads", Truth(workloads=("lookup/hot",))),
                ("fixes", Truth(fixes={"multi_list": 1.0}))):
            other = self.rewritten(truth, word)
            self.refused(f"differ in {word}", f"--across {word}",
                         runs=[other])
            self.compared(other, across=frozenset({word}))

    def test_other_parameters(self):
        other = self.rewritten(Truth(), seed=3)
        for path in other.glob("block-*"):
            edit(path, lambda d: [r.update(parameters={"buffers": 7})
                                  for r in d["rows"]])
        self.refused("differ in parameters", "buffers", runs=[other])

    def test_other_floors(self):
        folders = [self.rewritten(Truth(floor=True), f"floor{i}", i)
                   for i in range(2)]
        for path in folders[1].glob("block-*"):
            edit(path, lambda d: d["rows"][-1].update(floor_sha256="ab"))
        self.run_folder = folders[0]
        self.refused("differ in floors", "ab", runs=[folders[1]])

    # --- what is left out ------------------------------------------------

    def test_clock_went_backwards(self):
        edit(self.block,
             lambda d: d["after"].update(time="2026-01-01T00:01:00Z"))
        run = load_run(self.run_folder)
        self.assertEqual(len(run.blocks), 11)
        self.assertIn("clock went backwards", run.discarded[0])

    def test_negative_time(self):
        edit(self.block, lambda d: d["rows"][1].update(batches_ns=[-1.0]))
        self.assertIn("-1 ns", load_run(self.run_folder).discarded[0])

    def test_metric_missing_in_some_blocks(self):
        edit(self.block, lambda d: d["rows"][1].update(
            batches_ns=None, batches_ns_reason="the device was full",
            waits=None, counters=None))
        row = [r for r in self.compared().sides[0].results.values()
               if r.fix == "delwri_queue_here"][0]
        self.assertEqual(row.blocks, 11)
        self.assertIn("the device was full", row.series.dropped[0])

    def test_metric_missing_in_all(self):
        for path in self.run_folder.glob("block-*"):
            edit(path, lambda d: d["rows"][1].update(
                batches_ns=None, batches_ns_reason="unfit",
                waits=None, counters=None))
        found = self.compared()
        row = [r for r in found.sides[0].results.values()
               if r.fix == "delwri_queue_here"][0]
        self.assertEqual((row.verdict, found.family), ("not measured", 2))
        self.assertIn("unfit", row.why)


class Histograms(unittest.TestCase):
    def test_quantiles_within_the_stated_error(self):
        values = np.random.default_rng(1).lognormal(8, 2, 20000)
        found = histogram.from_json(synthetic.histogram(values))
        for share in (0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0):
            exact = np.sort(values.astype(int))[
                max(int(np.ceil(share * len(values))) - 1, 0)]
            self.assertAlmostEqual(found.quantiles([share])[0] / exact, 1,
                                   delta=2.0 ** -7)

    def test_merged_is_as_counted_together(self):
        values = np.random.default_rng(2).lognormal(8, 2, 3000)
        parts = [histogram.from_json(synthetic.histogram(part))
                 for part in np.split(values, 3)]
        merged = histogram.merge(parts)
        whole = histogram.from_json(synthetic.histogram(values))
        self.assertEqual(merged.index.tolist(), whole.index.tolist())
        self.assertEqual(merged.number.tolist(), whole.number.tolist())


if __name__ == "__main__":
    unittest.main()
