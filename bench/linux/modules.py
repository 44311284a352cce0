# SPDX-License-Identifier: GPL-2.0-only
"""Build xfs.ko out of tree, once per fix and kind.

Kinds: "cost" is the fix and the loop that times it, no probes; "probe" has
the counters, delays and crash points; "assert" is "probe" with the assertions
of the files concerned on, which warn.  Fixes with the same headers share a
tree, so that changing from one to another compiles few files.  Kbuild writes
absolute paths into its objects, so the tree in use is always at one place.
"""

import os
import re
import shutil
import time
from pathlib import Path

import fixes
from common import BUILD, HERE, Failure, run, say, write_if_changed

KINDS = ("cost", "probe", "assert")
OPTIONS = [
    "ONLINE_SCRUB",
    "ONLINE_REPAIR",
    "DRAIN_INTENTS",
    "LIVE_HOOKS",
    "MEMORY_BUFS",
    "BTREE_IN_MEM",
    "ONLINE_SCRUB_STATS",
]
PROBES = (
    "dwb_probe.h",
    *(f"dwb_{name}.c" for name in ("probe", "hit", "held", "wait", "late", "repair", "others")),
)
# What a file has that probe.cocci may change.
PROBED = re.compile(
    rb"\bXBF_STALE\b|&\S+->b_sema\)|\btrace_xfs_buf_(delwri_queue|submit|iodone|get)\("
    rb"|\bXBF_TRYLOCK\b|\bsubmit_bio\(|\bXFS_AIL_OPSTATE_PUSH_ALL\b|&\S+->ail_buf_list\b"
    rb"|\btrace_xfs_extent_busy\(|\btrace_xchk_start\(|\bwake_up_var\(|\bwait_var_event\("
    rb"|->btree_height\b|->claim_block\b|\bxfs_btree_bload_get_records_fn\b|\bxfs_buf_stale\("
)
# Without these nobody knows what a load did: by hook, where it belongs.
NEEDED = {
    "dwb_submit": "trace_xfs_buf_submit(), where a buffer is submitted",
    "dwb_ioend": "trace_xfs_buf_iodone(), where its I/O has ended",
    "dwb_watch_load": "bc_nlevels = bbl->btree_height, in the bulk loader",
    "dwb_bload_end": "a return of the bulk loader",
    "dwb_bload_claim": "ret = bbl->claim_block(...), where it is given a block",
}
# A function with the one must come to the other: else what it counts is not so.
REACHES = {
    "dwb_watch_load": ("dwb_bload_claim",),
    "dwb_watch_lookup": ("dwb_found",),
}
# What a fix need not have a place for: no figure of another storm rests on it.
LATE = ("dwb_late_off", "dwb_late_wait", "dwb_late_woken")
# What has one place: with more, nobody knows which of them is meant.
ONCE = ("dwb_ail_before_submit", "dwb_ail_after_submit")
FUNCTION = re.compile(rb"^(?:[\w *]*[ *])?(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", re.M | re.S)
# What our own files call, and what that function does: a fix may rename it.
CALLED = {
    "xfs_buf_get": rb"return \w+\(target, &map, 1, 0, bpp\);",
    "xfs_buf_get_uncached": rb"\btrace_xfs_buf_get_uncached\(",
    "xfs_buf_lock": rb"\bdown\(&\w+->b_sema\)",
    "xfs_buf_trylock": rb"\bdown_trylock\(&\w+->b_sema\)",
    "xfs_buf_unlock": rb"\bup\(&\w+->b_sema\)",
    "xfs_buf_rele": rb"\btrace_xfs_buf_rele\(bp, _RET_IP_\);\s+if \(\w+\(bp\)\)",
    "xfs_buf_relse": rb"(?<=^{\n)\t\w+unlock\w*\(bp\);\n\t\w+\(bp\);\n}",
    "xfs_buf_stale": rb"\|= XBF_STALE\b",
    "xfs_buf_delwri_queue": rb"\btrace_xfs_buf_delwri_queue\(",
    "xfs_buf_delwri_cancel": (
        rb"struct xfs_buf, b_list\);\s+\w+\(bp\);\s+bp->b_flags &= ~_XBF_DELWRI_Q;"
    ),
    "xfs_buf_daddr": rb"return bp->b_maps\[0\]\.bm_bn;",
    "xfs_buftarg_is_mem": rb"return btp->bt_bdev == NULL;",
}
# What our own files use of a buffer, which cannot go by another name.
USED = (
    "b_list b_flags b_error b_io_error b_ops b_target b_rhash_key XBF_STALE XBF_WRITE XBF_ASYNC"
    " ail_buf_list"
).split()
# Whose assertions an "assert" module has, beside those that the fix changes.
ASSERTING = (
    "xfs_buf.c",
    "xfs_buf_item.c",
    "xfs_trans_ail.c",
    "xfs_trans_buf.c",
    "libxfs/xfs_btree.c",
    "libxfs/xfs_btree_staging.c",
)


