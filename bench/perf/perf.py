# SPDX-License-Identifier: GPL-2.0-only
"""Run perf(1) around a workload so that it counts in batches only.

Usage: scripts/perf stat   [PERF OPTION... --] [RUN OPTION...]
       scripts/perf record [PERF OPTION... --] [RUN OPTION...]
       scripts/perf c2c    [PERF OPTION... --] [RUN OPTION...]
       scripts/perf c2c    --replay SAMPLES --objects FILE

RUN OPTIONs are those of `delwribench run`.  record and c2c write perf.data into
the build's folder, build/release.  c2c names the fields in each cache line that one processor
changed and another read; --replay does so with samples that
`perf script -F addr,data_src,ip,sym` printed and the objects that c2c kept.
"""
import bisect
import collections
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import NoReturn

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))
sys.dont_write_bytecode = True
from bench.output import closed  # noqa: E402

LINE = 64
LINES_SHOWN = 20


def fail(message: str, status: int = 2) -> NoReturn:
    print(f"scripts/perf: {message}", file=sys.stderr)
    sys.exit(status)


# --- running perf ---------------------------------------------------------

def split(args: list[str]) -> tuple[list[str], list[str]]:
    """perf's options, the program's."""
    if "--" not in args:
        return [], args
    at = args.index("--")
    return args[:at], args[at + 1:]


