#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/kernel: patches that apply, hooks that find their place, and errors
that say what to do.
"""
import fcntl
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bench" / "linux"))
sys.path.insert(1, str(TOP))
sys.dont_write_bytecode = True

import fixes  # noqa: E402
import modules  # noqa: E402
from common import Failure  # noqa: E402

MISSING = [p for p in ("spatch", "patch") if not shutil.which(p)]
if not fixes.TARBALL.is_file():
    MISSING.append(str(fixes.TARBALL))


def kernel(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [TOP / "scripts/kernel", *arguments],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@unittest.skipIf(MISSING, f"missing: {', '.join(MISSING)}: scripts/setup kernel")
class Patches(unittest.TestCase):
    # What each must bring into or take out of fs/xfs: a rule of a semantic
    # patch that matches nothing is silent.
    EXPECTED = {
        "none": ["-xfs_buf_delwri_queue_here(", "-\twake_up_var(&bp->b_list);"],
        "none_pre_done": ["-xfs_buf_delwri_queue_here(", "-\tbp->b_flags |= XBF_DONE;"],
        "delwri_queue_here": [],
        "delwri_queue_here_mb": ["+\tsmp_mb();"],
        "delwri_queue_here_drop": ["+\t*blockp = NULL;", "-\t\txfs_buf_relse(new_bp);"],
        "write_linked": [
            "+\treturn xfs_buf_submit(bp);",
            "+\terror = xfs_buf_delwri_queue_here(bp, buffers_list);",
            "+\t\terror = xfs_buf_delwri_queue_here(bp, &buffers_list);",
            "-\twake_up_var(&bp->b_list);",
        ],
        "wait_in_find_lock": [
            "+xfs_buf_find_stale(",
            "+\t\tbp->b_delwri_owner = current;",
            "-xfs_buf_delwri_queue_here(",
        ],
        "remove_on_stale": [
            "+xfs_buf_delwri_remove(",
            "+\t\tlist_sort(NULL, &run, xfs_buf_cmp);",
            "-\twake_up_var(&bp->b_list);",
        ],
        "multi_list": ["+\tbp->b_queued = link;", "-\twake_up_var(&bp->b_list);"],
    }

    def test_every_fix_applies_and_says_why(self) -> None:
        source = fixes.pristine()
        for name in fixes.builtin():
            with self.subTest(name):
                done = kernel("patch", name)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stdout.startswith("Subject: [PATCH] xfs: "))
                for line in self.EXPECTED.get(name, ["+"]):
                    self.assertIn("\n" + line, done.stdout)
                if name == "delwri_queue_here":
                    self.assertNotIn("\n+++ ", done.stdout)
                    continue
                dry = subprocess.run(
                    ["patch", "-p1", "--dry-run", "-f", "--fuzz=0", "-d", source],
                    input=done.stdout,
                    text=True,
                    stdout=subprocess.PIPE,
                )
                self.assertEqual(dry.returncode, 0, dry.stdout)
                style = subprocess.run(
                    ["perl", source / "scripts/checkpatch.pl", "--no-tree"]
                    + ["--no-signoff", "--quiet", "-"],
                    input=done.stdout,
                    text=True,
                    stdout=subprocess.PIPE,
                )
                self.assertEqual(style.stdout, "")

    def test_the_mutant_for_the_hunt_waits_with_the_buffer_locked(self) -> None:
        mutant = TOP / "tests/mutants/wait_with_lock.cocci"
        done = kernel("patch", f"wait_with_lock={mutant}")
        self.assertEqual(done.returncode, 0, done.stderr)
        changes = [x for x in done.stdout.splitlines() if x[:2] in ("+\t", "-\t")]
        wait = "+\t\twait_var_event(&bp->b_list, list_empty(&bp->b_list));"
        self.assertEqual(changes, [wait])

    def test_every_hook_finds_its_place(self) -> None:
        for name in fixes.builtin():
            with self.subTest(name):
                lost = set(modules.wanted(fixes.find(name), "probe")[2])
                self.assertEqual(lost - set(modules.LATE), set())
                # Who wakes with no barrier behind the store.
                unordered = name in ("delwri_queue_here", "delwri_queue_here_drop")
                self.assertEqual(not lost, unordered)

    def edited(self, edit) -> str:
        """NAME=FILE of a patch that is what @edit does to a copy of fs/xfs."""
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        shutil.copytree(fixes.pristine() / "fs/xfs", folder / "fs/xfs")
        edit(folder / "fs/xfs")
        patch = folder / "mine.patch"
        patch.write_text(fixes.diff(folder))
        return f"mine={patch}"

    def lost(self, edit) -> list[str]:
        return modules.wanted(fixes.find(self.edited(edit)), "probe")[2]

    # Functions that hooks lie in, or beside, and a local name.
    RENAMED = (
        "__xfs_buf_submit xfs_buf_ioend xfs_buf_ioapply_map xfs_buf_stale xfs_buf_lock"
        " xfs_buf_trylock xfs_buf_unlock xfs_buf_find_lock xfs_buf_get_map"
        " xfs_buf_delwri_queue xfs_buf_delwri_queue_here xfs_buf_delwri_submit_nowait"
        " xfs_btree_bload xfs_btree_bload_prep_block xfs_btree_bload_drop_buf"
        " xfs_ail_calc_push_target xfsaild_push max_lsn new_ptr get_records"
    )

    def test_a_rename_loses_no_hook(self) -> None:
        names = re.compile(rf"\b({'|'.join([*self.RENAMED.split(), *modules.CALLED])})\b")

        def rename(top: pathlib.Path) -> None:
            for path in top.rglob("*.[ch]"):
                text = path.read_text()
                if path.name == "xfs_trace.h":  # whose events keep their names
                    new = text.replace("xfs_buf_daddr(", "my_xfs_buf_daddr(")
                else:
                    new = names.sub(r"my_\1", text)
                if new != text:
                    path.write_text(new)

        fix = fixes.find(self.edited(rename))
        _, files, lost = modules.wanted(fix, "probe")
        self.assertEqual(lost, [])
        # What our own files call they find by its new name.
        # fs/xfs's own files do not: a tracepoint may have the old one.
        self.assertNotIn(b"dwb_names.h", files["dwb_probe.h"])
        called = dict(line.split()[1:] for line in files["dwb_names.h"].decode().splitlines())
        for name in modules.CALLED:
            self.assertEqual(called[name], f"my_{name}")

    def test_a_function_in_another_file_keeps_its_hook(self) -> None:
        def move(top: pathlib.Path) -> None:
            buf, text = top / "xfs_buf.c", ""
            for name in ("xfs_buf_stale", "xfs_buf_lock", "xfs_buf_unlock", "xfs_buf_ioend"):
                old = buf.read_text()
                found = re.search(rf"^(?:static )?void\n{name}\(\n.*?^}}\n", old, re.M | re.S)
                assert found, name
                buf.write_text(old.replace(found[0], ""))
                text += found[0].removeprefix("static ") + "\n"
            (top / "xfs_buf_moved.c").write_text('#include "xfs.h"\n' + text)

        self.assertEqual(self.lost(move), [])

    def places(self, path: str, *edits: tuple[str, str]) -> tuple[dict[str, list[str]], list[str]]:
        """By hook: the line after each, as it is in @path after @edits."""

        def edit(top: pathlib.Path) -> None:
            text = (top / path).read_text()
            for old, new in edits:
                self.assertIn(old, text)
                text = text.replace(old, new)
            (top / path).write_text(text)

        _, files, lost = modules.wanted(fixes.find(self.edited(edit)), "probe")
        found: dict[str, list[str]] = {}
        lines = files[path].decode().splitlines()
        for line, after in zip(lines, lines[1:]):
            for hook in re.findall(r"\bdwb_(\w+)\(", line):
                found.setdefault(hook, []).append(after.strip())
        return found, lost

    def test_the_ails_list_is_submitted_once(self) -> None:
        ail = "xfs_trans_ail.c"
        submit = "xfs_buf_delwri_submit_nowait(&ailp->ail_buf_list)"
        stock = f"\tif ({submit})\n\t\tailp->ail_log_flush++;\n"
        for new in (
            f"\tif (list_empty(&ailp->ail_buf_list))\n\t\tflushing = 0;\n{stock}",
            f"\tailp->ail_log_flush += {submit};\n",
            f"\tif ({submit} > 0)\n\t\tailp->ail_log_flush++;\n",
        ):
            found, lost = self.places(ail, (stock, new))
            self.assertEqual(lost, [])
            (after,) = found["ail_before_submit"]
            self.assertIn(submit, after)
        # Which of two is it?
        prune = "\tif (xfs_buf_delwri_prune(&ailp->ail_buf_list))\n\t\tflushing = 0;\n"
        _, lost = self.places(ail, (stock, prune + stock))
        self.assertEqual(lost, ["dwb_ail_after_submit", "dwb_ail_before_submit"])

    def test_staling_is_seen_where_it_is_done(self) -> None:
        flag = "\tbp->b_flags |= XBF_STALE;\n"
        found, lost = self.places(
            "xfs_buf.c",
            ("xfs_buf_stale(", "xfs_buf_invalidate("),
            (flag, flag.replace(";", " | XBF_DONE;")),
        )
        self.assertEqual((lost, len(found["stale"])), ([], 1))
        # Not at whatever may stale a buffer.
        down = "xlog_is_shutdown(bp->b_mount->m_log)) {\n"
        found, _ = self.places("xfs_buf.c", (down, f"{down}\t{flag}"))
        self.assertEqual(len(found["stale"]), 2)
        self.assertIn(flag.strip(), found["stale"])

    def test_a_wait_beside_the_lock_is_no_wait_for_it(self) -> None:
        down = "\tdown(&bp->b_sema);\n"
        wait = "\twait_var_event(&bp->b_list, list_empty(&bp->b_list));\n"
        found, lost = self.places("xfs_buf.c", (down, wait + down))
        self.assertEqual(lost, [])
        self.assertEqual(found["locking"], ["xfs_log_force(bp->b_mount, 0);", down.strip()])

    def test_a_lookup_may_test_for_the_other_first(self) -> None:
        found, lost = self.places(
            "xfs_buf.c",
            ("\tif (flags & XBF_TRYLOCK) {\n\t\tif (!xfs_buf_trylock(bp)) {",
             "\tif (!(flags & XBF_TRYLOCK)) {\n\t\txfs_buf_lock(bp);\n\t} else {\n"
             "\t\tif (!xfs_buf_trylock(bp)) {"),
            ("\t} else {\n\t\txfs_buf_lock(bp);\n"
             "\t\tXFS_STATS_INC(bp->b_mount, xb_get_locked_waited);\n\t}", "\t}"),
        )  # fmt: skip
        self.assertEqual((lost, len(found["found"])), ([], 1))

    def test_a_hook_in_a_part_of_a_function_is_lost(self) -> None:
        get = "\ttrace_xfs_buf_get(bp, flags, _RET_IP_);\n"
        part = "static void\nget_traced(\n\tstruct xfs_buf\t*bp,\n\txfs_buf_flags_t\tflags)\n{\n"
        stock = "static int\nxfs_buf_map_verify(\n"
        found, lost = self.places(
            "xfs_buf.c", (get, "\tget_traced(bp, flags);\n"), (stock, f"{part}{get}}}\n\n{stock}")
        )
        self.assertEqual(lost, ["dwb_watch_lookup"])
        height = "\tcur->bc_nlevels = bbl->btree_height;\n"
        start = "\tret = start(cur, bbl);\n\tif (ret)\n\t\treturn ret;\n"
        part = (
            "static int\nstart(\n\tstruct xfs_btree_cur\t*cur,\n"
            f"\tstruct xfs_btree_bload\t*bbl)\n{{\n{height}\treturn 0;\n}}\n\n"
        )
        stock = "/* Load one leaf block. */\n"
        with self.assertRaises(Failure) as refused:
            self.places("libxfs/xfs_btree_staging.c", (height, start), (stock, part + stock))
        self.assertEqual(refused.exception.status, 2)
        self.assertIn("in the bulk loader", str(refused.exception))

    def test_what_the_probes_use_must_keep_its_name(self) -> None:
        def rename(top: pathlib.Path) -> None:
            for path in top.rglob("*.[ch]"):
                text = path.read_text()
                if "b_io_error" in text:
                    path.write_text(re.sub(r"\bb_io_error\b", "b_bio_error", text))

        with self.assertRaises(Failure) as refused:
            self.lost(rename)
        self.assertEqual(refused.exception.status, 2)
        self.assertIn("b_io_error", str(refused.exception))

    def test_without_what_all_rests_on_it_is_refused(self) -> None:
        def forget(top: pathlib.Path) -> None:
            for path in (top / "xfs_buf.c", top / "libxfs/xfs_btree_staging.c"):
                text = re.sub(r"\ttrace_xfs_buf_(submit|iodone)\(bp, _RET_IP_\);\n", "",
                              path.read_text())  # fmt: skip
                path.write_text(text.replace("ret = bbl->claim_block(", "ret = xfs_claim(bbl, "))

        with self.assertRaises(Failure) as refused:
            self.lost(forget)
        self.assertEqual(refused.exception.status, 2)
        line = str(refused.exception)
        for word in ("trace_xfs_buf_submit", "trace_xfs_buf_iodone", "claim_block", "mine.patch"):
            self.assertIn(word, line)
        self.assertNotIn("\n", line)

    def test_any_other_that_is_lost_is_named(self) -> None:
        def forget(top: pathlib.Path) -> None:
            buf = top / "xfs_buf.c"
            buf.write_text(re.sub(r"\ttrace_xfs_buf_get\(.*\n", "", buf.read_text()))

        self.assertEqual(self.lost(forget), ["dwb_watch_lookup"])

    def refused(self, argument: str) -> str:
        done = kernel("patch", argument)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def write(self, suffix: str, text: str) -> str:
        file = self.enterContext(tempfile.NamedTemporaryFile("w", suffix=suffix))
        file.write(text)
        file.flush()
        return f"mine={file.name}"

    def test_a_patch_outside(self) -> None:
        for path in ("a/mm/slub.c", "fs/super.c", "a/fs/xfsx/a.c"):
            text = f"--- {path}\n+++ {path.replace('a/', 'b/', 1)}\n@@ -1 +1 @@\n-a\n+b\n"
            line = self.refused(self.write(".patch", text))
            self.assertIn("only fs/xfs is built", line)
            self.assertIn(path.removeprefix("a/").partition("/")[2], line)

    def test_every_rule_must_match(self) -> None:
        good = "@@\nexpression bp, l;\n@@\n-xfs_buf_delwri_queue_here(bp, l)\n+queue(bp, l)\n"
        bad = "\n@done@\nexpression bp;\n@@\n-xfs_buf_set_uptodate(bp);\n"
        line = self.refused(self.write(".cocci", good + bad))
        self.assertIn("done (-xfs_buf_set_uptodate(bp);) matches nothing", line)
        other = bad.replace("@done@", "@done depends on !queue@")
        named = good.replace("@@", "@queue@", 1)
        done = kernel("patch", self.write(".cocci", named + other))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_it_says_it_has_not_is_looked_for(self) -> None:
        rule = "@@\nexpression bp, l;\n@@\n-xfs_buf_delwri_queue_here(bp, l)\n+queue(bp, l)\n"
        line = self.refused(self.write(".cocci", "// Has-no: wait_var_event\n" + rule))
        self.assertRegex(line, r"Has-no: wait_var_event, but fs/xfs/xfs_buf.c:\d+ has it")

    def test_it_waits_for_no_other_run(self) -> None:
        modules.BUILD.mkdir(parents=True, exist_ok=True)
        with (modules.BUILD / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = subprocess.run(
                [TOP / "scripts/kernel", "patch", "delwri_queue_here_mb"],
                capture_output=True, text=True, timeout=900,
            )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("+\tsmp_mb();", done.stdout)

    def test_forms_of_a_patch(self) -> None:
        good = kernel("patch", "delwri_queue_here_mb").stdout
        diff = good[good.index("\n--- ") + 1 :]
        for text in (
            diff.replace("--- a/", "--- ").replace("+++ b/", "+++ "),
            "Subject: x\n\n> --- a/mm/slub.c\n> +++ b/mm/slub.c\n\n--- 8< ---\n" + diff,
            diff.replace("\n", "\r\n"),
        ):
            done = kernel("patch", self.write(".patch", text))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(diff, done.stdout)
        binary = "diff --git a/fs/xfs/x b/fs/xfs/x\nGIT binary patch\nliteral 1\nIc$@<O\n"
        self.assertIn("is binary", self.refused(self.write(".patch", binary)))
        self.assertIn("mm/x.c", self.refused(self.write(".patch", "diff --git a/mm/x.c b/mm/x.c\n")))
        for suffix, text in ((".patch", ""), (".patch", "words\n"), (".cocci", ""), (".cocci", "x")):
            self.refused(self.write(suffix, text))

    def test_a_patch_that_does_not_apply(self) -> None:
        good = kernel("patch", "remove_on_stale").stdout
        bad = good.replace("-\tbp->b_flags &= ~_XBF_DELWRI_Q;", "-\tno_such_line;", 1)
        self.assertNotEqual(good, bad)
        line = self.refused(self.write(".patch", bad))
        for word in (".patch", "hunk ", "fs/xfs/xfs_buf.c", "does not apply"):
            self.assertIn(word, line)

    def test_a_rule_that_matches_nothing(self) -> None:
        line = self.refused(self.write(".cocci", "@@\n@@\n- no_such_function();\n"))
        self.assertIn("matches nothing", line)

    def test_a_rule_that_does_not_parse(self) -> None:
        line = self.refused(self.write(".cocci", "@@\nnonsense\n"))
        self.assertIn("spatch refuses it", line)

    def test_bad_names(self) -> None:
        for name in ("nosuch", "mine=/no/such.patch", "mine=/etc/passwd", "a b=c"):
            with self.subTest(name):
                done = kernel("patch", name)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(len(done.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
