# SPDX-License-Identifier: GPL-2.0-only
"""Boot the distribution's kernel in qemu and let it carry out a plan.

Nothing here waits without a limit: a guest that does not boot is started
once more; a step at which one dies or stops answering is tried once more in a
fresh boot, which then goes on with the next.  A fix in whose step the kernel
has died twice with an oops is ended: none of its other steps is tried.
"""

import lzma
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import klog
import modules
import pin
from common import BUILD, HERE, Failure, run, say

# In the order of loading; those that are not there are built in.
GUEST_MODULES = ("crc32c-intel", "crc32c_generic", "libcrc32c", "exportfs", "brd")
PROGRAMS = ("mkfs.xfs", "xfs_repair")
# Emulated processors stand still while the host is busy: no fault of theirs.
EMULATED = " nowatchdog rcupdate.rcu_cpu_stall_suppress=1"
BOOT_SECONDS = 240
MAX_DEATHS = 6


@dataclass
class Step:
    id: str
    step: str  # a function of the guest's init
    limit: int  # seconds
    words: dict[str, object]

    @property
    def fix(self) -> str:
        return str(self.words.get("module", "")).partition(".")[0]

    def line(self) -> str:
        words = " ".join(f"{k}={v}" for k, v in self.words.items())
        return f"{self.id} {self.step} limit={self.limit} {words}"


@dataclass
class Session:
    """What happened to the guests of one run."""

    accelerator: str = ""
    why: str = ""
    boots: int = 0
    boots_failed: int = 0
    deaths: int = 0
    ended: dict[str, str] = field(default_factory=dict)  # fixes: the step
    places: list[pin.Place] = field(default_factory=list)  # under kvm
    logs: Path = field(default_factory=Path)


def _copy_program(name: str, root: Path) -> None:
    path = shutil.which(name, path="/sbin:/usr/sbin:/bin:/usr/bin")
    if not path:
        raise Failure(f"{name} is missing: run scripts/setup kernel")
    shutil.copy(Path(path).resolve(), root / "bin" / name)
    for word in run(["ldd", path]).stdout.split():
        if word.startswith("/"):
            target = root / word.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(word).resolve(), target)


def _archive(root: Path, target: Path) -> None:
    names = "\n".join(str(p.relative_to(root)) for p in sorted(root.rglob("*")))
    with target.open("wb") as f:
        subprocess.run(
            ["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"],
            cwd=root,
            input=names.encode(),
            stdout=f,
            check=True,
        )


def _base() -> Path:
    """The part of the initramfs that does not depend on the plan."""
    release, _, _ = modules.kernel()
    with tempfile.TemporaryDirectory() as t:
        root = Path(t)
        for folder in ("bin", "mod"):
            (root / folder).mkdir()
        busybox = Path("/bin/busybox")
        if not busybox.is_file():
            raise Failure("/bin/busybox is missing: run scripts/setup kernel")
        shutil.copy(busybox, root / "bin")
        for name in PROGRAMS:
            _copy_program(name, root)
        shutil.copy(HERE / "init", root)
        (root / "init").chmod(0o755)
        compiled = run(
            ["cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-static", "-pthread"]
            + ["-o", str(root / "bin" / "drive"), *map(str, sorted(HERE.glob("drive*.c")))]
        )
        if compiled.returncode:
            raise Failure(f"the guest's driver does not compile: {compiled.stdout.strip()}")
        there = []
        for name in GUEST_MODULES:
            found = list((Path("/lib/modules") / release).rglob(f"{name}.ko*"))
            if not found:
                continue
            data = found[0].read_bytes()
            if found[0].suffix == ".xz":
                data = lzma.decompress(data)
            (root / "mod" / f"{name}.ko").write_bytes(data)
            there.append(name)
        (root / "mod" / "order").write_text(" ".join(there) + "\n")
        target = BUILD / "guest.cpio"
        _archive(root, target)
        return target


