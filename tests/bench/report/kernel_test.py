# SPDX-License-Identifier: GPL-2.0-only
"""kernel.json, kernel.txt, and what the report takes of them."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from html import unescape
from pathlib import Path

import jsonschema
import synthetic
from synthetic import Truth, step
from synthetic import kernel_run as data

from bench.report import Refused, kernel, text
from bench.report.compare import Options, compare
from bench.report.load import load_run

TOP = Path(__file__).resolve().parents[3]
RESULTS = TOP / "results"
KERNEL_RUN = RESULTS / "kernel-20261126T043205Z"
MODEL_RUN = RESULTS / "vm-20261126T051333Z"


class Folders(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_another_schema_is_refused(self):
        (self.folder / "kernel.json").write_text(json.dumps({"schema": "x"}))
        self.assertTrue(kernel.is_kernel_only(self.folder))
        with self.assertRaises(Refused):
            kernel.load_kernel(self.folder)

    def test_no_model(self):
        self.assertIn("no run of the model", kernel.render(data(), None))


ASSERTED = {
    "what": "Assertion failed: !(bp->b_flags & _XBF_DELWRI_Q), "
            "file: fs/xfs/xfs_buf.c, line: 1555", "times": 3,
    "stack": ["__xfs_buf_submit", "xfs_buf_read_map", "xchk_btree"]}


class Assertions(unittest.TestCase):
    """The review's first question, wherever a run of the kernel is."""

    STEPS = (step("assert", "none", assertions=0),
             step("assert", "none_pre_done", assertions=3,
                  complaints=[ASSERTED]))

    def answer(self, *steps: dict, **run) -> tuple[str, str]:
        with tempfile.TemporaryDirectory() as top:
            folder = synthetic.write(Path(top) / "run", Truth(blocks=2), **run)
            comparison = compare([load_run(folder)], Options(exploratory=True))
            # matplotlib takes a second to load.
            from bench.report import page
            plain = text.report_text(comparison, data(*steps))
            html = page.render(comparison, data(*steps))
        html = unescape(re.sub("<[^>]*>", " ", html))
        return tuple(" ".join(re.findall(r"Which assertion.*?2\. Which",
                                         one, re.S)[0].split())
                     for one in (plain, html))

    def test_in_text_and_page(self):
        for shown in self.answer(*self.STEPS):
            self.assertIn(
                "In the real kernel, Linux 6.12.117+deb12: !(bp->b_flags & "
                "_XBF_DELWRI_Q) (fs/xfs/xfs_buf.c:1555): none_pre_done 3 in 10 "
                "s; under __xfs_buf_submit < xfs_buf_read_map < xchk_btree. "
                "There, 0 in 10 s: none. In the model: none_pre_done was not "
                "verified against reread.", shown)

    def test_a_model_that_was_not_verified_takes_no_answer_away(self):
        for shown in self.answer(*self.STEPS, verified=False):
            self.assertIn("There, 0 in 10 s: none. In the model: the run was "
                          "not verified", shown)

    def test_without_the_control_nothing_is_shown(self):
        for shown in self.answer(self.STEPS[0]):
            self.assertIn("none_pre_done, which must fire, did not run: no "
                          "control, so the zeros show nothing.", shown)

    def test_a_run_without_them(self):
        for shown in self.answer(step("widened", "none")):
            self.assertIn("Linux 6.12.117+deb12: not tried in the run that "
                          "was named.", shown)

    def test_in_kernel_txt(self):
        lines = kernel.render(data(*self.STEPS), None).splitlines()
        rows = [line.split() for line in lines]
        self.assertIn(["none", "10.0", "100", "0"], rows)
        self.assertIn(["none_pre_done", "10.0", "100", "3"], rows)
        self.assertIn("  under __xfs_buf_submit < xfs_buf_read_map < "
                      "xchk_btree", lines)


class Reference(unittest.TestCase):
    """The committed run."""

    def test_its_text_is_what_this_code_makes_of_it(self):
        made = kernel.render(kernel.load_kernel(KERNEL_RUN),
                             load_run(MODEL_RUN))
        self.assertEqual(made, (KERNEL_RUN / "kernel.txt").read_text())
        self.assertLessEqual(max(map(len, made.splitlines())), 72)

    def test_every_committed_run_beside_it(self):
        """Old formats load, and their text fits a mail."""
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={TOP}", "-C", TOP, "ls-files",
             "results/*/block-0001.json"], text=True, stdout=subprocess.PIPE,
            check=True).stdout.split()
        self.assertTrue(listed)
        data = kernel.load_kernel(KERNEL_RUN)
        for name in listed:
            comparison = compare([load_run((TOP / name).parent)],
                                 Options(exploratory=True))
            shown = text.report_text(comparison, data)
            self.assertLessEqual(max(map(len, shown.splitlines())), 72, name)
            self.assertIn("kernel, ordering and crash, trials", shown)

    def test_nothing_is_said_twice(self):
        """What scripts/kernel prints: no sentence again, with other fixes or
        numbers.  A table's rows and header are no sentences."""
        found = kernel.load_kernel(KERNEL_RUN)
        table = subprocess.run(
            [sys.executable, "-c", "import json, sys, table; "
             "print(table.render(json.load(sys.stdin)), end='')"],
            input=json.dumps(found), text=True, stdout=subprocess.PIPE,
            check=True, cwd=TOP / "bench" / "linux",
            env=dict(os.environ, PYTHONPATH=str(TOP))).stdout
        names = "|".join(sorted(found["fixes"], key=len, reverse=True))
        said: dict[str, str] = {}
        shown = table + kernel.beside(found, load_run(MODEL_RUN))
        for line in shown.splitlines():
            same = re.sub(r"\d[\d.,e+-]*", "0",
                          re.sub(rf"\b(?:{names})\b", "F", line))
            if len(re.findall("[a-z_]{2,}", same)) < 5 \
                    or line.startswith(" " * 20):
                continue
            self.assertNotIn(same, said, (line, said.get(same)))
            said[same] = line
        self.assertGreater(len(said), 20)


class Schema(unittest.TestCase):
    def test_reference_runs_fit(self):
        schema = json.loads((RESULTS / "schema" / "kernel.json").read_text())
        check = jsonschema.Draft202012Validator(schema)
        check.check_schema(schema)
        runs = list(RESULTS.glob("kernel-*/kernel.json"))
        self.assertTrue(runs)
        for path in runs:
            sound = json.loads(path.read_text())
            check.validate(sound)
            sound["steps"][0]["misqueued"] = -1
            self.assertFalse(check.is_valid(sound))
            # By blocks met: five kinds, or a run that does not tell.
            for kinds, valid in (([3, 0, 1, 0, 0], True), ([3, 0], False), (3, False)):
                sound["steps"][0] |= {"misqueued": 0, "load_met": kinds}
                self.assertEqual(check.is_valid(sound), valid)


if __name__ == "__main__":
    unittest.main()
