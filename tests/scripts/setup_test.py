#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/setup: what is installed, what a release calls it, what to type.

dpkg's database, apt and /etc/os-release are made up here; nothing is
installed.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
TABLES = TOP / "scripts/packages"
SYSTEMS = {
    "debian": 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
    "ubuntu": 'ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME="Ubuntu 24.04 LTS"\n',
    "fedora": "ID=fedora\n",
    "rhel": 'ID="rhel"\nID_LIKE="fedora"\n',
    "suse": 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n',
    "arch": "ID=arch\n",
    "manjaro": "ID=manjaro\nID_LIKE=arch\n",
    "other": 'ID=other\nPRETTY_NAME="Other 1"\n',
}
# What setup itself uses.
TOOLS = ("sh", "awk", "sed", "sort", "head", "tr", "cat", "dirname", "mktemp",
         "rm", "ls", "grep", "dpkg-query", "id")


def table(name: str) -> dict[str, str]:
    """What is called what."""
    lines = (TABLES / name).read_text().splitlines()
    return dict(line.split(maxsplit=1) for line in lines if not line.startswith("#"))


class Setup(unittest.TestCase):
    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)
        (self.folder / "bin").mkdir()
        (self.folder / "dpkg/info").mkdir(parents=True)
        (self.folder / "dpkg/updates").mkdir()
        self.asked = self.folder / "asked"
        self.asked.write_text("")
        self.command("id", "echo 1000")
        self.has([])
        self.release([])

    def command(self, name: str, does: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)

    def has(self, packages: list[str], status: str = "install ok installed",
            mentions: str = "") -> None:
        """dpkg's database."""
        (self.folder / "dpkg/status").write_text("".join(
            f"Package: {name}\nStatus: {status}\nMaintainer: m <m@m>\n"
            f"Architecture: all\nVersion: 1\nDescription: d\n"
            + (f"Suggests: {mentions}\n" if mentions else "") + "\n"
            for name in sorted(set(packages))))

    def release(self, packages: list[str]) -> None:
        """What apt knows; nothing: its lists are empty."""
        known = " ".join(packages)
        lists = "echo ' release o=Debian,a=x'" if packages else ":"
        self.command("apt-cache", f"""shift
[ $# != 0 ] || {{ echo ' release a=now'; {lists}; exit; }}
for p; do
	case " {known} " in
	*" $p "*) printf '%s:\\n  Installed: (none)\\n  Candidate: 1\\n' "$p" ;;
	# Another one's list mentions it.
	*) printf '%s:\\n  Installed: (none)\\n  Candidate: (none)\\n' "$p" ;;
	esac
done""")

    def setup(self, *arguments: str, system: str = "debian", path: str = "",
              **more: str) -> subprocess.CompletedProcess:
        (self.folder / "os-release").write_text(SYSTEMS[system])
        return subprocess.run(
            [TOP / "scripts/setup", *arguments], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, check=False, env=dict(
                os.environ, PATH=f"{self.folder}/bin:{path or os.environ['PATH']}",
                OS_RELEASE=str(self.folder / "os-release"),
                DPKG_ADMINDIR=str(self.folder / "dpkg"), **more))

    def little(self) -> str:
        """A PATH of a machine with almost nothing."""
        folder = self.folder / "little"
        folder.mkdir()
        for tool in TOOLS:
            if found := shutil.which(tool):
                (folder / tool).symlink_to(found)
        return str(folder)

    @staticmethod
    def firsts(*parts: str) -> list[str]:
        """Debian's first names of all that belongs to these parts."""
        names = table("debian")
        return [names[need].split("|")[0] for need, rest in table("needs").items()
                if rest.split()[0] in parts]

    # --- Debian ---

    def test_silent_if_all_is_there(self) -> None:
        self.has(self.firsts("build"))
        done = self.setup()
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_mentioned_is_not_installed(self) -> None:
        names = self.firsts("build", "python", "compare", "report")
        self.release(self.firsts("build", "python", "compare", "report", "calibrate"))
        self.has(names, mentions="libbenchmark-tools")
        done = self.setup("calibrate")
        self.assertEqual(done.returncode, 2)
        self.assertTrue(done.stderr.endswith(
            "run: sudo apt-get install libbenchmark-tools\n"), done.stderr)

    def test_removed_and_half_installed_are_not_there(self) -> None:
        self.release(self.firsts("python"))
        for status in ("deinstall ok config-files", "install ok half-installed",
                       "install ok unpacked"):
            self.has(["python3"], status)
            done = self.setup("python")
            self.assertEqual(done.returncode, 2, status)
            self.assertIn("apt-get install python3\n", done.stderr)

    def test_names_of_a_release(self) -> None:
        everything = self.firsts("build", "python", "guest", "kernel", "compare", "report",
                                 "calibrate", "cost", "format", "tests")
        # Debian 13 has no such names.
        gone = {"linux-headers-6.12-amd64", "linux-image-6.12-amd64"}
        self.release(sorted({*everything, "linux-headers-amd64", "linux-image-amd64"} - gone))
        done = self.setup("kernel")
        self.assertEqual(done.returncode, 2)
        words = done.stderr.split()
        self.assertIn("linux-headers-amd64", words)
        self.assertFalse(gone.intersection(words))
        # Debian 12 has both, and the general one is another kernel.
        self.release([*everything, "linux-headers-amd64", "linux-image-amd64"])
        self.has(["linux-headers-amd64", "linux-image-amd64"])
        words = self.setup("kernel").stderr.split()
        self.assertLessEqual(gone, set(words))
        self.assertNotIn("linux-headers-amd64", words)
        # What is installed under a later name is there.
        self.release(sorted({*everything, "pkgconf"} - {"pkg-config"}))
        self.has([*set(self.firsts("build")) - {"pkg-config"}, "pkgconf"])
        done = self.setup()
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_no_name_at_all(self) -> None:
        self.release([n for n in self.firsts("build", "python", "guest", "kernel")
                      if n != "linux-source-6.12"])
        done = self.setup("kernel")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("Debian GNU/Linux 13 (trixie) has no package linux-source-6.12",
                      done.stderr)

    def test_empty_lists(self) -> None:
        done = self.setup("python", system="ubuntu")
        self.assertEqual(done.returncode, 2)
        self.assertIn("run: sudo apt-get update && sudo apt-get install python3\n",
                      done.stderr)

    def root(self, fails: str = "") -> None:
        """We are root, and apt notes what it is asked."""
        self.command("id", "echo 0")
        self.command("apt-get", f"""echo "$@" >>{self.asked}
case $1 in {fails or "no-such"}) echo "E: its own words" >&2; exit 100 ;; esac
if [ "$1" = update ]; then mv {self.folder}/later {self.folder}/bin/apt-cache; fi""")
        shutil.copy(self.folder / "bin/apt-cache", self.folder / "later")

    def test_root_installs(self) -> None:
        # The lists are empty until they are fetched.
        self.release(["python3"])
        self.root()
        self.release([])
        done = self.setup("python")
        self.assertEqual((done.returncode, done.stderr), (0, "installing python3\n"))
        update, install = self.asked.read_text().splitlines()
        self.assertTrue(update.startswith("update"), update)
        self.assertRegex(install, r"^install .*\bpython3\b.*DPkg::Lock::Timeout=\d+")

    def test_root_waits_for_another_apt(self) -> None:
        self.root()
        self.command("sleep", "")
        self.command("apt-get", f"""echo "$@" >>{self.asked}
            [ "$(wc -l <{self.asked})" -gt 3 ] && exit 0
            echo 'E: Could not get lock /var/lib/apt/lists/lock. It is held by 1'
            exit 100""")
        done = self.setup("python")
        asked = [line.split()[0] for line in self.asked.read_text().splitlines()]
        self.assertEqual(asked, ["update"] * 4 + ["install"])
        self.assertEqual(done.stderr.count("waiting for another apt"), 1)

    def test_root_shows_what_apt_says(self) -> None:
        self.release(["python3"])
        self.root("install")
        done = self.setup("python")
        self.assertEqual(done.returncode, 2)
        self.assertIn("E: its own words\n", done.stderr)
        # Old lists may do.
        self.root("update")
        self.assertEqual(self.setup("python").returncode, 0)

    def test_too_old(self) -> None:
        self.has(self.firsts("build"))
        for name, says, wanted in (
                ("cmake", "cmake version 3.18.4", "cmake 3.18.4 (from 3.20 on is needed)"),
                ("ld.lld", "Debian LLD 11.0.1 (compatible with GNU linkers)",
                 "lld 11.0.1 (from 13 on is needed)")):
            with self.subTest(name):
                self.command(name, f"echo '{says}'")
                done = self.setup()
                (self.folder / "bin" / name).unlink()
                self.assertEqual(done.returncode, 2)
                self.assertIn(wanted, done.stderr)
        self.command("cmake", "echo cmake version 4.0.2")
        self.assertEqual(self.setup().returncode, 0)

    # --- elsewhere ---

    def test_elsewhere(self) -> None:
        path = self.little()
        for system, says, name in (
                ("fedora", "run: sudo dnf install ", "userspace-rcu-devel"),
                ("rhel", "run: sudo dnf install ", "google-benchmark-devel"),
                ("suse", "run: sudo zypper install ", "libjansson-devel"),
                ("arch", "run: sudo pacman -S --needed ", "isa-l"),
                ("manjaro", "run: sudo pacman -S --needed ", "isa-l"),
                ("other", "on Debian: ", "libisal-dev")):
            with self.subTest(system):
                done = self.setup(system=system, path=path)
                self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
                self.assertIn(says, done.stderr)
                self.assertIn(name, done.stderr.split())
                for version in ("cmake (from 3.20 on)", "hwloc (from 2.4 on)",
                                "lld (from 13 on)"):
                    self.assertIn(version, done.stderr)

    def test_elsewhere_only_what_is_missing(self) -> None:
        done = self.setup(system="fedora")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        # The machine's libraries, without what pkg-config knows of them.
        done = self.setup(system="fedora", PKG_CONFIG_LIBDIR="/nowhere")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.command("ld.lld", "echo LLD 12.0.0")
        done = self.setup(system="fedora")
        self.assertEqual(done.returncode, 2)
        self.assertTrue(done.stderr.endswith(
            "lld 12.0.0 (from 13 on is needed); run: sudo dnf install lld\n"), done.stderr)

    def test_elsewhere_no_package_known(self) -> None:
        done = self.setup("kernel", system="arch", path=self.little())
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"; no package of .* is known for: coccinelle")
        self.assertNotIn("coccinelle", done.stderr.split("; run: ")[1].split("; ")[0])

    def test_tables_are_whole(self) -> None:
        needs = list(table("needs"))
        for family in ("debian", "fedora", "suse", "arch"):
            self.assertEqual(list(table(family)), ["@install", *needs], family)

    def test_bad_argument(self) -> None:
        done = self.setup("everything")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'everything'", done.stderr)


if __name__ == "__main__":
    unittest.main()
