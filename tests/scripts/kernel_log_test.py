#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/kernel: what a guest's kernel log is taken to say."""
import pathlib
import re
import sys
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bench" / "linux"))
sys.path.insert(1, str(TOP))
sys.dont_write_bytecode = True

import guest  # noqa: E402
import klog  # noqa: E402


class Log(unittest.TestCase):
    """What a kernel's log says, as one complaint each."""

    TRACE = """\
[   12.1] ------------[ cut here ]------------
[   12.1] WARNING: CPU: 1 PID: 77 at fs/xfs/xfs_message.c:104 asswarn+0x2c/0x30 [xfs]
[   12.1] Modules linked in: xfs(OE) brd
[   12.1] RIP: 0010:asswarn+0x2c/0x30 [xfs]
[   12.1] Call Trace:
[   12.1]  <TASK>
[   12.1]  ? __warn+0x81/0x130
[   12.1]  ? asswarn+0x2c/0x30 [xfs]
[   12.1]  __xfs_buf_submit+0x1a/0x200 [xfs]
[   12.1]  xfs_buf_read_map+0x9/0x10 [xfs]
[   12.1]  </TASK>
[   12.1] ---[ end trace 0000000000000000 ]---
"""
    ASSERTION = (
        "[   12.1] XFS (ram0): Assertion failed: !(bp->b_flags & _XBF_DELWRI_Q),"
        " file: fs/xfs/xfs_buf.c, line: 1715\n"
    )
    OOPS = """\
[    3.2][  T54] BUG: kernel NULL pointer dereference, address: 0000000000000008
[    3.2][  T54] #PF: supervisor write access in kernel mode
[    3.2][  T54] Oops: Oops: 0002 [#1] PREEMPT SMP NOPTI
[    3.2][  T54] CPU: 0 UID: 0 PID: 54 Comm: mount Tainted: G           OE
[    3.2][  T54] RIP: 0010:xfs_mountfs+0x5c/0x9f0 [xfs]
[    3.2][  T54] Call Trace:
[    3.2][  T54]  <TASK>
[    3.2][  T54]  ? __die_body.cold+0x19/0x27
[    3.2][  T54]  xfs_fs_fill_super+0x4f/0x70 [xfs]
[    3.2][  T54]  get_tree_bdev_flags+0x13/0x1e0
[    3.2][  T54]  </TASK>
[    3.2][  T54] Kernel panic - not syncing: Fatal exception
"""

    def test_an_assertion_and_its_warning_are_one(self) -> None:
        other = (self.ASSERTION + self.TRACE).replace("[   12.1]", "[   13.9]").replace("77", "78")
        (found,) = klog.parse(self.ASSERTION + self.TRACE + other)
        self.assertIn("Assertion failed: !(bp->b_flags & _XBF_DELWRI_Q), file:", found["what"])
        self.assertEqual(found["stack"], ["__xfs_buf_submit", "xfs_buf_read_map"])
        self.assertEqual(found["times"], 2)
        self.assertNotIn("rip", found)

    def test_an_oops(self) -> None:
        (found,) = klog.parse(self.OOPS)
        self.assertEqual(
            klog.words(found),
            "BUG: kernel NULL pointer dereference, address: 0000000000000008;"
            " RIP xfs_mountfs; under xfs_fs_fill_super < get_tree_bdev_flags",
        )
        self.assertTrue(klog.oopsed([found]))
        self.assertTrue(klog.in_xfs([found]))
        self.assertFalse(klog.oopsed(klog.parse(self.TRACE)))

    def test_a_shutdown_unless_asked_for(self) -> None:
        down = "[ 1.0] XFS (ram0): Log I/O Error (0x6) detected at f+0x1/0x2 [xfs] (a.c:1).  Shutting down filesystem.\n"
        asked = "[ 1.0] XFS (ram0): User initiated shutdown received.\n"
        self.assertEqual(klog.parse(asked + down), [])
        (found,) = klog.parse(asked + down + down)
        self.assertEqual(found["times"], 1)
        self.assertIn("Log I/O Error detected at f (a.c:1). Shutting", found["what"])

    def test_what_a_warning_says(self) -> None:
        head, rest = self.TRACE.replace("asswarn", "xfs_f").split("\n", 1)
        (found,) = klog.parse(f"{head}\n[   12.1] list of 3 is not empty\n{rest}")
        self.assertIn(" xfs_f: list of 3 is not empty", found["what"])

    def test_a_list_that_is_corrupt_is_one_complaint(self) -> None:
        log = """\
list_del corruption. prev->next should be ffff8880, but was dead000000000122.
------------[ cut here ]------------
kernel BUG at lib/list_debug.c:62!
Oops: invalid opcode: 0000 [#1] PREEMPT SMP NOPTI
RIP: 0010:__list_del_entry_valid_or_report+0x78/0xb0
Call Trace:
 <TASK>
 xfs_buf_list_del+0x45/0x90 [xfs]
 </TASK>
Kernel panic - not syncing: Fatal exception
"""
        (found,) = klog.parse(log)
        self.assertTrue(found["what"].startswith("list_del corruption. prev->next"))
        self.assertEqual(found["stack"], ["xfs_buf_list_del"])
        self.assertEqual(found["rip"], "__list_del_entry_valid_or_report")
        # Wherever it ends: no less than was said, and nothing twice.
        lines = log.splitlines(keepends=True)
        for end in range(1, len(lines) + 1):
            (one,) = klog.parse("".join(lines[:end]))
            self.assertTrue(found["what"].startswith(one["what"]))
        self.assertTrue(klog.oopsed(klog.parse("".join(lines[:4]))))

    def test_who_allocated_it_is_no_caller(self) -> None:
        (found,) = klog.parse(
            "BUG: KASAN: slab-use-after-free in xfs_f+0x1/0x2 [xfs]\n <TASK>\n"
            " xfs_f+0x1/0x2 [xfs]\n </TASK>\n\nFreed by task 12:\n xfs_g+0x1/0x2 [xfs]\n"
        )
        self.assertEqual(found["stack"], ["xfs_f"])

    def test_a_panic_of_its_own_and_a_slab(self) -> None:
        for line in ("traps: PANIC: double fault, error_code: 0x0",
                     "Kernel panic - not syncing: Attempted to kill init!",
                     "BUG xfs_buf (Tainted: G OE): Objects remaining in xfs_buf"):  # fmt: skip
            (found,) = klog.parse(line + "\n")
            self.assertTrue(klog.oopsed([found]), line)

    def test_it_names_no_path_of_the_machine(self) -> None:
        for path, shown in (
            ("/home/u/build/kernel/tree/libxfs/xfs_btree.c", "libxfs/xfs_btree.c"),
            ("/usr/src/linux-headers-6.12-common/include/linux/mm.h", "include/linux/mm.h"),
            ("fs/xfs/xfs_buf.c", "fs/xfs/xfs_buf.c"),
        ):
            (found,) = klog.parse(f"WARNING: CPU: 0 PID: 1 at {path}:12 f+0x1/0x2 [xfs]\n")
            self.assertIn(f" at {shown}:12 f", found["what"])

    def test_the_guest_sends_what_is_read_here(self) -> None:
        init = (TOP / "bench/linux/init").read_text()
        sent = "|".join(re.findall(r"^bad=['\"](?:\$bad\|)?(.*)['\"]$", init, re.M))
        for line in ("WARNING: x", "BUG: x", "kernel BUG at a.c:1!", "Oops: 0", "UBSAN: x",
                     "general protection fault", "XFS (ram0): Assertion failed: x",
                     "INFO: possible recursive locking", "suspicious RCU usage", "KASAN: x",
                     "BUG xfs_buf (Not tainted): x", "list_add corruption. x",
                     "Kernel panic - not syncing: x", "traps: PANIC: double fault"):  # fmt: skip
            self.assertRegex(line, sent)
            self.assertRegex(line, klog.BEGINS)

    def test_nothing(self) -> None:
        self.assertEqual(klog.parse("[ 1.0] XFS (ram0): Ending clean mount\n\n"), [])

    def test_by_way_of_the_guests_reports(self) -> None:
        log = "".join(f"+a-1 {line}\n" for line in (self.ASSERTION + self.TRACE).splitlines())
        got = guest._parse("boot x=1\n" + log + "a-1 warnings=2\n")
        self.assertEqual(got["a-1"]["warnings"], "2")
        self.assertEqual(len(got["a-1"]["complaints"]), 1)
        self.assertEqual(guest._parse(log), {})


if __name__ == "__main__":
    unittest.main()