def _initramfs(plan: list[Step], target: Path) -> None:
    with tempfile.TemporaryDirectory() as t:
        root = Path(t)
        (root / "mod").mkdir()
        (root / "plan").write_text("".join(s.line() + "\n" for s in plan))
        for name in {str(s.words["module"]) for s in plan if "module" in s.words}:
            run(
                ["strip", "--strip-debug", "-o", str(root / "mod" / f"xfs-{name}.ko")]
                + [str(BUILD / "modules" / f"xfs-{name}.ko")]
            )
        own = BUILD / "plan.cpio"
        _archive(root, own)
        with target.open("wb") as f:
            for part in (_base(), own):
                f.write(part.read_bytes())


def _machine(accelerator: str, processors: int, where: list[pin.Place]) -> list[str]:
    if where:
        return ["-accel", accelerator, "-cpu", "host", *pin.machine(where)]
    if accelerator == "icount":
        # One processor whose clock advances 1 ns per instruction.
        return ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"] + [
            *("-cpu", "max", "-smp", "1", "-m", "2G")
        ]
    options = ["-accel", "tcg,thread=multi" if accelerator == "tcg" else "kvm"]
    options += ["-cpu", "max" if accelerator == "tcg" else "host"]
    options += ["-smp", str(processors)]
    if processors < 8:
        return options + ["-m", "2G"]
    # Two processors a node, in two pairs of nodes.
    nodes = processors // 2
    options += ["-m", f"{nodes}G"]
    for i in range(nodes):
        options += ["-object", f"memory-backend-ram,id=m{i},size=1G"]
        options += ["-numa", f"node,nodeid={i},cpus={2 * i}-{2 * i + 1},memdev=m{i}"]
    for i in range(nodes):
        for j in range(i + 1, nodes):
            distance = 16 if i ^ j == 1 else 22
            options += ["-numa", f"dist,src={i},dst={j},val={distance}"]
    return options


def _parse(text: str) -> dict[str, dict]:
    """What was reported: figures by step, and what the kernel complained of.

    A line "+ID ..." is of the kernel's log.
    """
    results: dict[str, dict] = {}
    logs: dict[str, str] = {}
    for line in text.splitlines():
        first, _, rest = line.partition(" ")
        if first.startswith("+"):
            logs[first[1:]] = logs.get(first[1:], "") + rest + "\n"
        elif first:
            pairs = (w.split("=", 1) for w in rest.split() if "=" in w)
            results.setdefault(first, {}).update(dict(pairs))
    for name in logs.keys() & results.keys():
        if found := klog.parse(logs[name]):
            results[name]["complaints"] = found
    return results


def _boot(
    plan: list[Step], session: Session, accelerator: str, processors: int
) -> dict[str, dict]:
    """One boot.  Returns what the guest reported, however it ended."""
    _, _, image = modules.kernel()
    session.boots += 1
    session.logs.mkdir(parents=True, exist_ok=True)
    console = session.logs / f"boot-{session.boots}.log"
    reports = session.logs / f"boot-{session.boots}.results"
    initramfs = BUILD / "initramfs.cpio"
    _initramfs(plan, initramfs)
    reports.write_text("")
    where = session.places if accelerator == "kvm" else []
    command = ["qemu-system-x86_64", *_machine(accelerator, processors, where)]
    command += ["-display", "none", "-nodefaults", "-no-reboot", "-monitor", "none"]
    command += ["-serial", f"file:{console}", "-serial", f"file:{reports}"]
    command += ["-kernel", str(image), "-initrd", str(initramfs), "-append"]
    command += [
        "console=ttyS0 panic=-1 oops=panic quiet mitigations=off"
        " sysctl.kernel.hung_task_timeout_secs=40"
        + ("" if accelerator == "kvm" else EMULATED)
    ]
    limits = {s.id: s.limit for s in plan}
    with console.with_suffix(".qemu").open("w") as words:
        guest = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=words,
        )
    deadline = time.monotonic() + BOOT_SECONDS
    seen = 0
    pinned = not where
    try:
        while guest.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
            pinned = pinned or pin.pin(guest.pid, where)
            done = _parse(reports.read_text(errors="replace"))
            if len(done) > seen:
                seen = len(done)
                left = [s.limit for s in plan if s.id not in done]
                # The guest's own watchdog comes first.
                deadline = time.monotonic() + (left[0] if left else 0) + 60
    finally:
        if guest.poll() is None:
            guest.kill()
        guest.wait()
    results = _parse(reports.read_text(errors="replace"))
    return {k: v for k, v in results.items() if k in limits or k in ("boot", "end")}


