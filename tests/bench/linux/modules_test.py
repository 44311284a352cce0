# SPDX-License-Identifier: GPL-2.0-only
"""bench/linux/modules.py: trees of sources, one of which is in place."""
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench/linux"))
import modules  # noqa: E402


class Trees(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = Path(folder.name)
        patch = mock.patch.object(modules, "BUILD", self.build)
        patch.start()
        self.addCleanup(patch.stop)

    def take(self, name: str) -> Path:
        return modules._take(name)

    def test_each_keeps_its_files(self) -> None:
        (self.take("tree-a") / "file").write_text("a")
        self.assertEqual((self.take("tree-b") / "file").read_text(), "a")
        (self.build / "tree/file").write_text("b")
        self.assertEqual((self.take("tree-a") / "file").read_text(), "a")
        self.assertEqual((self.take("tree-b") / "file").read_text(), "b")

    def test_what_a_stopped_one_left(self) -> None:
        (self.take("tree-a") / "file").write_text("new")
        for name in "tree-a", "copy":
            (self.build / name).mkdir()
            (self.build / name / "file").write_text("old")
        self.assertEqual((self.take("tree-b") / "file").read_text(), "new")
        self.assertEqual((self.take("tree-a") / "file").read_text(), "new")


if __name__ == "__main__":
    unittest.main()
