# SPDX-License-Identifier: GPL-2.0-only
"""Answers to the review, and none where the data at hand have none."""
import tempfile
import unittest
from pathlib import Path

import synthetic
from synthetic import TIMELINE, Truth, kernel_run, step

from bench.report import review_kernel
from bench.report.compare import Options, compare
from bench.report.load import load_run
from bench.report.review import answers

LITMUS = ("store buffering: statistical, on this machine: 2000 of 1000000 "
          "wake-ups lost, where the owner's unlink and his look for sleepers "
          "were reordered; 500000 raced with the look at the link")
READER = "  152.6 Reader: reads X                                 " \
    "Q--   {}locked\n"


class Answers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)

    def asked(self, number: int, kernel=None, cells=None, change=None,
              **truth) -> str:
        """An answer, in one line."""
        folder = synthetic.write(self.top / "run", Truth(blocks=2, **truth))
        if cells:
            synthetic.edit(folder / "verify.json", lambda d: [
                d["fixes"].setdefault(fix, {}).update({hazard: cell})
                for (fix, hazard), cell in cells.items()])
        for path in folder.glob("block-*.json") if change else ():
            synthetic.edit(path, lambda d: [change(r) for r in d["rows"]])
        found = answers(compare([load_run(folder)], Options(
            exploratory=True)), kernel)
        for path in sorted(folder.iterdir()):
            path.unlink()
        folder.rmdir()
        return " ".join(found[number - 1].lines)

    # --- 1: which assertion, and on which list ---------------------------

    def reread(self, link: str) -> str:
        both = {("none_pre_done", "reread"): synthetic.cell(
            "violated", TIMELINE + READER.format(link))}
        return self.asked(1, cells=both)

    def test_the_reader_met_it_on_a_list(self):
        said = self.reread("linked ")
        self.assertIn("NOT REPRODUCED", said)
        self.assertIn("still linked", said)
        self.assertIn("As reported", self.reread("-      "))

    def test_without_a_timeline_nothing_is_said_of_it(self):
        said = self.asked(1, cells={("none_pre_done", "reread"):
                                    synthetic.cell("violated")})
        self.assertIn("Whether the buffer is on a list then: no timeline",
                      said)
        self.assertNotIn("NOT REPRODUCED", said)

    # --- 2, 4, 5: functions ----------------------------------------------

    def test_functions_are_named(self):
        for number, names in (
                (2, ("xreap_agextent_binval()", "xfs_trans_binval()",
                     "Not by xfs_btree_free_block()")),
                (4, ("xfs_qm_reset_dqcounts_all()", "xfs_qm_flush_one()",
                     "xlog_recover_buf_commit_pass2()", "xfs_ag_init_hdr()")),
                (5, ("has no path in 6.12", "The flag goes with the link"))):
            said = self.asked(number, cells={
                ("none", hazard): synthetic.cell("holds")
                for hazard in ("stale-write", "list-corruption")})
            for name in names:
                self.assertIn(name, said)
            self.assertIn("Read in 6.12's source, not driven", said)

    def test_a_leak_takes_the_word_back(self):
        kept = TIMELINE.replace(
            "  157.5 writes X                                        ---",
            "  157.5 writes X                                        Q--")
        said = self.asked(5, cells={
            ("none", "lost-error"): synthetic.cell("violated", kept)})
        self.assertIn("It leaves the flag set", said)
        said = self.asked(8, cells={
            ("none", "flag-leak"): synthetic.cell("violated")})
        self.assertIn("Yes: none", said)
        self.assertNotIn("has no path in", said)
        self.assertIn("e339dd8d8b04", said)

    # --- 6, 7: without limit? --------------------------------------------

    def test_theoretical(self):
        cells = {("delwri_queue_here", "unbounded-wait"): synthetic.cell(
            "violated", "a scan kept Repair1 waiting for all 9 of them")}
        self.assertIn("Theoretical: it takes somebody who has the block "
                      "locked at each of 9 passes",
                      self.asked(6, cells=cells))
        self.assertNotIn("Theoretical", self.asked(6))

    def test_longest_wait_of_the_kernel(self):
        kernel = kernel_run(
            step("natural", "delwri_queue_here", wait_count=1,
                 wait_max_ns=9_000_000),
            step("long_list", "delwri_queue_here", wait_count=4,
                 wait_max_ns=2_000_000_000),
            # Held on purpose: no natural wait.
            step("crash", "delwri_queue_here", wait_count=1,
                 wait_max_ns=9_000_000_000, settings={"mode": "crash"}))
        self.assertIn("the longest of 5 waits with delwri_queue_here took "
                      "2.00 s (long_list)", self.asked(6, kernel))
        self.assertIn("never waited", self.asked(
            6, kernel_run(step("natural", "none"))))

    # --- 9: 100,000 buffers ----------------------------------------------

    @staticmethod
    def locks(row):
        if row["fix"] == "remove_on_stale":
            row["counters"].update(fix_lock_taken=1000,
                                   fix_lock_contended=2,
                                   fix_lock_hold_ns=80_000)

    def test_long_list(self):
        kernel = kernel_run(
            step("long_list", "delwri_queue_here", ail_queued_max=100041,
                 wait_count=4, wait_total_ns=6 * 10**9,
                 wait_max_ns=2 * 10**9, wait_with_agf=4),
            step("long_list", "remove_on_stale", wait_count=0))
        said = self.asked(9, kernel, change=self.locks,
                          workloads=("repair_storm/100k",))
        for words in (
                "with up to 100,041 buffers on the AIL's list",
                "delwri_queue_here waited 4 times, always with an AGF "
                "locked, mean 1.50 s, longest 2.00 s",
                "wait_in_find_lock: not known", "remove_on_stale never",
                "repair_storm/100k: delwri_queue_here waited 6 times",
                "taken 2,000 times, held for 80.0 ns in the mean, contended "
                "4 times (2000 in a million)"):
            self.assertIn(words, said)

    def test_what_was_not_measured(self):
        said = self.asked(9, workloads=("repair_storm/1k",))
        self.assertIn("In the real kernel: no run of it was named", said)
        self.assertIn("In the model: not measured here", said)
        self.assertNotIn("The list's lock", said)
        said = self.asked(9, kernel_run(step("natural", "none")))
        self.assertIn("long_list was not run", said)

    # --- 10: the lost wake-up --------------------------------------------

    WAKE = {("delwri_queue_here", "lost-wakeup"): synthetic.cell(
                "violated", LITMUS),
            ("delwri_queue_here_mb", "lost-wakeup"): synthetic.cell("holds")}

    def test_citation_and_estimate(self):
        kernel = kernel_run(step(
            "widened", "delwri_queue_here", wait_count=50, seconds=100.0,
            wait_total_ns=50 * 40_000_000))
        said = self.asked(10, kernel, cells=self.WAKE)
        self.assertIn("20240819053605.11706-9-neilb@suse.de", said)
        # 2000 / 500000 x 100 ns / 40 ms = 1e-8; a wait in 2 s.
        self.assertIn("ESTIMATE, not measured: about one in 100,000,000 "
                      "waits", said)
        self.assertIn("50 waits in 100 s, one in 6.34 years", said)
        self.assertIn("(the litmus: 2000 of 500000)", said)

    def test_no_estimate_without_waits(self):
        for kernel in (None, kernel_run(step("widened", "none"))):
            said = self.asked(10, kernel, cells=self.WAKE)
            self.assertNotIn("ESTIMATE", said)
            self.assertIn("no estimate", said)
        held = dict(self.WAKE)
        held["delwri_queue_here", "lost-wakeup"] = synthetic.cell(
            "holds", LITMUS.replace("2000 of", "0 of"))
        said = self.asked(10, kernel_run(step(
            "widened", "delwri_queue_here", wait_count=5,
            wait_total_ns=10**9)), cells=held)
        self.assertIn("the litmus lost none here", said)

    # --- 11: the block that is held back ---------------------------------

    def test_mechanism(self):
        kernel = kernel_run(
            step("trees", "delwri_queue_here", blocks=300,
                 load_met=[80, 10, 4, 0, 0], load_cycles=[0, 11, 9, 0, 0],
                 load_ns=[0, 300_000_000, 400_000_000, 0, 0]),
            step("trees", "delwri_queue_here_drop", blocks=300,
                 load_met=[80, 0, 5, 0, 0], load_cycles=[0, 0, 5, 0, 0],
                 load_ns=[0, 0, 200_000_000, 0, 0]))
        said = self.asked(11, kernel, workloads=("repair_storm/1k",))
        self.assertIn("trees, bulk loads by the blocks they met: "
                      "delwri_queue_here: 1 met in 10 loads, 1.10 AIL cycles "
                      "and 30.0 ms each; 2 met in 4 loads, 2.25 AIL cycles "
                      "and 100 ms each. delwri_queue_here_drop: 2 met in 5 "
                      "loads, 1.00 AIL cycles", said)
        self.assertIn("In the model, repair_storm/1k: delwri_queue_here: "
                      "waited 6 times", said)
        self.assertIn("delwri_queue_here_drop was not measured in this run",
                      said)

    def test_mechanism_with_its_mend(self):
        said = self.asked(11, workloads=("repair_storm/1k",), fixes={
            "delwri_queue_here": 2.0, "delwri_queue_here_drop": 1.1})
        self.assertIn("delwri_queue_here_drop: waited 6 times", said)
        self.assertNotIn("was not measured", said)

    def test_mechanism_not_shown(self):
        said = self.asked(11, kernel_run(step("widened", "none", blocks=100)))
        self.assertIn("In the real kernel: not shown. Its storms had at most "
                      "1.00 blocks a load (widened)", said)
        self.assertIn("no repair_storm was measured here", said)


class Litmus(unittest.TestCase):
    def test_its_words(self):
        self.assertEqual(review_kernel.lost_rate(LITMUS), (2000, 500000))
        self.assertIsNone(review_kernel.lost_rate("the machine is busy"))


if __name__ == "__main__":
    unittest.main()