def script(*command: str) -> str:
    """What it prints; it has said why if it fails."""
    done = subprocess.run([TOP / "scripts" / command[0], *command[1:]], text=True,
                          stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(2)
    return done.stdout.strip()


@functools.cache
def build() -> pathlib.Path:
    """The folder with the program."""
    return pathlib.Path(script("build", "release"))


def measure(command: list[str], run: list[str], objects: pathlib.Path | None = None) -> int:
    """`command`, an option that connects the two, and the program."""
    control, tell = os.pipe()
    answer, ack = os.pipe()
    env = dict(os.environ, DELWRIBENCH_PERF_CONTROL=f"{tell},{answer}")
    if objects:
        objects.unlink(missing_ok=True)
        env["DELWRIBENCH_PERF_OBJECTS"] = str(objects)
    # Nothing counts until the first batch says so.
    return subprocess.run(
        [*command, "--delay=-1", f"--control=fd:{control},{ack}", "--",
         str(build() / "delwribench"), "run", "--no-verify", "--out", str(TOP / "results"), *run],
        env=env, pass_fds=(control, tell, answer, ack), check=False).returncode


# --- naming fields --------------------------------------------------------

Field = tuple[int, int, str]


def fields_of(fix: str, struct: str) -> list[Field]:
    """Innermost fields as (offset, size, name), from the debug information."""
    copy = build() / "fixes" / (re.sub(r"\W", "_", fix) + ".o")    # cmake/Fixes.cmake's
    made = subprocess.run(["pahole", "-E", "-C", struct, copy],
                          capture_output=True, text=True, check=False).stdout
    levels: list[list[Field]] = [[]]
    for text in made.splitlines():
        text = re.sub(r"\s*__attribute__\(\(.*?\)\)\)?", "", text)
        end = re.search(r"(\}?)\s*(?:\w+ )?\**\s*(\w+)?(\[[^;]*\])?;"
                        r"\s*/\*\s*(\d+)\s+(\d+)", text)
        if end and end[1] and len(levels) > 1:
            inner = levels.pop()
            prefix = f"{end[2]}{'[]' if end[3] else ''}." if end[2] else ""
            levels[-1] += [(at, size, prefix + name) for at, size, name in inner]
            if end[3]:  # only the first element of an array is spelled out
                levels[-1].append((int(end[4]), int(end[5]), prefix[:-1]))
        elif end:
            name = (re.search(r"\(\*\s*(\w+)\)", text) or
                    re.search(r"(\w+)\s*(?:\[[^;]*\])?;", text))
            levels[-1].append((int(end[4]), int(end[5]), name[1] if name else "?"))
        elif text.rstrip().endswith("{") and text.startswith(("\t", " ")):
            levels.append([])
    return levels[0]


class Objects:
    """What is at an address, from the lines that the program wrote."""

    def __init__(self, lines: list[str]) -> None:
        entries = []
        for number, line in enumerate(lines, 1):
            try:
                fix, struct, start, size = line.split()
                entries.append((int(start, 16), int(size), fix, struct))
            except ValueError:
                fail(f"objects, line {number}: not 'FIX STRUCT ADDRESS BYTES'")
        # Of objects at one address the one written last is there now.
        self.entries = sorted({e[0]: e for e in entries}.values())
        self.starts = [e[0] for e in self.entries]
        self.fields: dict[tuple[str, str], list[Field]] = {}

    def name(self, address: int) -> tuple[str, int, str] | None:
        """Its structure ("FIX STRUCT"), line within it, and field."""
        at = bisect.bisect_right(self.starts, address) - 1
        if at < 0 or address >= self.starts[at] + self.entries[at][1]:
            return None
        start, _, fix, struct = self.entries[at]
        offset = address - start
        line = address // LINE - start // LINE
        key = (fix, struct)
        if key not in self.fields:
            self.fields[key] = fields_of(fix, struct)
        inside = [f for f in self.fields[key] if f[0] <= offset < f[0] + f[1]]
        field = min(inside, key=lambda f: f[1])[2] if inside else f"+{offset:#x}"
        return f"{fix} {struct}", line, field


SAMPLE = re.compile(r"^\s*([0-9a-f]+)\s+[0-9a-f]+ \|(.*)\|[^|]*?\s([0-9a-f]+)\s+(\S+)\s*$")


def contended(samples: list[str], objects: Objects) -> str:
    """A table of lines with loads that found them changed elsewhere (HITM)."""
    lines: dict[tuple[str, int], collections.Counter] = {}
    hitm: collections.Counter = collections.Counter()
    code: dict[tuple[str, int], collections.Counter] = {}
    unknown = read = 0
    for text in samples:
        found = SAMPLE.match(text)
        if not found:
            continue
        read += 1
        changed = "SNP HitM" in found[2]
        named = objects.name(int(found[1], 16))
        if not named:
            unknown += changed
            continue
        where = named[:2]
        lines.setdefault(where, collections.Counter())[named[2]] += 1
        code.setdefault(where, collections.Counter())[found[4]] += 1
        hitm[where] += changed
    if not read:
        fail("there is no sample of memory accesses in what perf recorded", 1)
    out = [f"{'HITM':>6}  {'cache line':32}  fields (samples); code"]
    for where, count in hitm.most_common(LINES_SHOWN):
        if not count:
            break
        fields = ", ".join(f"{f} ({n})" for f, n in lines[where].most_common(6))
        functions = ", ".join(f for f, _ in code[where].most_common(3))
        out.append(f"{count:6}  {where[0] + f', line {where[1]}':32}  {fields}; {functions}")
    out.append(f"{read} samples; {sum(hitm.values())} HITM in objects of the cache, "
               f"{unknown} elsewhere")
    return "\n".join(out)


def read_lines(path: str | pathlib.Path) -> list[str]:
    try:
        return pathlib.Path(path).read_text().splitlines()
    except OSError as error:
        fail(f"{path}: {error.strerror}")


def replay(args: list[str]) -> int:
    if len(args) != 4 or args[0] != "--replay" or args[2] != "--objects":
        fail("write c2c --replay SAMPLES --objects FILE")
    table = contended(read_lines(args[1]), Objects(read_lines(args[3])))
    print("REPLAY of recorded samples: nothing was measured here")
    print(table)
    return 0


def c2c(options: list[str], run: list[str]) -> int:
    data, samples = build() / "perf.data", build() / "perf.objects"
    status = measure(["perf", "c2c", "record", "-o", str(data), *options], run, samples)
    if status:
        fail("perf c2c could not record (its own words are above): memory accesses "
             "are sampled by few processors, and by hardly any virtual one", 1)
    made = subprocess.run(["perf", "script", "-i", data, "-F", "addr,data_src,ip,sym"],
                          capture_output=True, text=True, check=False)
    if made.returncode:
        fail(f"perf script cannot read {data}: {made.stderr.strip()}", 1)
    print(contended(made.stdout.splitlines(), Objects(read_lines(samples))))
    return 0


def main() -> int:
    kind, args = (sys.argv[1:2] or [""])[0], sys.argv[2:]
    if kind in ("-h", "--help"):
        print(__doc__)
        return 0
    if kind == "c2c" and "--replay" in args:
        return replay(args)
    if kind not in ("stat", "record", "c2c"):
        fail(f"'{kind}': write stat, record or c2c; see --help")
    script("setup", "perf")
    options, run = split(args)
    if kind == "stat":
        return measure(["perf", "stat", *options], run)
    if kind == "record":
        return measure(["perf", "record", "-o", str(build() / "perf.data"), *options], run)
    return c2c(options, run)


if __name__ == "__main__":
    sys.exit(closed(main, "scripts/perf"))
