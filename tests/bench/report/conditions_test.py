# SPDX-License-Identifier: GPL-2.0-only
"""Blocks that had another part of the machine than their run are left out,
and named with the reason in every form of a report."""
import json
import shutil
import tempfile
import unittest
from pathlib import Path

import synthetic
from synthetic import Truth, edit

from bench.report import Refused, conditions, gbench, page, text
from bench.report.compare import Options, compare
from bench.report.load import load_run

BEGUN = {"processors_online": "0-1", "processors_allowed": "0-1",
         "memory_nodes_allowed": "0", "cgroup_cpuset": "0-1",
         "cgroup_memory_nodes": "0", "cgroup_cpu_quota": "none",
         "cgroup_memory_limit": "none"}


class Folder(unittest.TestCase):
    def setUp(self):
        self.top = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.top)
        self.folder = synthetic.write(self.top / "run", Truth())
        self.block = self.folder / "block-0003.json"

    def record(self, **changed):
        """What each block had, and the third one when it had ended."""
        edit(self.folder / "machine.json",
             lambda d: d["before"].update(conditions=BEGUN))
        for file in self.folder.glob("block-*.json"):
            edit(file, lambda d: [d[when].update(conditions=BEGUN)
                                  for when in ("before", "after")])
        edit(self.block,
             lambda d: d["after"].update(conditions=BEGUN | changed))

    def left_out(self, *words):
        """The third block is named with these words, everywhere."""
        comparison = compare([load_run(self.folder)],
                             Options(exploratory=True))
        run = comparison.sides[0].run
        self.assertEqual(len(run.blocks), 11)
        self.assertNotIn(3, [b.number for b in run.blocks])
        context = json.loads(gbench.dump(comparison))["context"]
        for form in (text.compare_text(comparison),
                     text.report_text(comparison), page.render(comparison),
                     " ".join(context["discarded_blocks"])):
            form = " ".join(form.split())
            for word in ("block-0003.json", *words):
                self.assertIn(word, form)


class Conditions(Folder):
    def test_none_changed(self):
        self.record()
        self.assertEqual(load_run(self.folder).discarded, [])

    def test_each(self):
        for key, value in (("processors_online", "0"),
                           ("processors_allowed", "1"),
                           ("memory_nodes_allowed", "1"),
                           ("cgroup_cpuset", "0"),
                           ("cgroup_memory_nodes", "0-1"),
                           ("cgroup_cpu_quota", 1.5),
                           ("cgroup_memory_limit", 2**29)):
            with self.subTest(key=key):
                self.record(**{key: value})
                self.left_out("changed since the run began, seen after it",
                              f"{BEGUN[key]}, then {value}")

    def test_unknown_is_no_change(self):
        self.record(cgroup_cpu_quota=None)
        self.assertEqual(load_run(self.folder).discarded, [])

    def test_names_are_those_of_the_program(self):
        source = Path(__file__).resolve().parents[3] / \
            "bench/machine/machine_conditions.c"
        for key, name in conditions.NAMES.items():
            self.assertIn(f'{{ "{key}", "{name}" }}', source.read_text())


class Older(Folder):
    """Runs that recorded no conditions."""

    def test_fewer_processors(self):
        for file in self.folder.glob("block-*.json"):
            edit(file, lambda d: d.update(processors=2))
        edit(self.block, lambda d: d.update(processors=1, threads=1,
                                            oversubscribed=True))
        self.left_out("processors allowed: 2, then 1")

    def test_others(self):
        edit(self.folder / "machine.json",
             lambda d: d["machine"].update(processors_allowed="0-1"))
        edit(self.block, lambda d: d["placements"][0].update(
            worker_processors=[0, 3]))
        self.left_out("0-1, and its threads went to 3")

    def test_offline(self):
        edit(self.folder / "machine.json",
             lambda d: d["before"].update(processors=2))
        edit(self.block, lambda d: d["after"].update(processors=1))
        self.left_out("processors online: 2, then 1")


class Placed(Folder):
    def test_pages(self):
        edit(self.block, lambda d: d["placements"][0].update(ok=False, pages=[
            {"what": "buf", "pages": 7, "elsewhere": 7, "ok": False,
             "reason": "7 of 7 pages are not on node 1"}]))
        self.left_out("not as placed", "7 of 7 pages")

    def test_moved(self):
        edit(self.block, lambda d: d["placements"][0].update(ok=False, moved=[
            {"worker": 1, "processor": 1, "found": 0}]))
        self.left_out("worker 1 was on processor 0 instead of 1")

    def test_not_bound(self):
        """A sandbox refused it: said, and all that was measured counts."""
        edit(self.block, lambda d: d["placements"][0].update(
            verified=False, floating=[0, 1], floating_reason="it is refused",
            memory_refused="so is that"))
        comparison = compare([load_run(self.folder)],
                             Options(exploratory=True))
        self.assertEqual(len(comparison.sides[0].run.blocks), 12)
        for form in (text.report_text(comparison), page.render(comparison)):
            form = " ".join(form.split())
            self.assertRegex(form, "block-0003.json: 2 of . lookers float.*it "
                             "is refused")
            self.assertIn("so is that", form)

    def test_no_reason(self):
        edit(self.block, lambda d: d["placements"][0].update(ok=False))
        self.left_out("not as placed", "no reason was given")


class Aside(Folder):
    """What scripts/run has discarded itself."""

    def put(self):
        data = json.loads(self.block.read_text())
        synthetic.save(self.folder / "discarded-0003-1.json",
                       data | {"discarded": "the quota changed"})

    def test_measured_again(self):
        self.put()
        comparison = compare([load_run(self.folder)], Options())
        self.assertEqual(len(comparison.sides[0].run.blocks), 12)
        self.assertIn("discarded-0003-1.json: the quota changed",
                      text.compare_text(comparison))

    def test_not_measured_again(self):
        self.put()
        self.block.unlink()
        with self.assertRaisesRegex(Refused, "11 of 12 blocks"):
            compare([load_run(self.folder)], Options())

    def test_nothing_else(self):
        self.put()
        for file in self.folder.glob("block-*.json"):
            file.unlink()
        with self.assertRaisesRegex(Refused, "the quota changed"):
            load_run(self.folder)


if __name__ == "__main__":
    unittest.main()
