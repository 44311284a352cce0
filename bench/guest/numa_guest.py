# SPDX-License-Identifier: GPL-2.0-only
"""Boot an emulated machine of 4 memory nodes and see whether plans hold there.

Usage: scripts/numa-guest [--keep-log FILE] [--limit SECONDS]

The distribution's kernel runs under qemu (tcg: no hardware virtualisation is
needed) with 8 processors in 4 nodes at distances 10, 16 and 22.  In it
delwribench plans, starts every thread, and looks where threads and pages are;
then it runs the smoke profile by several placements, also while a processor
goes offline and on a node that is full.  This script compares with what was
built.  Times in there are emulated: none is shown or kept.  Exit status: 0 if all is
where it should be, 1 if not, 2 if it cannot run here.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from typing import NoReturn

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))
sys.dont_write_bytecode = True
from bench.output import closed  # noqa: E402

NODES, PER_NODE = 4, 2
PROCESSORS = NODES * PER_NODE
BOOTS = 3  # under several emulated processors one of a few boots fails
BOOT_SECONDS = 90
SMOKE = "/tmp/results"

Answers = dict[str, tuple[int, str]]


def fail(message: str, status: int = 2) -> NoReturn:
    print(f"scripts/numa-guest: {message}", file=sys.stderr)
    sys.exit(status)


def distance(a: int, b: int) -> int:
    """Two pairs of neighbours."""
    return 10 if a == b else 16 if a ^ b == 1 else 22


def node_of(processor: int) -> int:
    return processor // PER_NODE


# --- what is run in the guest ---------------------------------------------

PLANS = {
    "compact": "--policy compact",
    "spread": f"--policy spread --threads {NODES}",
    "cross-node:16": "--policy cross-node:16 --threads 4",
    "cross-node:22": "--policy cross-node:22 --threads 4",
    "remote": "--policy compact --threads 8 --memory remote",
    "remote:16": "--policy spread --threads 4 --memory remote:16",
    "interleaved": "--policy compact --memory interleaved",
    "roles": "--policy compact --role looker=node:1 --threads 1 "
             "--role ail=node:3 --role loader=other --role io=same",
}
DISTANCES = f"mkdir -p {SMOKE}; cat /sys/devices/system/node/node[0-9]*/distance"
OFFLINE = 5
FULL = 3


# What is not in place is discarded, and is to be shown here.
DISCARDED = "discarded-0001-1.json"


def run(name: str, options: str, workloads: str, blocks: str = "block-*.json") -> str:
    """Measure, and show the blocks; its own status is the last line."""
    return (f"delwribench run --no-verify {workloads} --fix none {options} "
            f"--out {SMOKE}/{name} 2>{SMOKE}-{name} >/dev/null; status=$?; "
            f"cat {SMOKE}-{name} >/dev/console; cat {SMOKE}/{name}/*/{blocks}; "
            f"exit $status")


SMALL = "-w lookup/own_1k -w bulkload/idle -r 2"
# By name: the options, and threads of each role by node.
RUNS = {
    "compact": (f"--policy compact -t {PROCESSORS}", f"{SMALL} --fix remove_on_stale",
                {"looker": [0, 0, 1, 1, 2, 2, 3, 3]}),
    "cross-node:16": ("--policy cross-node:16 -t 4", SMALL, {"looker": [0, 1, 0, 1]}),
    "remote": ("--policy compact -t 2 --memory remote:16 --role looker=node:2", SMALL,
               {"looker": [2, 2]}),
    "interleaved": ("--policy spread -t 4 --memory interleaved", SMALL,
                    {"looker": [0, 1, 2, 3]}),
    "roles": ("--policy compact -t 1 --role looker=node:1 --role ail=node:3 "
              "--role loader=other --role io=same --role staler=node:0",
              "-w lookup/busy -w churn -w bulkload/idle -r 1",
              {"looker": [1], "loader": [2], "ail": [3], "io": [1], "staler": [0]}),
    "roles, the other way round":
        ("--policy compact -t 1 --role looker=node:3 --role ail=node:1 "
         "--role loader=node:0 --role io=other", "-w lookup/busy -r 1",
         {"looker": [3], "loader": [0], "ail": [1], "io": [0]}),
}


def run_step(name: str) -> str:
    options, workloads, _ = RUNS[name]
    return run(name.replace(" ", "-").replace(",", ""), options, workloads)


# While it runs; its progress says when.
LOST = (f"( until grep -q churn {SMOKE}-lost 2>/dev/null; do sleep 1; done; sleep 2; "
        f"echo 0 >/sys/devices/system/cpu/cpu{OFFLINE}/online ) & " +
        run("lost", f"--policy compact -t {PROCESSORS}", "-w churn -r 4", DISCARDED) +
        f" # {OFFLINE}")
# All of it but some MiB, in a file system that takes memory of no other.
FILL = (f"mkdir -p /full; mount -t tmpfs -o mpol=bind:{FULL},size=512m full /full; "
        f"free=$(awk '/MemFree/ {{ print int($4 / 1024) }}' "
        f"/sys/devices/system/node/node{FULL}/meminfo); "
        "dd if=/dev/zero of=/full/file bs=1M count=$((free - 24)) 2>/dev/null; ")
NO_ROOM = (FILL + run("full", f"--policy compact -t 1 --role looker=node:{FULL}",
                      "-w lookup/own_64k -r 1", DISCARDED))
ONE_LESS = "delwribench plan --json --policy compact # one less"


def plan(name: str, check: bool) -> str:
    return f"delwribench plan --json {PLANS[name]}{' --check' if check else ''}"


def steps() -> list[str]:
    return [DISTANCES,
            *(plan(n, c) for n in PLANS for c in (False, True)),
            *(run_step(n) for n in RUNS), NO_ROOM, LOST, ONE_LESS]


# --- the guest ------------------------------------------------------------

def prepare() -> pathlib.Path:
    """The program, once all that is needed is there."""
    for command in ("setup", "guest"), ("build", "release"):
        done = subprocess.run([TOP / "scripts" / command[0], command[1]], text=True,
                              stdout=subprocess.PIPE, check=False)
        if done.returncode:
            sys.exit(2)  # it has said why
    return pathlib.Path(done.stdout.strip()) / "delwribench"


def make_initramfs(folder: pathlib.Path, program: pathlib.Path) -> pathlib.Path:
    root = folder / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin")
    shutil.copy(TOP / "bench" / "guest" / "init", root / "init")
    (root / "steps").write_text("\n".join(steps()) + "\n")
    subprocess.run(["strip", "-o", root / "bin" / "delwribench", program], check=True)
    libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=True)
    for word in libraries.stdout.split():
        if word.startswith("/"):
            target = root / word.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(pathlib.Path(word).resolve(), target)
    names = "\n".join(str(p.relative_to(root)) for p in sorted(root.rglob("*")))
    made = folder / "initramfs"
    with made.open("wb") as file:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"], cwd=root,
                       input=names.encode(), stdout=file, check=True)
    return made


def kernel() -> pathlib.Path:
    found = sorted(pathlib.Path("/boot").glob("vmlinuz-*"), key=lambda p: p.stat().st_mtime)
    if not found:
        fail("there is no kernel in /boot: run scripts/setup guest")
    return found[-1]


def machine() -> list[str]:
    options = ["-accel", "tcg,thread=multi", "-cpu", "max", "-m", f"{NODES * 512}M",
               "-smp", f"{PROCESSORS},sockets={NODES},cores={PER_NODE},threads=1"]
    for n in range(NODES):
        first = n * PER_NODE
        options += ["-object", f"memory-backend-ram,id=m{n},size=512M", "-numa",
                    f"node,nodeid={n},cpus={first}-{first + PER_NODE - 1},memdev=m{n}"]
    for a in range(NODES):
        for b in range(a + 1, NODES):
            options += ["-numa", f"dist,src={a},dst={b},val={distance(a, b)}"]
    return options


def boot(initramfs: pathlib.Path, folder: pathlib.Path, limit: float) -> str:
    """One boot; what the guest reported, however it ended."""
    report, log = folder / "report", folder / "log"
    report.write_text("")
    with (folder / "qemu").open("w") as errors:
        guest = subprocess.Popen(
            ["qemu-system-x86_64", *machine(), "-display", "none", "-nodefaults",
             "-no-reboot", "-serial", f"file:{log}", "-serial", f"file:{report}",
             "-kernel", kernel(), "-initrd", initramfs, "-append",
             "console=ttyS0 panic=-1 oops=panic quiet mitigations=off"],
            stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        started = time.monotonic()
        while guest.poll() is None:
            time.sleep(0.2)
            waited = time.monotonic() - started
            if waited > limit or waited > BOOT_SECONDS and not report.stat().st_size:
                guest.kill()
                guest.wait()
    if guest.returncode > 0:
        fail(f"qemu: {(folder / 'qemu').read_text().strip()}")
    return report.read_text(errors="replace")


def answers(report: str) -> Answers:
    """By command: its exit status and what it wrote."""
    found: Answers = {}
    command, text = "", []
    for line in report.replace("\r", "").splitlines():
        if line.startswith("=== status "):
            found[command] = int(line.split()[2]), "\n".join(text)
        elif line.startswith("=== "):
            command, text = line[4:], []
        else:
            text.append(line)
    return found


# --- is everything where it should be? ------------------------------------

def check_distances(text: str) -> str:
    wanted = [[distance(a, b) for b in range(NODES)] for a in range(NODES)]
    found = [[int(word) for word in line.split()] for line in text.splitlines()]
    return "" if found == wanted else f"the kernel shows {found}"


def check_plan(name: str, rows: list[dict]) -> str:
    """Against what was built, not against what delwribench thinks of it."""
    if not isinstance(rows, list):
        return f"skipped: {rows.get('skipped')}"
    nodes = [node_of(row["pu_os_index"]) for row in rows]
    memory = [row["numa_os_index"] for row in rows]
    if len({row["pu_os_index"] for row in rows}) != len(rows):
        return "two threads on one processor"
    if name.startswith("remote"):
        wanted = int(name.partition(":")[2] or 22)
        if any(distance(n, m) != wanted for n, m in zip(nodes, memory)):
            return f"memory not at distance {wanted}"
    elif name == "interleaved":
        if memory != [None] * len(rows):
            return "memory on one node"
    elif memory != nodes:
        return "memory not of the processor's node"
    if name == "spread" and len(set(nodes)) != NODES:
        return "not on every node"
    if name == "compact" and len(rows) != PROCESSORS:
        return f"{len(rows)} threads by default"
    if name.startswith("cross-node:") and any(
            distance(a, b) != int(name.partition(":")[2]) for a, b in zip(nodes, nodes[1:])):
        return "neighbours not at that distance"
    if name == "roles" and (nodes[0], distance(1, nodes[1]), *nodes[2:]) != (1, 22, 3, 1):
        return f"looker, loader, AIL and I/O on nodes {nodes}"
    return ""


def check_offline(rows: list[dict]) -> str:
    used = sorted(row["pu_os_index"] for row in rows)
    if used != [p for p in range(PROCESSORS) if p != OFFLINE]:
        return f"processor {OFFLINE} is offline, and threads go to {used}"
    return ""


def check_found(rows: list[dict], found: dict) -> str:
    """Processor and node of each thread, as the guest's kernel tells them."""
    for row, thread, pages in zip(rows, found["threads"], found["pages"]):
        who = f"{row['role']} {row['thread']}"
        if thread["found_pu"] != row["pu_os_index"]:
            return f"{who} ran on {thread['found_pu']}, not {row['pu_os_index']}"
        node = row["numa_os_index"]
        if not pages["pages"]:
            return f"{who} has no memory"
        if node is None and len(pages["by_node"]) != NODES:
            return f"{who}: pages on nodes {list(pages['by_node'])} only"
        if node is not None and list(pages["by_node"]) != [str(node)]:
            return f"{who}: pages on {pages['by_node']}, not on {node}"
    if len(found["threads"]) != len(rows) or not found["ok"]:
        return "delwribench says itself that not all is in place"
    return ""