def kernel() -> tuple[str, Path, Path]:
    """(release, headers, image) of the newest 6.12 that is here whole."""
    for modules in sorted(Path("/lib/modules").glob("6.12.*-amd64"), reverse=True):
        headers, image = modules / "build", Path("/boot") / f"vmlinuz-{modules.name}"
        if headers.is_dir() and image.is_file() and (modules / "kernel").is_dir():
            return modules.name, headers, image
    raise Failure(
        "no Linux 6.12 with headers, modules and image in /lib/modules and /boot:"
        " run scripts/setup kernel"
    )


def module(fix: fixes.Fix, kind: str) -> Path:
    return BUILD / "modules" / f"xfs-{fix.name}.{kind}.ko"


def _misplaced(files: dict[str, bytes]) -> set[str]:
    """Hooks whose place in @files is not what it seems."""
    bodies: dict[bytes, bytes] = {}
    for name, text in files.items():
        if name.endswith((".c", ".h")):
            for function, body in FUNCTION.findall(text):
                bodies[function] = bodies.get(function, b"") + body

    def calls(function: bytes) -> set[bytes]:
        return set(re.findall(rb"\b(\w+)\(", bodies.get(function, b"")))

    wrong = set()
    for hook, ends in REACHES.items():
        for function in [f for f in bodies if hook.encode() in calls(f)]:
            known, new = set(), {function}
            while new:
                known |= new
                new = {c for f in new for c in calls(f)} - known
            if not known.issuperset(end.encode() for end in ends):
                wrong.add(hook)
    everything = b"".join(files.values())
    wrong |= {h for h in ONCE if len(re.findall(rb"\b" + h.encode() + rb"\(", everything)) > 1}
    return wrong


def _probe(files: dict[str, bytes], fix: fixes.Fix) -> list[str]:
    """Put the hooks into @files by way of a scratch folder.

    Returns those that found no place: what they count is unknown.
    """
    scratch = BUILD / "probed" / fix.name
    shutil.rmtree(scratch, ignore_errors=True)
    probed = sorted(
        n for n, text in files.items() if n.endswith((".c", ".h")) and PROBED.search(text)
    )
    for name in probed:
        path = scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])
    rules = HERE / "probe.cocci"
    result = run(
        ["spatch", "--very-quiet", "--in-place", "--no-includes", "--sp-file", str(rules)]
        + [str(scratch / name) for name in probed]
    )
    if result.returncode:
        raise Failure(f"probe.cocci does not fit {fix.file}: {result.stdout.strip()[-200:]}")
    found = b""
    for name in probed:
        text = (scratch / name).read_bytes()
        if text != files[name]:
            files[name] = b'#include "dwb_probe.h"\n' + text
            found += text
    misplaced = _misplaced(files)
    for name in PROBES:
        files[name] = (HERE / name).read_bytes()
    hooks = set(re.findall(rb"^\+.*?(dwb_\w+)\(", rules.read_bytes(), re.M))
    lost = [
        hook
        for hook in sorted(h.decode() for h in hooks)
        if hook in misplaced or not re.search(rf"\b{hook}\(".encode(), found)
    ]
    if needed := [NEEDED[h] for h in lost if h in NEEDED]:
        raise Failure(
            f"{fix.file}: nobody could tell what its bulk loads write: fs/xfs with it has no"
            f" place like {'; nor '.join(needed)}: keep that in the patch",
            2,
        )
    return lost


