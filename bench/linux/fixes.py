# SPDX-License-Identifier: GPL-2.0-only
"""A fix as a patch to fs/xfs: find it, apply it, print it."""

import hashlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from common import BUILD, FIXES, SOURCE, Failure, run

TARBALL = Path("/usr/src") / (SOURCE + ".tar.xz")


@dataclass(frozen=True)
class Fix:
    name: str
    file: Path
    own: bool  # of this suite


def builtin() -> list[str]:
    return sorted(p.stem for p in FIXES.iterdir() if p.suffix in (".patch", ".cocci"))


def find(argument: str) -> Fix:
    """NAME of a built-in one, or NAME=FILE.patch, NAME=FILE.cocci."""
    name, given, file = argument.partition("=")
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise Failure(
            f"--fix {argument}: a name has letters, digits and _ only: give"
            " NAME or NAME=FILE.patch",
            2,
        )
    if not given:
        for suffix in (".patch", ".cocci"):
            path = FIXES / (name + suffix)
            if path.is_file():
                return Fix(name, path, True)
        raise Failure(
            f"--fix {name}: no such fix in impl/linux: give one of"
            f" {', '.join(builtin())}, or NAME=FILE.patch",
            2,
        )
    path = Path(file)
    if path.suffix not in (".patch", ".diff", ".cocci"):
        raise Failure(f"--fix {argument}: {file} is neither .patch nor .cocci", 2)
    if not path.is_file():
        raise Failure(f"--fix {argument}: {file} is no file: give the patch's path", 2)
    return Fix(name, path.resolve(), False)


def ready() -> bool:
    """Is there what printing a patch takes?"""
    return TARBALL.is_file() and all(map(shutil.which, ("patch", "spatch")))


def pristine() -> Path:
    """The distribution's source, unpacked once: fs/xfs and checkpatch."""
    top = BUILD / "source"
    if not TARBALL.is_file():
        raise Failure(f"{TARBALL} is missing: run scripts/setup kernel")
    stamp = f"{TARBALL.stat().st_size} {TARBALL.stat().st_mtime_ns}"
    if (top / "stamp").is_file() and (top / "stamp").read_text() == stamp:
        return top / SOURCE
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir(parents=True)
    scripts = [
        f"{SOURCE}/scripts/{f}"
        for f in ("checkpatch.pl", "spelling.txt", "const_structs.checkpatch")
    ]
    result = run(
        ["tar", "-xJf", str(TARBALL), "-C", str(top), f"{SOURCE}/fs/xfs", *scripts]
    )
    if result.returncode:
        raise Failure(f"{TARBALL} does not unpack: {result.stdout.strip()}")
    (top / "stamp").write_text(stamp)
    return top / SOURCE


def _apply_patch(file: Path, tree: Path) -> None:
    with file.open() as f:
        result = run(
            ["patch", "-p1", "-f", "-N", "--no-backup-if-mismatch", "-d", str(tree)],
            stdin=f,
        )
    if not result.returncode:
        return
    target = hunk = None
    for line in result.stdout.splitlines():
        if found := re.match(r"(?:checking|patching) file (\S+)", line):
            target = found[1]
        elif found := re.match(r"Hunk #(\d+) FAILED at (\d+)", line):
            hunk = f"hunk {found[1]} (line {found[2]})"
            break
        elif found := re.match(r"\|\+\+\+ (\S+)", line):
            target, hunk = found[1], "every hunk"
            break
        elif "Only garbage" in line:
            raise Failure(f"{file}: holds no patch: give a unified diff", 2)
        elif "malformed patch" in line:
            raise Failure(f"{file}: {line.strip()}: write the diff anew", 2)
    raise Failure(
        f"{file}: {hunk or 'a hunk'} of {target or 'a file'} does not apply to"
        f" {SOURCE}: rebase the patch on it",
        2,
    )


def _apply_cocci(file: Path, tree: Path) -> None:
    result = run(
        ["spatch", "--very-quiet", "--include-headers", "--in-place"]
        + ["--sp-file", str(file), "--dir", str(tree / "fs" / "xfs")]
    )
    errors = [
        line.strip()
        for line in result.stdout.splitlines()
        if re.search(r"(parse|semantic) error|^error:|Fatal error", line)
    ]
    if result.returncode or errors:
        what = errors[0] if errors else result.stdout.strip()[-200:]
        raise Failure(f"{file}: spatch refuses it: {what}", 2)


def _has_changes(file: Path) -> bool:
    text = file.read_text(errors="replace")
    return file.suffix == ".cocci" or bool(re.search(r"^--- \S", text, re.M))


def key(*files: Path) -> str:
    digest = hashlib.sha256()
    for f in files:
        digest.update(f.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def patched(fix: Fix) -> Path:
    """A tree that holds fs/xfs with @fix applied."""
    base = pristine()
    tree = BUILD / "patched" / fix.name
    stamp = tree / "stamp"
    want = key(fix.file) + (BUILD / "source" / "stamp").read_text()
    if stamp.is_file() and stamp.read_text() == want:
        return tree
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(base / "fs" / "xfs", tree / "fs" / "xfs")
    if fix.file.suffix == ".cocci":
        _apply_cocci(fix.file, tree)
    elif _has_changes(fix.file) or not fix.own:
        _apply_patch(fix.file, tree)
    if _has_changes(fix.file) or not fix.own:
        if not diff(tree):
            shutil.rmtree(tree)
            raise Failure(f"{fix.file}: changes nothing in fs/xfs: no rule matches", 2)
    stamp.write_text(want)
    return tree


def diff(tree: Path) -> str:
    """Unified, a/ and b/, without time stamps."""
    with tempfile.TemporaryDirectory() as t:
        (Path(t) / "a").symlink_to(pristine())
        (Path(t) / "b").symlink_to(tree)
        text = run(["diff", "-rupN", "a/fs/xfs", "b/fs/xfs"], cwd=t).stdout
    text = re.sub(r"^diff -.*\n", "", text, flags=re.M)
    return re.sub(r"^((?:---|\+\+\+) \S+)\t.*$", r"\1", text, flags=re.M)


def describe(fix: Fix) -> str:
    """What the fix's file says above its changes: subject and reasons."""
    lines = []
    for line in fix.file.read_text(errors="replace").splitlines():
        if line.startswith(("--- ", "diff ", "Index: ", "@")) or line == "---":
            break
        if fix.file.suffix == ".cocci":
            if not line.startswith("//"):
                break
            line = line[2:].removeprefix(" ")
        if not line.startswith("#"):
            lines.append(line)
    text = "\n".join(lines)
    return text[text.find("Subject:") :] if "Subject:" in text else text


def mail(fix: Fix) -> str:
    """As one would send it: description, ---, the diff."""
    return describe(fix).strip() + "\n---\n" + diff(patched(fix))
