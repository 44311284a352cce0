# SPDX-License-Identifier: GPL-2.0-only
"""Count the instructions of single operations, fix by fix.

Usage: scripts/cost [--fix NAME]... [--operation NAME]... [--cache GEN]
                    [--json] [--program PATH]

Runs `delwribench cost-op` under callgrind, which counts the instructions of
the function under test and of what it calls, in the thread that calls it.
Each operation is counted twice, the second time with twice as many; the
difference leaves single operations.  Where another thread takes over callgrind
may lose or add a few instructions, so all is done three times and each
instruction has its median: the same to the last digit whenever the same
program runs.  What differs from `none` is charged to functions, also those
that were inlined; a hook of the fix is charged with what is inlined into it.
"""
import argparse
import collections
import concurrent.futures
import fractions
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import textwrap

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP))
sys.dont_write_bytecode = True
from bench.output import closed  # noqa: E402

BASELINE = "none"
COUNT = 256
LONG_LIST = 10_000
PARALLEL = 2
SHOWN = 8                       # functions by which a difference is explained

# Each is counted from its first instruction to its return ...
COUNTED = {
    "hit": ("bench_lookup_chain", "find, lock and release a cached buffer"),
    "miss": ("buf_get", "find nothing, add a buffer without pages; no release"),
    "stale": ("buf_get", "find a stale buffer that is on no list; no release"),
    "queue": ("delwri_queue", "put a buffer on a list"),
    "bload": ("delwri_queue_bload", "the same as the bulk loader does it"),
    "submit": ("delwri_submit", "write one of a list of 64, wait for all"),
    "push": ("delwri_submit_nowait", "write one of a list of 64, as the AIL"),
    "submit_10k": ("delwri_submit", "the same of a list of 10,000"),
    "push_10k": ("delwri_submit_nowait", "the same of a list of 10,000"),
}
# How often the program does one, whatever it is told.
ALWAYS = {"submit_10k": LONG_LIST, "push_10k": LONG_LIST}
# ... except for these, which depend on when I/O completes, or on what the C
# library's allocator did before; the kernel has others.
NOT_COUNTED = ("wait_for_completion", "device_submit",
               "device_plug_finish", "memalign", "aligned_alloc")

Cost = collections.Counter      # of (object, address): times executed
COST_LINE = re.compile(r"0x([0-9a-f]+) \d+ (\d+)$")


class Failure(Exception):
    """What to tell the user."""


def run(*command: object, **options: object) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run([str(c) for c in command], text=True,
                          stdout=subprocess.PIPE, **options)
    if done.returncode:
        said = re.sub(r"==\d+== *", "", done.stderr or "").strip().splitlines()
        raise Failure(f"{pathlib.Path(str(command[0])).name} ended with status"
                   f" {done.returncode}"
                   + (f": {said[-1]}" if said else ""))
    return done.stdout


def read_profile(path: pathlib.Path, names: dict) -> Cost:
    """How often each instruction was executed; `names` learns functions."""
    cost, total, called, where, function = Cost(), None, False, "", ""
    for line in path.read_text().splitlines():
        key, _, value = line.partition("=")
        match = COST_LINE.match(line)
        if key == "ob":
            where = value
        elif key == "fn":
            function = value
        elif key == "calls":
            called = True       # the next line is the callee's cost
        elif line.startswith("totals: "):
            total = int(line.split()[1])
        elif match and called:
            called = False
        elif match:
            place = (where, int(match[1], 16))
            cost[place] += int(match[2])
            names[place] = function
    if total is None or total != sum(cost.values()):
        raise Failure(f"callgrind's profile adds up to {sum(cost.values())}, "
                      f"not {total}: this valgrind writes another format")
    return cost


def median(costs: list) -> Cost:
    """Of several, instruction by instruction."""
    return Cost({place: statistics.median_low(c[place] for c in costs)
                 for place in set().union(*costs)})


def nr_of(operation: str) -> int:
    """Of how many its instructions are counted."""
    return ALWAYS.get(operation, COUNT)


def count(program: pathlib.Path, cache: str, fix: str, operations: list,
          names: dict) -> dict:
    """Of each operation the instructions of nr_of() of them, or why not."""
    copy = re.sub(r"\W", "_", f"{fix}_{cache}")     # cmake/Fixes.cmake's
    toggles = {f"{copy}.{function}" for function, _ in COUNTED.values()}
    toggles |= set(NOT_COUNTED)
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "profile"
        text = run("valgrind", "--tool=callgrind", "-q",
                   f"--callgrind-out-file={out}", "--dump-instr=yes",
                   "--compress-strings=no", "--compress-pos=no",
                   "--zero-before=cost_begin", "--dump-before=cost_end",
                   *(f"--toggle-collect={t}" for t in sorted(toggles)),
                   program, "cost-op", "--cache", cache, fix, COUNT, *operations,
                   stderr=subprocess.PIPE)
        parts, result = 0, {}
        done = collections.defaultdict(list)
        for line in text.splitlines():
            operation, what, *reason = line.split(maxsplit=2)
            if what == "absent":
                result[operation] = " ".join(reason)
                continue
            parts += 1
            done[operation, int(what)].append(read_profile(
                out.with_name(f"profile.{parts}"), names))
    for operation in operations:
        if operation in result:
            continue
        twice = median(done[operation, 2 * nr_of(operation)])
        twice.subtract(median(done[operation, nr_of(operation)]))
        result[operation] = Cost({p: n for p, n in twice.items() if n})
    return result


