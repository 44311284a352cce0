#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/numa-guest's judgement, without a guest: what is wrong is found."""
import json
import pathlib
import sys
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bench/guest"))
sys.dont_write_bytecode = True

import numa_guest as GUEST  # noqa: E402


def row(thread: int, pu: int, node: int | None, role: str = "looker") -> dict:
    return {"role": role, "thread": thread, "pu_os_index": pu, "numa_os_index": node,
            "why": ""}


def seen(rows: list[dict]) -> dict:
    return {"ok": True,
            "threads": [{"found_pu": r["pu_os_index"]} for r in rows],
            "pages": [{"pages": 4, "by_node": {str(r["numa_os_index"]): 4}} for r in rows]}


class Judgement(unittest.TestCase):
    def test_distances(self) -> None:
        right = "10 16 22 22\n16 10 22 22\n22 22 10 16\n22 22 16 10\n"
        self.assertEqual(GUEST.check_distances(right), "")
        self.assertNotEqual(GUEST.check_distances(right.replace("16", "20")), "")
        self.assertNotEqual(GUEST.check_distances(""), "")

    def test_plans(self) -> None:
        good = {
            "compact": [row(p, p, p // 2) for p in range(8)],
            "spread": [row(0, 0, 0), row(1, 2, 1), row(2, 4, 2), row(3, 6, 3)],
            "cross-node:16": [row(0, 0, 0), row(1, 2, 1), row(2, 1, 0), row(3, 3, 1)],
            "remote:16": [row(0, 0, 1), row(1, 2, 0)],
            "interleaved": [row(0, 0, None), row(1, 1, None)],
            "roles": [row(0, 2, 1), row(0, 4, 2, "loader"), row(0, 6, 3, "ail"),
                      row(0, 3, 1, "io")],
        }
        for name, rows in good.items():
            self.assertEqual(GUEST.check_plan(name, rows), "", name)
        for name in ("compact", "spread", "cross-node:16", "remote:16", "roles"):
            for change in ({"pu_os_index": 5}, {"numa_os_index": 3}):
                rows = [dict(r) for r in good[name]]
                rows[0].update(change)
                self.assertNotEqual(GUEST.check_plan(name, rows), "", (name, change))
        self.assertNotEqual(GUEST.check_plan("interleaved", good["compact"]), "")
        self.assertIn("why", GUEST.check_plan("spread", {"skipped": "why"}))

    def test_found(self) -> None:
        rows = [row(0, 0, 0), row(1, 2, 1)]
        self.assertEqual(GUEST.check_found(rows, seen(rows)), "")
        wrong = seen(rows)
        wrong["threads"][1]["found_pu"] = 3
        self.assertIn("ran on 3", GUEST.check_found(rows, wrong))
        wrong = seen(rows)
        wrong["pages"][0]["by_node"]["1"] = 1
        self.assertIn("pages on", GUEST.check_found(rows, wrong))
        wrong = seen(rows)
        wrong["pages"][0] = {"pages": 0, "by_node": {}}
        self.assertIn("no memory", GUEST.check_found(rows, wrong))

    def block(self, name: str) -> dict:
        """As a run by that placement is to be."""
        options, _, wanted = GUEST.RUNS[name]
        nodes = [str(n ^ 1) if "remote:16" in options else str(n)
                 for n in wanted["looker"]]
        pages = [{"what": what, "pages": len(set(nodes)), "ok": True,
                  "by_node": {n: 1 for n in sorted(set(nodes))}}
                 for what in ("mount", "lru_node", "ag", "hash_table", "buf")]
        threads = [{"role": role, "found_pu": 2 * node, "ok": True}
                   for role, places in wanted.items() for node in places]
        return {"rows": [{"workload": "w", "fix": "none", "batches_ns": [1.0],
                          "left_at_unmount": {"buffers": 0}}],
                "placements": [{"threads": threads, "pages": pages, "ok": True}]}

    def test_runs(self) -> None:
        for name in GUEST.RUNS:
            self.assertEqual(GUEST.check_run(name, self.block(name)), "", name)
            for change in (
                    lambda b: b["rows"][0].update(batches_ns=None),
                    lambda b: b["rows"][0]["left_at_unmount"].update(buffers=1),
                    lambda b: b["placements"][0].update(ok=False),
                    lambda b: b["placements"][0]["threads"].pop(),
                    lambda b: b["placements"][0]["threads"][0].update(
                        found_pu=7 - b["placements"][0]["threads"][0]["found_pu"]),
                    lambda b: b["placements"][0]["pages"].pop(),
                    lambda b: b["placements"][0]["pages"][-1].update(
                        by_node={"9": 1})):
                wrong = self.block(name)
                change(wrong)
                self.assertNotEqual(GUEST.check_run(name, wrong), "", name)

    def test_lost_and_full(self) -> None:
        sound = {"placements": [{"ok": True, "threads": [{"ok": True}],
                                 "pages": [{"ok": True}]}]}
        self.assertNotEqual(GUEST.check_lost(sound), "")
        self.assertNotEqual(GUEST.check_full(sound), "")
        said = {"placements": [{
            "ok": False,
            "threads": [{"ok": False, "reason": "looker 5 ran on processor 7: its "
                         f"own, {GUEST.OFFLINE}, was taken offline"}],
            "pages": [{"ok": False, "reason": "buf: 3 of 4 pages are not on node "
                       f"{GUEST.FULL}: it was full"}]}]}
        self.assertEqual(GUEST.check_lost(said), "")
        self.assertEqual(GUEST.check_full(said), "")

    def test_guest_that_died(self) -> None:
        results = GUEST.judge(GUEST.answers("=== boot\n=== " + GUEST.DISTANCES + "\n10 16"))
        self.assertTrue(results)
        self.assertTrue(all(wrong for _, wrong in results))

    def test_answers(self) -> None:
        found = GUEST.answers("=== boot\r\n=== a b\r\n{\r\n}\r\n=== status 3\r\n=== end\r\n")
        self.assertEqual(found, {"a b": (3, "{\n}")})
        self.assertEqual(json.loads(found["a b"][1]), {})


if __name__ == "__main__":
    unittest.main()
