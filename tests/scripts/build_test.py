#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/build: what it builds is of its own tree's present sources.

The tree is a small one, of one program that prints what it was made of.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

TOP = pathlib.Path(__file__).resolve().parents[2]
LISTS = """\
cmake_minimum_required(VERSION 3.20)
project(small LANGUAGES C)
add_executable(delwribench bench/main.c)
add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/made
	COMMAND touch ${PROJECT_BINARY_DIR}/made DEPENDS delwribench)
add_custom_target(layouts DEPENDS ${PROJECT_BINARY_DIR}/made)
"""
OLD = 1_000_000_000             # 2001


class Build(unittest.TestCase):
    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name).resolve()
        self.folder.chmod(0o755)
        self.tree = self.folder / "tree"
        for name in ("scripts", "bench", "impl", "cmake", "tests"):
            (self.tree / name).mkdir(parents=True)
        shutil.copy(TOP / "scripts/build", self.tree / "scripts")
        setup = self.tree / "scripts/setup"
        setup.write_text("#!/bin/sh\n")
        setup.chmod(0o755)
        (self.tree / "CMakeLists.txt").write_text(LISTS)
        self.write(self.tree, "first")

    @staticmethod
    def write(tree: pathlib.Path, says: str, when: int = 0) -> None:
        main = tree / "bench/main.c"
        main.write_text(f'#include <stdio.h>\nint main(void) {{ puts("{says}"); }}\n')
        if when:
            os.utime(main, (when, when))

    def build(self, tree: pathlib.Path, kind: str = "release", status: int = 0,
              user: int | None = None, **env: str) -> str:
        """What the program says that was built; or scripts/build."""
        done = subprocess.run(
            [tree / "scripts/build", kind], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, check=False, user=user, cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)} | env)
        self.assertEqual(done.returncode, status, done.stderr)
        if status:
            self.assertEqual(done.stdout, "")
            return done.stderr
        program = pathlib.Path(done.stdout.strip()) / "delwribench"
        self.assertTrue(program.is_absolute())
        return subprocess.run([program], text=True, stdout=subprocess.PIPE,
                              check=True).stdout.strip()

    def copy(self, *how: str) -> pathlib.Path:
        copied = self.folder / "copy"
        subprocess.run(["cp", *how, self.tree, copied], check=True)
        return copied

    def test_changed(self) -> None:
        self.assertEqual(self.build(self.tree), "first")
        self.write(self.tree, "second")
        self.assertEqual(self.build(self.tree), "second")
        # As rsync -a, cp -p and tar bring it.
        self.write(self.tree, "third", OLD)
        self.assertEqual(self.build(self.tree), "third")

    def test_at_once(self) -> None:
        """As scripts/plan in two windows does: each waits for the other."""
        for says in ("first", "second"):
            self.write(self.tree, says)
            with ThreadPoolExecutor(4) as pool:
                found = list(pool.map(self.build, [self.tree] * 4))
            self.assertEqual(found, [says] * 4)

    def test_copied(self) -> None:
        self.build(self.tree)
        for how in ("-a", "-r"):
            for when in (0, OLD):
                with self.subTest(how=how, when=when):
                    copied = self.copy(how)
                    self.write(copied, "copied", when)
                    self.assertEqual(self.build(copied), "copied")
                    self.assertEqual(self.build(self.tree), "first")
                    shutil.rmtree(copied)

    def test_moved(self) -> None:
        self.build(self.tree)
        moved = self.tree.rename(self.folder / "moved")
        self.write(moved, "moved", OLD)
        self.assertEqual(self.build(moved), "moved")
        # Another one is where it was.
        shutil.copytree(moved, self.tree)
        self.write(self.tree, "again", OLD)
        self.assertEqual(self.build(self.tree), "again")
        self.assertEqual(self.build(moved), "moved")

    def test_through_a_link(self) -> None:
        self.build(self.tree)
        before = (self.tree / "build/release/delwribench").stat().st_mtime_ns
        link = self.folder / "link"
        link.symlink_to(self.tree)
        self.assertEqual(self.build(link), "first")
        self.assertEqual(
            (self.tree / "build/release/delwribench").stat().st_mtime_ns, before)

    def test_build_dir(self) -> None:
        self.assertEqual(self.build(self.tree, BUILD_DIR="there"), "first")
        self.assertTrue((self.folder / "there/delwribench").exists())
        self.assertFalse((self.tree / "build").exists())
        copied = self.copy("-a")
        self.write(copied, "copied", OLD)
        said = self.build(copied, status=2, BUILD_DIR="there")
        self.assertEqual(said.count("\n"), 1)
        self.assertIn(f"BUILD_DIR=there holds a build (release) of {self.tree}:", said)
        self.assertIn("(release)", self.build(self.tree, "asan", status=2, BUILD_DIR="there"))
        # The tree that it was made for is no more.
        shutil.rmtree(self.tree)
        self.assertEqual(self.build(copied, BUILD_DIR="there"), "copied")
        # A folder that was copied without its tree.
        shutil.copytree(self.folder / "there", self.folder / "else")
        self.write(copied, "changed", OLD)
        self.assertEqual(self.build(copied, BUILD_DIR="else"), "changed")

    def test_build_dir_of_others(self) -> None:
        """Nothing is put beside somebody's files, or removed there."""
        theirs = self.folder / "there/sources-of-mine"
        theirs.parent.mkdir()
        theirs.write_text("mine")
        said = self.build(self.tree, status=2, BUILD_DIR="there")
        self.assertIn("BUILD_DIR=there holds other things", said)
        self.assertEqual(said.count("\n"), 1)
        self.assertEqual(list(theirs.parent.iterdir()), [theirs])

    @unittest.skipIf(os.geteuid(), "needs root: files of another user")
    def test_read_only(self) -> None:
        nobody = 65534
        said = self.build(self.tree, status=2, user=nobody)
        self.assertEqual(said.count("\n"), 1)
        self.assertIn("cannot be written", said)
        self.assertEqual(self.build(self.tree, user=nobody, BUILD_DIR="/tmp/"
                                    f"{self.folder.name}-theirs"), "first")
        shutil.rmtree(f"/tmp/{self.folder.name}-theirs")
        self.build(self.tree)
        # It needs nothing then, wherever the tree is.
        (self.tree / "scripts/setup").write_text("#!/bin/sh\nexit 2\n")
        self.assertEqual(self.build(self.tree, user=nobody), "first")
        self.assertEqual(self.build(self.copy("-r"), user=nobody), "first")
        self.assertIn("no build (tsan)", self.build(self.tree, "tsan", status=2, user=nobody))
        self.write(self.tree, "second", OLD)
        said = self.build(self.tree, status=2, user=nobody)
        self.assertEqual(said.count("\n"), 1)
        self.assertIn("no build (release) of these sources", said)

    def test_bad(self) -> None:
        self.assertIn("'fast'", self.build(self.tree, "fast", status=2))
        (self.tree / "bench/main.c").write_text("int main(void) { return x; }\n")
        said = self.build(self.tree, status=1)
        self.assertIn("building delwribench (release) failed", said)


