# SPDX-License-Identifier: GPL-2.0-only
"""A fix as a patch to fs/xfs: find it, apply it, print it."""

import hashlib
import os
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
    if not os.access(path, os.R_OK):
        raise Failure(f"--fix {argument}: {file} cannot be read: let it be read", 2)
    return Fix(name, path.resolve(), False)


def ready() -> bool:
    """Is there what printing a patch takes?"""
    return TARBALL.is_file() and all(map(shutil.which, ("patch", "spatch")))


def pristine() -> Path:
    """The distribution's source, unpacked once: fs/xfs and checkpatch."""
    if not TARBALL.is_file():
        raise Failure(f"{TARBALL} is missing: run scripts/setup kernel")
    about = TARBALL.stat()
    # Two who unpack it at the same time do so in folders of their own.
    top = BUILD / f"source-{about.st_size}-{about.st_mtime_ns}"
    if top.is_dir():
        return top / SOURCE
    BUILD.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=BUILD, prefix="unpacking-"))
    scripts = [
        f"{SOURCE}/scripts/{f}"
        for f in ("checkpatch.pl", "spelling.txt", "const_structs.checkpatch")
    ]
    result = run(
        ["tar", "-xJf", str(TARBALL), "-C", str(new), f"{SOURCE}/fs/xfs", *scripts]
    )
    if result.returncode:
        shutil.rmtree(new)
        raise Failure(f"{TARBALL} does not unpack: {result.stdout.strip()}")
    try:
        new.rename(top)
    except OSError:  # the other one was faster
        shutil.rmtree(new)
    return top / SOURCE


def _only_xfs(file: Path) -> int:
    """Refuse what this lane does not build.  Returns how many folders to strip."""
    text = file.read_text(errors="replace")
    named = re.findall(r"^(?:---|\+\+\+|diff --git) (\S*/\S*)", text, re.M)
    renamed = re.findall(r"^(?:rename|copy) (?:from|to) (\S+)", text, re.M)
    for path in named + renamed:
        inside = path == "/dev/null" or re.match(r"(?:[^/]+/)?fs/xfs/", path)
        if not inside:
            raise Failure(
                f"{file}: changes {path.partition('/')[2] or path}, and only fs/xfs is built"
                " here: leave that part out, and give paths as git diff does, a/fs/xfs/...",
                2,
            )
    if "\nGIT binary patch\n" in text:
        raise Failure(f"{file}: is binary: give a unified diff", 2)
    return int(not all(path.startswith(("fs/xfs/", "/dev/null")) for path in named))


