# SPDX-License-Identifier: GPL-2.0-only
"""The schemas describe what is written, and refuse what is not."""
import copy
import json
import unittest
from pathlib import Path

import jsonschema
import synthetic
from synthetic import Truth

RESULTS = Path(__file__).resolve().parents[3] / "results"


class Schemas(unittest.TestCase):
    def setUp(self):
        self.block, self.machine = (
            jsonschema.Draft202012Validator(json.loads(
                (RESULTS / "schema" / f"{name}.json").read_text()))
            for name in ("block", "machine"))

    def test_are_schemas(self):
        for schema in (self.block, self.machine):
            schema.check_schema(schema.schema)

    def test_what_is_written_fits(self):
        truth = Truth(blocks=1, latency=True, floor=True)
        self.block.validate(synthetic.blocks(truth)[0])
        self.machine.validate(synthetic.machine(truth))

    def test_what_is_broken_does_not(self):
        sound = synthetic.blocks(Truth(blocks=1))[0]
        for change in (lambda d: d.update(schema="delwribench-block-9"),
                       lambda d: d.update(layout=None),
                       lambda d: d.update(seed=1),
                       lambda d: d["rows"][0].pop("waits"),
                       lambda d: d["rows"][0].update(batches_ns=["fast"])):
            broken = copy.deepcopy(sound)
            change(broken)
            self.assertFalse(self.block.is_valid(broken))

    def test_committed_results_fit(self):
        for path in sorted(RESULTS.glob("*/machine.json")):
            if path.parent.name == "schema":
                continue
            with self.subTest(path=path.parent.name):
                self.machine.validate(json.loads(path.read_text()))
                for block in sorted(path.parent.glob("block-*.json"))[:2]:
                    self.block.validate(json.loads(block.read_text()))


if __name__ == "__main__":
    unittest.main()