def check_run(name: str, block: dict) -> str:
    """What was measured, and where everything was found then."""
    options, _, wanted = RUNS[name]
    missing = [r["workload"] + "/" + r["fix"] for r in block["rows"] if not r["batches_ns"]
               and r["fix"].startswith(("none", "remove"))]
    if missing:
        return f"not measured: {', '.join(missing)}"
    bad = [r["workload"] + "/" + r["fix"] for r in block["rows"]
           if any(r["left_at_unmount"].values())]
    if bad:
        return f"something was left at unmount: {', '.join(bad)}"
    (placed,) = block["placements"]
    found: dict[str, list[int]] = {}
    for thread in placed["threads"]:
        found.setdefault(thread["role"], []).append(node_of(thread["found_pu"]))
    if found != wanted:
        return f"threads by node: {found}, not {wanted}"
    return check_pages(options, wanted["looker"], placed)


def check_pages(options: str, lookers: list[int], placed: dict) -> str:
    """Of each kind of object of the cache."""
    kinds = {p["what"]: p for p in placed["pages"]}
    lacking = {"mount", "lru_node", "ag", "hash_table", "buf"} - kinds.keys()
    if lacking:
        return f"no pages of {lacking}"
    allowed = {str(node) for node in lookers}
    if "remote:16" in options:
        allowed = {str(node ^ 1) for node in lookers}
    if "interleaved" in options:
        allowed = {str(node) for node in range(NODES)}
    for what, pages in kinds.items():
        if not pages["pages"] or not set(pages["by_node"]) <= allowed:
            return f"{what}: pages on {pages['by_node']}, wanted on {sorted(allowed)}"
    spread = set(kinds["buf"]["by_node"])
    if spread != allowed:
        return f"buffers on nodes {sorted(spread)} only, wanted on {sorted(allowed)}"
    return "" if placed["ok"] else "delwribench says itself that not all is in place"