def _names(files: dict[str, bytes], fix: fixes.Fix) -> bytes:
    """A header by which our files call what is called otherwise in @files."""
    sources = {n: text for n, text in files.items() if n.endswith((".c", ".h"))}
    everything = b"\n".join(sources.values())
    if gone := [n for n in USED if not re.search(rb"\b" + n.encode() + rb"\b", everything)]:
        raise Failure(
            f"{fix.file}: fs/xfs with it has no {', '.join(gone)}, which the probes use:"
            " keep that name in the patch",
            2,
        )
    lines = []
    for name, does in CALLED.items():
        if re.search(rb"\b" + name.encode() + rb"\s*\(", everything):
            continue
        found = re.search(does, everything, re.M)
        before = everything[: found.start()] if found else b""
        heads = re.findall(rb"^(?:static inline [\w *]*?)?(\w+)\(", before, re.M)
        if not heads:
            raise Failure(
                f"{fix.file}: fs/xfs with it has neither {name}(), which the probes call, nor"
                " a function that does the same: keep that name in the patch",
                2,
            )
        lines.append(f"#define {name} {heads[-1].decode()}\n")
    return "".join(lines).encode()


def lost_hooks(fix: fixes.Fix, kind: str = "probe") -> list[str]:
    """Of its module with probes: the hooks that found no place in the source."""
    lost = module(fix, kind).with_suffix(".lost").read_text().split()
    return [hook for hook in lost if hook not in LATE]


def wakes_unordered(fix: fixes.Fix, kind: str = "probe") -> bool:
    """Does a wake-up follow, with nothing between, the store that it tells of?"""
    lost = module(fix, kind).with_suffix(".lost").read_text().split()
    return not set(lost) & set(LATE)


def wanted(fix: fixes.Fix, kind: str) -> tuple[str, dict[str, bytes], list[str]]:
    """The tree's name, every file in it, and the hooks that are lost."""
    tree = fixes.patched(fix)
    scratch = BUILD / "emulation" / fix.name
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(tree / "fs", scratch / "fs")
    fixes._apply_patch(HERE / "emulation.patch", scratch)
    top = scratch / "fs" / "xfs"
    files = {
        str(p.relative_to(top)): p.read_bytes()
        for p in top.rglob("*")
        if p.is_file()
    }
    shutil.rmtree(scratch)
    headers = BUILD / "headers"
    headers.parent.mkdir(parents=True, exist_ok=True)
    headers.write_bytes(b"".join(files[f] for f in sorted(files) if f.endswith(".h")))
    name = "tree-" + fixes.key(headers)
    lost: list[str] = []
    files["dwb_names.h"] = _names(files, fix)
    if kind == "cost":
        files["dwb_cost.c"] = (HERE / "dwb_cost.c").read_bytes()
        extra = ["dwb_cost.o"]
    else:
        extra = [p.replace(".c", ".o") for p in PROBES if p.endswith(".c")]
        changed = [p for p in fixes.changed(tree) if p.endswith(".c") and p in files]
        lost = _probe(files, fix)
    files["Makefile"] += f"\nxfs-y += {' '.join(extra)}\n".encode()
    if kind == "assert":
        for path in sorted({*ASSERTING, *changed} & files.keys()):
            files["Makefile"] += f"CFLAGS_{path[:-2]}.o += -DXFS_WARN=1\n".encode()
    return name, files, lost