def _last_words(log: Path) -> str:
    """What is on the console since the last step began: before, others are at work."""
    text = log.read_text(errors="replace") if log.is_file() else ""
    return re.split(r"^dwb: step .*$", text, flags=re.M)[-1]


def carry_out(
    plan: list[Step], session: Session, accelerator: str = "", processors: int = 2
) -> dict[str, dict]:
    """Every step's report; a step that brought no figures says why."""
    accelerator = accelerator or session.accelerator
    if accelerator == "kvm" and len(session.places) != processors:
        session.places = pin.plan(processors)
    results: dict[str, dict] = {}
    deaths, retried = 0, False
    died: dict[str, list[dict]] = {}  # by step: the kernel's last words
    while plan:
        got = _boot(plan, session, accelerator, processors)
        log = session.logs / f"boot-{session.boots}.log"
        if "boot" not in got:
            session.boots_failed += 1
            if retried:
                why = "guest does not boot"
                say(f"{why}, twice; its log is {log}")
                results.update({s.id: {"failed": why.replace(" ", "-")} for s in plan})
                break
            say(f"guest does not boot within {BOOT_SECONDS} s ({log}): once more")
            retried = True
            continue
        results.update({k: v for k, v in got.items() if k not in ("boot", "end")})
        left = [s for s in plan if s.id not in got]
        hung = [s for s in plan if got.get(s.id, {}).get("hung")]
        unloading = [s for s in plan if got.get(s.id, {}).pop("unloading", "0") == "1"]
        if left and not hung:
            deaths += 1
            session.deaths += 1
            step = (unloading or left)[0]
            again = step.id in died
            words = klog.parse(_last_words(log))
            said = f": {klog.words(words[-1])}" if words else ", and said nothing"
            died[step.id] = died.get(step.id, []) + words
            say(f"guest died at step {step.id}{said}; its log is {log}"
                + ("" if again else ": once more"))  # fmt: skip
            if again and not unloading:
                results[step.id] = {"failed": "guest-died-twice"}
                left = left[1:]
                if klog.oopsed(words):
                    session.ended[step.fix] = step.id
                    left = [s for s in left if s.fix != step.fix]
        for step in hung:
            say(f"step {step.id} hung; the stacks are in {log}")
        if deaths >= MAX_DEATHS:
            results.update({s.id: {"failed": "guests-keep-dying"} for s in left})
            break
        plan = left
    for name, words in died.items():
        if words:
            mine = results[name].setdefault("complaints", [])
            mine += [c for c in words if c not in mine]
            results[name]["died"] = 1
    return results


def choose_accelerator(session: Session, forced: str = "") -> None:
    """KVM only if a guest really boots with it; else emulation, and why."""
    if forced:
        session.accelerator, session.why = forced, "asked for"
        return
    session.accelerator = "tcg"
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        session.why = "/dev/kvm cannot be opened"
    else:
        probe = Session(logs=session.logs / "kvm")
        global BOOT_SECONDS
        patience, BOOT_SECONDS = BOOT_SECONDS, 30
        booted = "boot" in _boot([], probe, "kvm", 2)
        BOOT_SECONDS = patience
        if booted:
            session.accelerator, session.why = "kvm", "a guest boots with it"
        else:
            session.why = "/dev/kvm opens, but no guest boots with it"
    say(f"guests run under {session.accelerator}: {session.why}")