def check_lost(block: dict) -> str:
    """The processor that went is named, and nothing is said to be in place."""
    (placed,) = block["placements"]
    reasons = [t.get("reason", "") for t in placed["threads"] if not t["ok"]]
    if not any(f"{OFFLINE}, was taken offline" in r for r in reasons) or placed["ok"]:
        return f"processor {OFFLINE} went offline, and all it says is: {reasons}"
    return ""


def check_full(block: dict) -> str:
    (placed,) = block["placements"]
    wrong = [p.get("reason", "") for p in placed["pages"] if not p["ok"]]
    if not any(f"not on node {FULL}" in r for r in wrong) or placed["ok"]:
        return f"node {FULL} was full, and all it says is: {wrong}"
    return ""


def judge(found: Answers) -> list[tuple[str, str]]:
    """What was checked, and what is wrong with it."""
    def look(command: str, check, expected: int = 0) -> str:
        status, text = found.get(command, (None, ""))
        if status is None:
            return "the guest ended before it"
        try:
            wrong = check(text)
        except (ValueError, KeyError, TypeError) as error:
            return f"no answer that could be read (status {status}): {error!r}"
        return wrong or (f"status {status}" if status != expected else "")

    results = [("distances", look(DISTANCES, check_distances))]
    for name in PLANS:
        made = look(plan(name, False), lambda text: check_plan(name, json.loads(text)))
        results.append((f"plan {name}", made))
        if made:
            continue
        rows = json.loads(found[plan(name, False)][1])
        results.append((f"threads and pages, {name}", look(
            plan(name, True), lambda text: check_found(rows, json.loads(text)))))
    results += [(f"run, {name}", look(run_step(name), lambda text, name=name: check_run(
        name, json.loads(text)))) for name in RUNS]
    results.append((f"run, node {FULL} full", look(
        NO_ROOM, lambda text: check_full(json.loads(text)), 1)))
    results.append((f"run, processor {OFFLINE} goes offline", look(
        LOST, lambda text: check_lost(json.loads(text)), 1)))
    results.append((f"processor {OFFLINE} offline", look(
        ONE_LESS, lambda text: check_offline(json.loads(text)))))
    return results


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/numa-guest", description=__doc__.split("\n")[0])
    parser.add_argument("--keep-log", metavar="FILE", help="the guest's console")
    parser.add_argument("--limit", metavar="SECONDS", type=float, default=300,
                        help="give up a boot after this (default: 300)")
    args = parser.parse_args()
    program = prepare()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        initramfs = make_initramfs(folder, program)
        for number in range(1, BOOTS + 1):
            report = boot(initramfs, folder, args.limit)
            if args.keep_log:
                shutil.copy(folder / "log", args.keep_log)
            # One that has begun to answer is judged by what it did.
            if "=== status" in report:
                break
            last = report.replace("=== ", "").strip().splitlines()[-1:] or ["nothing"]
            print(f"boot {number} of {BOOTS} came to no end; the last it said was: {last[0]}",
                  file=sys.stderr)
    results = judge(answers(report))
    for what, wrong in results:
        print(f"{'FAIL' if wrong else 'ok':4}  {what}{': ' + wrong if wrong else ''}")
    bad = sum(bool(wrong) for _, wrong in results)
    print(f"{len(results) - bad} of {len(results)} as they should be; boot {number}, "
          f"{time.monotonic() - started:.0f} s; emulated: no time of it means anything")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(closed(main, "scripts/numa-guest"))