def _take(name: str) -> Path:
    """Put the tree @name in place; a new one starts as a copy of another."""
    tree = BUILD / "tree"
    mark = tree / "name"
    if mark.is_file() and mark.read_text() == name:
        return tree
    wanted = BUILD / name
    if mark.is_file():
        other, copy = BUILD / mark.read_text(), BUILD / "copy"
        # Of a copied folder, or of who was stopped; @tree is newer.
        for old in other, copy:
            shutil.rmtree(old, ignore_errors=True)
        tree.rename(other)
        if not wanted.is_dir():
            shutil.copytree(other, copy)
            copy.rename(wanted)
    if wanted.is_dir():
        wanted.rename(tree)
    tree.mkdir(parents=True, exist_ok=True)
    mark.write_text(name)
    return tree


def _everything(fix: fixes.Fix, kind: str) -> str:
    """What goes into the module, as one word."""
    release, _, _ = kernel()
    own = ("dwb_cost.c",) if kind == "cost" else ("probe.cocci", *PROBES)
    sources = [HERE / name for name in ("emulation.patch", "modules.py", *own)]
    return f"{release} {fixes.key(fix.file, *sources)}"


def is_built(fix: fixes.Fix, kind: str) -> bool:
    target = module(fix, kind)
    stamp = target.with_suffix(".stamp")
    if not (target.is_file() and stamp.is_file()):
        return False
    return stamp.read_text() == _everything(fix, kind)


def build(fix: fixes.Fix, kind: str) -> Path:
    """Return the module, built if anything that goes into it has changed."""
    target = module(fix, kind)
    if is_built(fix, kind):
        return target

    _, headers, _ = kernel()
    begin = time.monotonic()
    name, files, lost = wanted(fix, kind)
    tree = _take(name)
    written = [path for path, data in files.items() if write_if_changed(tree / path, data)]
    if any(p.endswith(".h") and not p.startswith("dwb_") for p in written):
        what = "all of XFS, minutes, for its headers are others"
    else:
        what = " ".join(p for p in written if p.endswith(".c")) or "no source differs"
        what += ", with assertions" if kind == "assert" else ""
    say(f"building {fix.name} ({kind}): {what}")
    options = [f"CONFIG_XFS_{o}=y" for o in OPTIONS]
    defines = " ".join(f"-DCONFIG_XFS_{o}=1" for o in OPTIONS)
    log = BUILD / f"build-{fix.name}.{kind}.log"
    log.unlink(missing_ok=True)
    compiler = f"gcc-{_gcc_major(headers)}"
    if shutil.which("ccache"):
        compiler = "ccache " + compiler
    result = run(
        ["make", "-C", str(headers), f"M={tree}", f"-j{os.cpu_count()}"]
        + [f"CC={compiler}", "CONFIG_XFS_FS=m", "CONFIG_DEBUG_INFO_BTF_MODULES="]
        + options
        + [f"KCFLAGS={defines} -g0 -ffile-prefix-map={tree}/=fs/xfs/", "modules"],
        log=log,
    )
    if result.returncode:
        first = next(
            (x for x in result.stdout.splitlines() if re.search(r"\berror:|Error \d", x)),
            "make failed",
        )
        raise Failure(f"{fix.file}: xfs with it does not compile: {first}; see {log}")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(tree / "xfs.ko", target)
    target.with_suffix(".lost").write_text(" ".join(lost))
    target.with_suffix(".stamp").write_text(_everything(fix, kind))
    compiled = len(re.findall(r"^\s+CC \[M\]", result.stdout, re.M))
    say(
        f"built {fix.name} ({kind}): {compiled} files in"
        f" {time.monotonic() - begin:.0f} s"
    )
    return target


def _gcc_major(headers: Path) -> str:
    text = (headers / "include" / "config" / "auto.conf")
    found = re.search(r"CONFIG_GCC_VERSION=(\d+)\d{4}", text.read_text())
    if not found:
        raise Failure(f"{text} names no gcc: reinstall the kernel's headers")
    return found[1]
