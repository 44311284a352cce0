# SPDX-License-Identifier: GPL-2.0-only
"""results/schema describes whatever the program writes, by name."""
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import jsonschema
from pace_test import STEP

TOP = Path(__file__).resolve().parents[2]
PROGRAM = os.environ["DELWRIBENCH"]


def closed(schema: dict) -> dict:
    """The same; in the file and its rows each name is described, or why one
    is null."""
    for part in schema, schema.get("$defs", {}).get("row"):
        if part:
            part["additionalProperties"] = False
            part["patternProperties"] = {"_reason$": {"type": "string"}}
    return schema


def check(name: str, path: Path) -> None:
    """Raise ValidationError unless the file is as the schema says."""
    schema = json.loads((TOP / f"results/schema/{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(closed(schema)).validate(
        json.loads(path.read_text()))


class Written(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)

    def run_program(self, *words: object) -> None:
        done = subprocess.run([PROGRAM, *map(str, words)], text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_run(self) -> None:
        self.run_program(
            "run", "--no-verify", "--threads", "1", "--rounds", "2",
            "--workload", "lookup/own_1k", "--workload", "bulkload/idle",
            "--fix", "none", "--out", self.out)
        (folder,) = self.out.iterdir()
        check("machine", folder / "machine.json")
        check("block", folder / "block-0001.json")

    def test_pace(self) -> None:
        (self.out / "kernel.json").write_text(json.dumps({
            "schema": "delwribench-kernel-1", "kernel": "6.12.1",
            "steps": [STEP]}))
        self.run_program("pace", "--kernel-run", self.out, "--minutes", "0")
        check("pace", self.out / "pace.json")


if __name__ == "__main__":
    unittest.main()