def frames(program: pathlib.Path, addresses: list) -> dict:
    """Of each address the functions inlined there, innermost first."""
    if not addresses:
        return {}
    text = run("addr2line", "-afie", program,
               input="\n".join(hex(a) for a in addresses))
    result, lines = {}, iter(text.splitlines())
    for line in lines:
        if line.startswith("0x"):
            chain = result.setdefault(int(line, 16), [])
        else:
            chain.append((line, next(lines).rpartition(":")[0]))
    return result


def charged(chain: list) -> str:
    """Who pays: the fix's hook if it is in one, else a function of the cache,
    rather than the primitive that it uses."""
    hooks = [name for name, path in chain
             if name.startswith("fix_") or "/impl/fixes/" in path]
    cache = [name for name, path in chain if "/impl/cache/" in path]
    return (hooks or cache or [chain[0][0]])[0]


def locked_in(where: str, addresses: list) -> set:
    """Which of them lock the bus; x86-64's mnemonics."""
    text = run("objdump", "-d", "--no-show-raw-insn",
               f"--start-address={min(addresses)}",
               f"--stop-address={max(addresses) + 16}", where)
    locked = re.compile(r"\s*([0-9a-f]+):\s+(?:lock\b|xchg\b.*\(|mfence\b)")
    found = {int(m[1], 16) for m in map(locked.match, text.splitlines()) if m}
    return found.intersection(addresses)


def number(n: float) -> object:
    """A fraction as JSON and people want it."""
    n = fractions.Fraction(n)
    return int(n) if n.denominator == 1 else round(float(n), 3)


def analyse(program: pathlib.Path, own: str, costs: dict,
            names: dict) -> dict:
    """Instructions, locked ones, and functions of each fix and operation;
    in the profiles the program is called `own`."""
    by_object = collections.defaultdict(list)
    for where, address in names:
        by_object[where].append(address)
    chains = frames(program, by_object.get(own, []))
    x86 = platform.machine() == "x86_64"
    locked = {where: locked_in(where, addresses) if x86 else set()
              for where, addresses in by_object.items()}

    def one(operation: str, cost: object) -> dict:
        if isinstance(cost, str):
            return {"instructions": None, "instructions_reason": cost}
        functions, oracle, nr_locked = collections.Counter(), 0, 0
        for (where, address), n in cost.items():
            chain = chains.get(address) if where == own else None
            functions[charged(chain) if chain else names[where, address]] += n
            oracle += n if chain and "point" in dict(chain) else 0
            nr_locked += n if address in locked[where] else 0

        def per(n: int) -> object:
            return number(fractions.Fraction(n, nr_of(operation)))

        if sum(cost.values()) <= 0:
            raise Failure("callgrind found nothing to count: is the program "
                          "without symbols?")
        result = {"instructions": per(sum(cost.values())),
                  "oracle": per(oracle),
                  "locked": per(nr_locked) if x86 else None,
                  "functions": {f: per(n) for f, n in sorted(
                      functions.items(), key=lambda i: (-i[1], i[0]))}}
        if not x86:
            result["locked_reason"] = "only x86-64's are known"
        return result

    return {fix: {o: one(o, c) for o, c in sorted(
        cost.items(), key=lambda item: list(COUNTED).index(item[0]))}
        for fix, cost in costs.items()}


def difference(now: dict, base: dict) -> list:
    """(function, instructions more than the baseline's), largest first."""
    d = collections.Counter(now["functions"])
    d.subtract(base["functions"])
    return sorted(((f, number(n)) for f, n in d.items() if n),
                  key=lambda item: (-abs(item[1]), item[0]))


def shown(n: object) -> str:
    """At most seven columns; a fraction is one of memory allocation's."""
    if n is None:
        return "-"
    return str(n) if isinstance(n, int) else f"{n:.1f}"


def table(title: str, costs: dict, key: str) -> str:
    """Fix by operation."""
    names = costs[BASELINE]
    wide = {o: max(8, len(o) + 1) for o in names}
    lines = [title, f"{'':22}" + "".join(f"{o:>{wide[o]}}" for o in names)]
    for fix, cost in costs.items():
        cells = "".join(f"{shown(one.get(key)):>{wide[o]}}"
                        for o, one in cost.items())
        lines.append(f"{fix:22}{cells}")
    return "\n".join(lines) + "\n"