def _apply_patch(file: Path, tree: Path) -> None:
    strip = _only_xfs(file)
    with file.open() as f:
        result = run(
            ["patch", f"-p{strip}", "-f", "-N", "--no-backup-if-mismatch", "-d", str(tree)],
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
            raise Failure(f"{file}: {line.strip(' :')}: write the diff anew", 2)
    raise Failure(
        f"{file}: {hunk or 'a hunk'} of {target or 'a file'} does not apply to"
        f" {SOURCE}: rebase the patch on it",
        2,
    )


def _rules(text: str) -> dict[str, str]:
    """The rules that must match: as spatch calls each, and its first change.

    Not those that stand in for another one ("depends on !...").
    """
    must: dict[str, str] = {}
    header = name = ""
    declaring = False
    for number, line in enumerate(text.splitlines(), 1):
        if declaring:
            declaring = not line.startswith("@@")
        elif found := re.match(r"@(.*)@", line):
            declaring, header = True, found[1].strip()
            name = header.split()[0] if header else f"rule starting on line {number}"
        elif line[:1] in ("-", "+") and not re.search("script:|depends on.*!", header):
            must.setdefault(name, line)
    return must


def _apply_cocci(file: Path, tree: Path) -> None:
    result = run(
        ["spatch", "--debug", "--include-headers", "--in-place"]
        + ["--sp-file", str(file), "--dir", str(tree / "fs" / "xfs")]
    )
    if result.returncode:
        errors = re.search(r"[^\n]*(?:(?:parse|semantic) error|Fatal error).*", result.stdout, re.S)
        what = " ".join((errors[0] if errors else result.stdout[-200:]).split())[:300]
        raise Failure(f"{file}: spatch refuses it: {what}", 2)
    now, matched = "", set()
    for line in result.stdout.splitlines():
        if found := re.fullmatch(r"(.+?) = ", line):
            now = found[1]
        elif "transform state:" in line:
            matched.add(now)
    for name, change in _rules(file.read_text()).items():
        if name not in matched:
            raise Failure(
                f"{file}: {name} ({change}) matches nothing in {SOURCE}: write it for"
                " this source, or let it depend on what it stands in for",
                2,
            )


def _has_changes(file: Path) -> bool:
    text = file.read_text(errors="replace")
    return file.suffix == ".cocci" or bool(re.search(r"^--- \S", text, re.M))


def key(*files: Path) -> str:
    digest = hashlib.sha256()
    for f in files:
        digest.update(f.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def patched(fix: Fix, folder: Path = BUILD / "patched") -> Path:
    """A tree below @folder that holds fs/xfs with @fix applied."""
    base = pristine()
    tree = folder / fix.name
    stamp = tree / "stamp"
    want = f"{key(fix.file)} {base}"
    if stamp.is_file() and stamp.read_text() == want:
        return tree
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(base / "fs" / "xfs", tree / "fs" / "xfs")
    try:
        if fix.file.suffix == ".cocci":
            _apply_cocci(fix.file, tree)
        elif _has_changes(fix.file) or not fix.own:
            _apply_patch(fix.file, tree)
        if (_has_changes(fix.file) or not fix.own) and not diff(tree):
            why = "no rule matches" if fix.file.suffix == ".cocci" else "give a unified diff"
            raise Failure(f"{fix.file}: changes nothing in fs/xfs: {why}", 2)
        _confirm(fix, tree)
    except Failure:
        shutil.rmtree(tree)
        raise
    stamp.write_text(want)
    return tree


# Where a bulk load or a lookup can wait for a list, beside what a fix changes.
WAITING = ("xfs_buf.c", "xfs_buf.h", "libxfs/xfs_btree_staging.c")


def has_no(fix: Fix) -> list[str]:
    """Functions that the fix's file says ("Has-no: NAME") it does not call."""
    return re.findall(r"\bHas-no:\s*(\w+)", fix.file.read_text(errors="replace"))


def _confirm(fix: Fix, tree: Path) -> None:
    """What it says that it has not, it has neither in WAITING nor in its own files."""
    if not (names := has_no(fix)):
        return
    for file in sorted({*WAITING, *changed(tree)}):
        path = tree / "fs" / "xfs" / file
        text = path.read_text(errors="replace") if path.is_file() else ""
        for name in names:
            if found := re.search(rf"\b{name}\s*\(", text):
                line = text[: found.start()].count("\n") + 1
                raise Failure(
                    f"{fix.file}: says Has-no: {name}, but fs/xfs/{file}:{line} has it:"
                    " take one of the two out",
                    2,
                )


def diff(tree: Path) -> str:
    """Unified, a/ and b/, without time stamps."""
    with tempfile.TemporaryDirectory() as t:
        (Path(t) / "a").symlink_to(pristine())
        (Path(t) / "b").symlink_to(tree)
        text = run(["diff", "-rupN", "a/fs/xfs", "b/fs/xfs"], cwd=t).stdout
    text = re.sub(r"^diff -.*\n", "", text, flags=re.M)
    return re.sub(r"^((?:---|\+\+\+) \S+)\t.*$", r"\1", text, flags=re.M)


def changed(tree: Path) -> list[str]:
    """The files of fs/xfs in which @tree is not the distribution's."""
    base = pristine() / "fs" / "xfs"
    here = tree / "fs" / "xfs"
    names = {str(p.relative_to(top)) for top in (base, here) for p in top.rglob("*") if p.is_file()}
    return sorted(
        name
        for name in names
        if not ((base / name).is_file() and (here / name).is_file())
        or (base / name).read_bytes() != (here / name).read_bytes()
    )


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
    """As one would send it: description, ---, the diff.  Waits for nobody."""
    with tempfile.TemporaryDirectory() as folder:
        return describe(fix).strip() + "\n---\n" + diff(patched(fix, Path(folder)))
