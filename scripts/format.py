# SPDX-License-Identifier: GPL-2.0-only
"""Bring C and C++ sources into the style of .clang-format.

clang-format cannot leave alone what is aligned by hand, so its opinion
counts line by line: spaces between the parts of a line, macros, and lines
broken earlier than necessary (but indented as it would) stay as they are.
Versions 14 to 23 are of one opinion of our files; older ones are not.
"""
import argparse
import difflib
import pathlib
import re
import subprocess
import sys
import tempfile

COLUMNS = 80
OLDEST = 14
TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))
sys.dont_write_bytecode = True
from bench.output import closed  # noqa: E402


def formatted(style: str, sources: list[str]) -> list[list[str]]:
    """The lines of each source after clang-format with this style."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / ".clang-format").write_text(style)
        paths = [folder / f"{i}.c" for i in range(len(sources))]
        for path, text in zip(paths, sources):
            path.write_text(text)
        subprocess.run(["clang-format", "-i", *paths], check=True)
        return [path.read_text().splitlines() for path in paths]


def squeezed(lines: list[str]) -> list[str]:
    """Indentation kept, every later run of blanks made one space."""
    return [re.sub(r"(?<=\S)[ \t]+(?=\S)", " ", line) for line in lines]


def macro_lines(lines: list[str]) -> set[int]:
    inside = False
    found = set()
    for i, line in enumerate(lines):
        inside = inside or line.lstrip().startswith("#")
        if inside:
            found.add(i)
        inside = inside and line.endswith("\\")
    return found


def changes(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    matcher = difflib.SequenceMatcher(None, squeezed(old), squeezed(new), False)
    return [op[1:] for op in matcher.get_opcodes() if op[0] != "equal"]


def restyled(old: list[str], new: list[str], free: list[str]) -> list[str]:
    """`old` with the changes to `new` that no freedom of ours covers."""
    macros = macro_lines(old)
    wrong = [(a, b) for a, b, _, _ in changes(old, free)]
    result = list(old)
    for a, b, c, d in reversed(changes(old, new)):
        if a < b and all(i in macros for i in range(a, b)):
            continue
        if not any(x < b and a < y or x == y and a <= x <= b for x, y in wrong):
            continue
        result[a:b] = new[c:d]
    return result


def too_long(line: str) -> bool:
    """A string that somebody may search for is not broken."""
    return len(line.expandtabs(8)) > COLUMNS and '"' not in line


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/format", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; "
                        "status 1 if a file is not in style")
    parser.add_argument("names", nargs="*", metavar="FILE",
                        help="default: all that git knows")
    args = parser.parse_args()
    check, names = args.check, args.names
    if not names:
        git = ["git", "-c", f"safe.directory={TOP}", "-C", str(TOP)]
        out = subprocess.run([*git, "ls-files", "*.c", "*.h", "*.cc"], check=True,
                             capture_output=True, text=True).stdout
        names = [str(TOP / name) for name in out.split() if (TOP / name).exists()]
    if not names:
        print("scripts/format: no sources under git", file=sys.stderr)
        return 2
    out = subprocess.run(["clang-format", "--version"], check=True,
                         capture_output=True, text=True).stdout
    version = re.search(r"version (\d+)", out)
    if version and int(version[1]) < OLDEST:
        print(f"scripts/format: clang-format {version[1]} indents otherwise: "
              f"install {OLDEST} or newer", file=sys.stderr)
        return 2
    style = (TOP / ".clang-format").read_text()
    free = re.sub(r"(?m)^ColumnLimit:.*$", "ColumnLimit: 0", style)
    try:
        sources = [pathlib.Path(name).read_text() for name in names]
    except OSError as error:
        print(f"scripts/format: {error.filename}: {error.strerror}",
              file=sys.stderr)
        return 2
    bad = 0
    for name, text, new, loose in zip(names, sources, formatted(style, sources),
                                      formatted(free, sources)):
        old = text.splitlines()
        result = restyled(old, new, loose)
        for i, line in enumerate(result, 1):
            if too_long(line):
                print(f"{name}:{i}: over {COLUMNS} columns: break the line")
                bad = 1
        if result == old:
            continue
        if check:
            print("\n".join(difflib.unified_diff(
                old, result, name, "in style (run scripts/format)", "", "", 1, "")))
            bad = 1
        else:
            pathlib.Path(name).write_text("\n".join(result) + "\n")
    return bad


if __name__ == "__main__":
    sys.exit(closed(main, "scripts/format"))