def explain(costs: dict) -> str:
    """What differs from the baseline, and where."""
    lines, absent = [f"difference to {BASELINE}, by function"], {}
    for fix, cost in costs.items():
        for operation, now in cost.items():
            base = costs[BASELINE][operation]
            if now["instructions"] is None:
                absent.setdefault((fix, now["instructions_reason"]),
                                  []).append(operation)
            elif now["instructions"] != base["instructions"]:
                lines.append(filled(
                    f"{fix}, {operation} "
                    f"{now['instructions'] - base['instructions']:+.4g}: "
                    + explained(difference(now, base))))
    for (fix, reason), operations in absent.items():
        lines.append(filled(f"{fix} has no {', '.join(operations)}: {reason}"))
    return "\n".join(lines + ["  all others: 0"]) + "\n"


def explained(parts: list) -> str:
    """The largest ones, and the rest in one."""
    text = [f"{f} {n:+.4g}" for f, n in parts[:SHOWN]]
    if parts[SHOWN:]:
        text.append(f"others {sum(n for _, n in parts[SHOWN:]):+.4g}")
    return ", ".join(text)


def filled(text: str) -> str:
    """Within 80 columns."""
    return textwrap.fill(text, 80, initial_indent="  ",
                         subsequent_indent="      ", break_long_words=False)


def measure(program: pathlib.Path, cache: str, wanted: list,
            operations: list) -> dict:
    """Everything about the fixes named, the baseline first."""
    listed = listing(program)
    known = [fix["name"] for fix in listed["fixes"]]
    for fix in wanted:
        if fix not in known:
            raise Failure(f"no fix '{fix}'; known: {' '.join(known)}")
    chosen = [f for f in known if f == BASELINE or not wanted or f in wanted]
    names = {}
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        # valgrind gets on without what not every version of it can read.
        bare = pathlib.Path(folder).resolve() / "delwribench"
        run("objcopy", "--strip-debug", program, bare)
        costs = dict(zip(chosen, pool.map(
            lambda fix: count(bare, cache, fix, operations, names), chosen)))
        return analyse(program, str(bare), costs, names)


def listing(program: pathlib.Path) -> dict:
    """What the program has."""
    return json.loads(run(program, "run", "--list", "--json"))


def chosen_cache(program: pathlib.Path, wanted: str) -> str:
    """The generation named, or the newest."""
    known = listing(program)["caches"]
    if wanted and wanted not in known:
        raise Failure(f"unknown cache '{wanted}'; known: {' '.join(known)}")
    return wanted or known[0]


def main() -> int:
    """Exit status."""
    parser = argparse.ArgumentParser(
        prog="scripts/cost", description="Count the instructions of single "
        "operations under callgrind, fix by fix.")
    parser.add_argument("--fix", action="append", default=[], metavar="NAME",
                        help="only this one and the baseline; may be repeated")
    parser.add_argument("--cache", metavar="GEN", help="generation of the "
                        "buffer cache (default: the newest)")
    parser.add_argument("--operation", action="append", choices=COUNTED,
                        metavar="NAME", help="only this one; may be repeated: "
                        + ", ".join(COUNTED))
    parser.add_argument("--json", action="store_true",
                        help="all that was found out, as JSON")
    parser.add_argument("--program", type=pathlib.Path, metavar="PATH",
                        help="a delwribench that is built already")
    args = parser.parse_args()
    if subprocess.run([TOP / "scripts/setup", "cost"]).returncode:
        return 2                # it has said what is missing
    program = args.program
    if not program:
        built = subprocess.run([TOP / "scripts/build", "release"], text=True,
                               stdout=subprocess.PIPE)
        if built.returncode:
            return 2
        program = pathlib.Path(built.stdout.strip()) / "delwribench"
    try:
        operations = [o for o in COUNTED if o in (args.operation or COUNTED)]
        program = program.resolve(strict=True)
        cache = chosen_cache(program, args.cache)
        costs = measure(program, cache, args.fix, operations)
    except (Failure, OSError) as failure:
        print(f"scripts/cost: {failure}", file=sys.stderr)
        return 2
    if args.json:
        json.dump({"schema": "delwribench-cost-1", "baseline": BASELINE,
                   "cache": cache, "operations": {o: COUNTED[o][1] for o in operations},
                   "fixes": costs}, sys.stdout, indent=1)
        print()
        return 0
    print(table(f"instructions per operation, cache of Linux {cache}", costs,
                "instructions"))
    print(table("locked instructions among them", costs, "locked"))
    print(explain(costs))
    for operation in operations:
        print(f"{operation:11}{COUNTED[operation][1]}")
    return 0


if __name__ == "__main__":
    sys.exit(closed(main, "scripts/cost"))
