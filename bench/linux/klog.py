# SPDX-License-Identifier: GPL-2.0-only
"""What a guest's kernel complained about: its words, and under which calls.

A complaint is {"what", "rip", "stack", "times"}; "rip" only if the kernel
named an instruction of its own that is not the one that warns.
"""

import re

TIME = re.compile(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")
# How one begins, and the words of it that differ from guest to guest.
BEGINS = re.compile(
    r"WARNING: |BUG: |kernel BUG at |Oops|general protection fault|Assertion failed: "
    r"|Shutting down filesystem|INFO: possible |suspicious RCU usage|KASAN|UBSAN"
    r"|BUG \S+ \(|list_(?:add|del) corruption|Kernel panic|PANIC: "
)
VARIES = re.compile(
    r"XFS \(\w+\): |CPU: \d+ |PID: \d+ |\+0x[0-9a-f]+/0x[0-9a-f]+|\(0x[0-9a-f]+\) | \[xfs\]"
)
# Of the machine that built the module.
BUILT_IN = re.compile(r"/\S*/(?:kernel/tree/|(?=(?:include|arch|block|drivers|fs|kernel|lib|mm)/))")
FRAME = re.compile(r"^ (\? )?([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[(\w+)\])?$")
RIP = re.compile(r"^RIP: [0-9a-f]+:([A-Za-z_][\w.]*)\+0x")
# By these the kernel says it; who did it is called above.
MESSENGERS = re.compile(
    r"(?:__)?dump_stack(?:_lvl)?|show_(?:stack|regs|trace_log_lvl)(?:\.\w+)*"
    r"|__warn(?:_printk)?|report_bug"
    r"|handle_bug|die(?:_addr)?|__die\w*|oops_end|page_fault_oops|bad_area\w*|(?:asm_)?exc_\w+"
    r"|asswarn|assfail|do_error_trap|do_trap|search_bpf_extables|do_user_addr_fault"
)
SHOWN = 12  # calls of a stack


def _end(found: list[dict], one: dict | None) -> None:
    """Keep @one, unless it is what the one before was said with."""
    if not one:
        return
    before = found[-1] if found else None
    what = one["what"]
    if before and re.match(r"Kernel panic", what):
        return
    follows = re.match(r"WARNING: .* asswarn$|Oops|kernel BUG at lib/list_debug", what)
    if before and follows and not before["stack"]:
        if what.startswith("kernel BUG"):
            before["what"] += f" {what}"
        before["stack"] = one["stack"]
        if one.get("rip") and "asswarn" not in one["rip"]:
            before["rip"] = one["rip"]
        return
    found.append(one)


def parse(text: str) -> list[dict]:
    """Of a kernel's log, each once, with how often it was said."""
    found: list[dict] = []
    one: dict | None = None
    traced = False  # its stack is whole
    ours = False  # a shutdown that the trial asked for
    told = None  # between "cut here" and what begins: the words of a WARN()
    for raw in text.splitlines():
        line = TIME.sub("", raw.rstrip("\r"))
        if "User initiated shutdown" in line:
            ours = True
        elif ours and "Shutting down filesystem" in line:
            ours = False
        elif BEGINS.search(line):
            _end(found, one)
            what = " ".join(BUILT_IN.sub("", VARIES.sub("", line)).split())
            one = {"what": f"{what}: {told}" if told else what, "stack": []}
            told, traced = None, False
        elif "[ cut here ]---" in line:
            told = ""
        elif told == "":
            told = " ".join(VARIES.sub("", line).split())
        elif one and (frame := FRAME.match(line)):
            if not traced and not frame[1] and not MESSENGERS.fullmatch(frame[2]):
                one["stack"].append(frame[2])
        elif "</TASK>" in line:
            traced = True  # who allocated or freed it is no caller
        elif one and (rip := RIP.match(line)):
            one.setdefault("rip", rip[1])
        elif "---[ end trace" in line:
            _end(found, one)
            one = None
    _end(found, one)

    once: dict[tuple, dict] = {}
    for c in found:
        c["stack"] = c["stack"][:SHOWN]
        if MESSENGERS.fullmatch(c.get("rip", "")):
            del c["rip"]
        kept = once.setdefault((c["what"], c.get("rip"), *c["stack"]), c | {"times": 0})
        kept["times"] += 1
    return list(once.values())


def oopsed(found: list[dict]) -> bool:
    """Did the kernel die of one of these?"""
    deadly = re.compile(r"BUG|Oops|general protection fault|[Pp]anic|PANIC")
    return any(deadly.search(c["what"]) for c in found)


def in_xfs(found: list[dict]) -> bool:
    """Was it in code of fs/xfs?"""
    names = [name for c in found for name in (c.get("rip", ""), *c["stack"])]
    return any(re.match(r"_*(xfs|xlog|xrep|xchk|dwb)", name) for name in names)


def words(complaint: dict) -> str:
    """In one line."""
    said = complaint["what"]
    if complaint.get("rip"):
        said += f"; RIP {complaint['rip']}"
    if complaint["stack"]:
        said += f"; under {' < '.join(complaint['stack'])}"
    return said