class Libraries(unittest.TestCase):
    """cmake/Libraries.cmake, whatever pkg-config knows."""

    def configure(self, **env: str) -> subprocess.CompletedProcess:
        with tempfile.TemporaryDirectory() as folder:
            return subprocess.run(
                ["cmake", "-S", TOP, "-B", folder, "-G", "Ninja"], text=True, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | env)

    def test_without_pkg_config_files(self) -> None:
        done = self.configure(PKG_CONFIG_LIBDIR="/nowhere")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_too_old(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "hwloc.pc").write_text(
                "Name: hwloc\nDescription: old\nVersion: 2.1.0\n")
            done = self.configure(PKG_CONFIG_PATH=folder)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("missing: hwloc>=2.4 (found: 2.1.0): see what scripts/setup says",
                      " ".join(done.stderr.split()))


class Version(unittest.TestCase):
    """cmake/version.sh: which commit, or the true reason why that is unknown."""

    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.tree = pathlib.Path(held.name)

    def header(self, path: str = "") -> list[str]:
        subprocess.run([TOP / "cmake/version.sh", self.tree, self.tree / "v/version.h"],
                       check=True, env=os.environ | {"PATH": path or os.environ["PATH"]})
        return [line.split(maxsplit=2)[2] for line in
                (self.tree / "v/version.h").read_text().splitlines()[1:]]

    def test_version(self) -> None:
        self.assertEqual(self.header(), ["NULL", '"not built from a git repository"'])
        for command in (["init", "-q"], ["-c", "user.name=n", "-c", "user.email=e", "commit",
                                         "-q", "--allow-empty", "-m", "m"]):
            subprocess.run(["git", "-C", self.tree, *command], check=True)
        version, reason = self.header()
        self.assertRegex(version, '^"[0-9a-f]{12}"$')
        self.assertEqual(reason, '""')
        little = self.tree / "bin"
        little.mkdir()
        for tool in ("sh", "dirname", "mkdir", "cmp", "rm", "mv", "head", "tr"):
            (little / tool).symlink_to(shutil.which(tool))
        self.assertEqual(self.header(str(little)), ["NULL", '"git is not installed"'])
        (self.tree / ".git/HEAD").write_text("nonsense\n")
        version, reason = self.header()
        self.assertEqual(version, "NULL")
        self.assertRegex(reason, '^"git: fatal: .*"$')


if __name__ == "__main__":
    unittest.main()
