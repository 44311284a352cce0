# SPDX-License-Identifier: GPL-2.0-only
"""The questions that the review of the merged fix raised, and the answers
that a run's own data give: the correctness matrix, its timelines, the rows,
and a run of the kernel.

An answer says what the data show; where they show nothing, why not; and what
the source says, as read there.
"""
from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Callable

from bench.linux import verdict
from bench.report import compare, review_kernel, source, summary, units
from bench.report.compare import Comparison, Result
from bench.report.load import BASELINE
from bench.report.timeline import Event, events_of, headline

# What who met a stale buffer held: counters of bench/workloads/roles.c.
MET = {"by_readahead": "were read-ahead, which does not wait",
       "with_ag_header": "had an AG's header locked",
       "with_inode": "an inode", "with_buffers": "other buffers"}
MERGED, IN_LOOKUP = "delwri_queue_here", "wait_in_find_lock"
DROP_FIRST = "delwri_queue_here_drop"
REMOVER = "remove_on_stale"


NO_KERNEL = "no run of it was named: scripts/report RUN KERNEL-RUN"


class Unanswered(Exception):
    """The data do not tell; the message says why."""


@dataclass(frozen=True)
class Answer:
    """One question, what the data say of it, and how to see for oneself."""

    question: str
    lines: list[str]
    command: str
    answered: bool


class Data:
    """What the answers are drawn from."""

    def __init__(self, comparison: Comparison,
                 kernel: dict | None = None) -> None:
        self.kernel = kernel
        self.sides = comparison.sides
        verified = [s.run for s in self.sides if s.run.matrix]
        self.matrix = verified[0].matrix if verified else {}
        self.why_no_matrix = self.sides[0].run.matrix_reason

    def cell(self, fix: str, hazard: str) -> dict:
        if not self.matrix:
            raise Unanswered(self.why_no_matrix)
        cell = self.matrix.get(fix, {}).get(hazard)
        if not cell:
            raise Unanswered(f"{fix} was not verified against {hazard}")
        return cell

    def has(self, fix: str, hazard: str) -> bool:
        return hazard in self.matrix.get(fix, {})

    def story(self, fix: str, hazard: str) -> list[Event]:
        events = events_of(self.cell(fix, hazard)["evidence"])
        if not events:
            raise Unanswered(f"no timeline of {fix} violating {hazard}")
        return events

    def results(self, fix: str, group: str) -> list[tuple[str, Result]]:
        """Its cost in the cases of a group: (label of the run, result)."""
        return [(side.label if len(self.sides) > 1 else "", result)
                for side in self.sides for case in side.cases()
                if case[0].partition("/")[0] == group
                for result in side.of(case) if result.fix == fix]


def verdict_line(data: Data, fix: str, hazard: str) -> str:
    cell = data.cell(fix, hazard)
    return f"{fix}, {hazard}: {cell['verdict']}. {headline(cell['evidence'])}."


def violated(data: Data, fix: str, hazard: str) -> bool:
    return data.cell(fix, hazard)["verdict"] == "violated"


def first(events: list[Event], test: Callable[[Event], bool],
          after: float = -math.inf) -> Event | None:
    return next((e for e in events if e.ms >= after and test(e)), None)


# --- the answers -------------------------------------------------------------

def which_assertion(data: Data) -> list[str]:
    """The kernel's own stacks first, if a run of it is at hand."""
    lines = review_kernel.assertions(data.kernel) if data.kernel else []
    try:
        lines += in_the_model(data)
    except Unanswered as why:
        if not lines:
            raise
        lines += [f"In the model: {why}."]
    return lines + [source.TWO_ASSERTIONS]


def in_the_model(data: Data) -> list[str]:
    lines = [verdict_line(data, "none_pre_done", "reread"),
             verdict_line(data, "none", "reread")]
    before, now = (data.cell(f, "reread")["verdict"]
                   for f in ("none_pre_done", "none"))
    if before == "violated" and now == "holds":
        lines.append("So: the one before I/O is submitted, and only if the "
                     "block built in memory was not marked up to date, as "
                     "before 6.8. Marked so, no reader met one here.")
    return lines + on_which_list(data)


def on_which_list(data: Data) -> list[str]:
    """The reporter's buffer was on none: was it here?"""
    try:
        events = data.story("none_pre_done", "reread")
    except Unanswered as why:
        return [f"Whether the buffer is on a list then: {why}."]
    read = first(events, lambda e: e.actor == "Reader" and "Q" in
                 (e.flags or ""))
    if not read:
        return ["Whether the buffer is on a list then: no step of the "
                "timeline has a reader that meets the flag."]
    if not read.linked:
        return [f"As reported, it was on no list: {read.actor} "
                f"\"{read.step}\", flags {read.flags}, not linked."]
    return [f"NOT REPRODUCED: that it \"wasn't on any delwri list\". "
            f"{read.actor} \"{read.step}\" with flags {read.flags}, and the "
            "buffer still linked: on the AIL's list, which had not come by."]


def who_clears(data: Data) -> list[str]:
    events = data.story("none", "ordering")
    had = False
    for event in events:
        if event.flags is None:
            continue
        if had and "Q" not in event.flags and event.linked:
            later = first(events, lambda e: e.step == "frees X", event.ms)
            freed = (", and goes on to free the block, one of the old tree's"
                     if later and later.actor == event.actor else "")
            return [f"Staling: {event.actor} \"{event.step}\", the flags go "
                    f"to {event.flags}, the buffer stays linked"
                    f"{' and locked' if event.locked else ''}{freed}.",
                    *source.WHO_CLEARS]
        had = "Q" in event.flags
    raise Unanswered("in no step of the timeline the flag went and the link "
                     "stayed")


def how_reused(data: Data) -> list[str]:
    events = data.story("none", "ordering")
    unlocked = first(events, lambda e: e.step == "unlocks X"
                     and "S" in (e.flags or ""))
    given = unlocked and first(events, lambda e: e.step == "is given X",
                               unlocked.ms)
    reset = given and first(events, lambda e: e.step == "resets stale X",
                            given.ms)
    if not reset:
        raise Unanswered("the timeline lacks a step of unlocking, being "
                         "given and resetting the stale buffer")
    return ["Its checkpoint completes, which unlocks it and then frees the "
            f"block ({unlocked.ms:.1f} ms, flags {unlocked.flags}, "
            f"{linked(unlocked)}); {given.actor} is given the block "
            f"({given.ms:.1f} ms), finds the buffer, which the list's "
            "reference keeps in the cache, and resets it "
            f"({reset.ms:.1f} ms, {linked(reset)})."]


def linked(event: Event) -> str:
    return "still linked" if event.linked else "not linked"


def in_general(data: Data) -> list[str]:
    hazards = ("stale-write", "list-corruption")
    bad = [h for h in hazards if violated(data, "none", h)]
    lines = [f"Yes: {' and '.join(bad)} without any fix." if bad else
             "No harm but to bulk loading was shown without any fix:"]
    lines += [verdict_line(data, "none", h) for h in hazards]
    lines += source.IGNORES_FALSE
    return lines + (meetings(data) or [
        "How often it is met without any repair: not measured here (workload "
        "churn)."])


def meetings(data: Data) -> list[str]:
    """How often a lookup met a stale buffer on a list, and holding what."""
    lines = []
    for side in data.sides:
        for case in side.cases():
            rows = [b.rows[case, BASELINE] for b in side.run.blocks
                    if case[0].partition("/")[0] == "churn"]

            def sum_of(name: str) -> int:
                return int(sum(r.counters.get(name, 0) for r in rows))

            lookups, met = sum_of("lookups"), sum_of("meetings")
            if not lookups:
                continue
            held = ", ".join(f"{sum_of('met_' + key)} {words}"
                             for key, words in MET.items())
            lines.append(
                f"{case[0]}, where nothing is repaired: {met} of {lookups} "
                f"lookups ({1e6 * met / lookups:.3g} in a million) met a "
                f"stale buffer that was still on a list; of these {held}.")
    return lines


def who_drops(data: Data) -> list[str]:
    for hazard in ("lost-error", "ordering"):
        if not data.has("none", hazard):
            continue
        events = events_of(data.cell("none", hazard)["evidence"])
        commits = [e for e in events if e.step == "COMMITS ROOT"]
        end = commits and first(
            events, lambda e: e.step in ("drops X", "writes X"),
            commits[-1].ms)
        if end:
            before = [e for e in events if e.flags and e.ms <= end.ms
                      and e is not end][-1]
            return [f"{end.actor} \"{end.step}\", "
                    f"{end.ms - commits[-1].ms:.1f} ms after the root was "
                    f"committed; flags {before.flags} before, {end.flags} "
                    f"after (none, {hazard}).",
                    ("It leaves the flag set, as the letter has it."
                     if "Q" in (end.flags or "") else
                     "The flag goes with the link."), source.NO_LEAK]
    data.cell("none", "lost-error")
    raise Unanswered("in no timeline of none the list's owner got to the "
                     "block after the commit")


def papers_over(data: Data) -> list[str]:
    held = [h for h in ("ordering", "lost-error")
            if data.cell(MERGED, h)["verdict"] == "holds"]
    rest = [h for h, cell in data.matrix[MERGED].items()
            if cell["verdict"] == "violated"]
    lines = [f"It keeps {' and '.join(held) or 'nothing'}"
             + (f", and violates {', '.join(rest)}." if rest else
                " and violates nothing that the matrix knows.")]
    for h in dict.fromkeys(["ordering", "lost-error", *rest]):
        lines += [verdict_line(data, MERGED, h)] + theoretical(data, MERGED, h)
    return lines + (review_kernel.longest_waits(data.kernel, MERGED)
                    if data.kernel else [])


def theoretical(data: Data, fix: str, hazard: str) -> list[str]:
    """Of an unbounded wait: what it takes."""
    cell = data.cell(fix, hazard)
    if hazard != "unbounded-wait" or cell["verdict"] != "violated":
        return []
    passes = re.search(r"all (\d+) of them", cell["evidence"])
    return [source.THEORETICAL.format(passes[1] if passes else "many")]


def wait_in_lookup(data: Data) -> list[str]:
    data.cell(IN_LOOKUP, "ordering")
    held, rest = ([h for h, cell in data.matrix[IN_LOOKUP].items()
                   if cell["verdict"] == verdict]
                  for verdict in ("holds", "violated"))
    lines = [f"It keeps {', '.join(held) or 'nothing'}"
             + (f", and violates {', '.join(rest)}." if rest else ".")]
    for h in rest:
        lines += [verdict_line(data, IN_LOOKUP, h)] + theoretical(
            data, IN_LOOKUP, h)
    if data.kernel:
        lines += review_kernel.longest_waits(data.kernel, IN_LOOKUP)
    return lines + cost_lines(data, IN_LOOKUP, "lookup")


def cost_lines(data: Data, fix: str, group: str) -> list[str]:
    found = [(label, r) for label, r in data.results(fix, group)
             if len(r.units)]
    if not found:
        return [f"Its cost on {group}: not measured here."]
    by_verdict: dict[str, list[str]] = {}
    for label, result in found:
        at = f"{label} " if label else ""
        span = (f" {units.interval(result.interval)}" if result.interval
                else "")
        by_verdict.setdefault(result.verdict, []).append(
            f"{at}{result.case[0]} {units.ratio(result.estimate)}{span}")
    return [f"Its cost, {verdict}: {', '.join(cases)}."
            for verdict, cases in by_verdict.items()]


def flag_leak(data: Data) -> list[str]:
    data.cell("none", "flag-leak")
    cells = {fix: hazards["flag-leak"] for fix, hazards in data.matrix.items()
             if "flag-leak" in hazards}
    bad = [fix for fix, cell in cells.items() if cell["verdict"] == "violated"]
    untested = [f for f, c in cells.items() if c["verdict"] == "untested"]
    runs = sum(cell["runs"] for cell in cells.values())
    lines = [verdict_line(data, fix, "flag-leak") for fix in bad]
    if bad:
        return [f"Yes: {', '.join(bad)}."] + lines + [source.HISTORY]
    return [f"Not seen: in none of {runs} scenario runs of "
            f"{len(cells) - len(untested)} fixes did a lookup, a last "
            "release or the teardown meet the flag on an unlinked buffer. "
            "That no run showed it does not prove that it cannot be.",
            source.NO_LEAK, source.HISTORY]


HUNDRED_THOUSAND = "repair_storm/100k"


def long_list(data: Data) -> list[str]:
    """100,000 buffers on the AIL's list, in model and kernel; then whoever
    waits for a list, or takes a buffer off it, elsewhere."""
    lines = [f"In the real kernel: {NO_KERNEL}."] if not data.kernel else \
        review_kernel.long_list(data.kernel, [MERGED, IN_LOOKUP, REMOVER])
    rest, asked = [], []
    for side in data.sides:
        for case in side.cases():
            if not re.match(r"(repair_storm|bulkload|churn)\b", case[0]):
                continue
            parts = [stall_text(side, case, fix)
                     for fix in (MERGED, IN_LOOKUP, REMOVER)]
            parts = [p for p in parts if p]
            if parts:
                said = [f"{case[0]}: {'; '.join(parts)}.",
                        *list_lock(side, case)]
                if case[0] == HUNDRED_THOUSAND:
                    asked += said
                else:
                    rest += said
    if not asked:
        asked = [f"In the model: not measured here: scripts/run --workload "
                 f"{HUNDRED_THOUSAND}."]
    if not rest and not data.kernel and asked[0].startswith("In the model"):
        raise Unanswered("no workload with a list that others wait for was "
                         "measured: scripts/run --workload repair_storm")
    return lines + asked + ["Shorter lists, in the model:"] * bool(rest) + rest


def list_lock(side: compare.Side, case: tuple) -> list[str]:
    """The lock that a fix has for its lists: counted in copies that are not
    timed, or none has one."""
    lines = []
    for fix in dict.fromkeys(f for c, f in side.run.first.rows if c == case):
        rows = [b.rows[case, fix] for b in side.run.blocks]
        taken, contended, held = (
            sum(r.counters.get("fix_lock_" + name, 0) for r in rows)
            for name in ("taken", "contended", "hold_ns"))
        if not taken:
            continue
        lines.append(
            f"The list's lock of {fix}, {case[0]}: taken {taken:,.0f} times, "
            f"held for {units.time(held / taken)} in the mean, contended "
            f"{contended:,.0f} times ({units.figure(1e6 * contended / taken)} "
            "in a million). The longest hold was not recorded.")
    return lines


def stall_text(side: compare.Side, case: tuple, fix: str) -> str:
    rows = [b.rows[case, fix] for b in side.run.blocks
            if (case, fix) in b.rows]
    waits = [r.waits["list"] for r in rows if r.waits]
    stalls = [r.stall for r in rows if r.stall]
    if not waits:
        return ""
    count, total = (sum(w[i] for w in waits) for i in (0, 1))
    text = f"{fix} "
    if count:
        longest = max(w[2] for w in waits)
        text += (f"waited {count} times, mean {units.time(total / count)}, "
                 f"longest {units.time(longest)}")
    else:
        text += "never waited"
    delayed = sum(s[0] for s in stalls)
    if delayed:
        text += (f", and delayed others {delayed} times, longest "
                 f"{units.time(max(s[2] for s in stalls))}")
    return text


def lost_wakeup(data: Data) -> list[str]:
    fixes = (MERGED, MERGED + "_mb")
    lost, lost_mb = (violated(data, fix, "lost-wakeup") for fix in fixes)
    said = {True: "lost", False: "none seen lost"}
    return [f"In this model, without a full barrier before the wake-up: "
            f"{said[lost]}; with it: {said[lost_mb]}."] + [
        verdict_line(data, fix, "lost-wakeup") for fix in fixes] + [
        *source.LOST_WAKEUP, *estimate(data)]


def estimate(data: Data) -> list[str]:
    """By the waits of the kernel's widened storm; else there is none."""
    evidence = data.cell(MERGED, "lost-wakeup")["evidence"]
    if not data.kernel:
        return ["How often that is outside of the litmus: no estimate "
                f"without natural waits: {NO_KERNEL}."]
    steps = review_kernel.waits(data.kernel, "widened", MERGED) or []
    return review_kernel.estimate(
        evidence, int(verdict.total(steps, "wait_count")),
        verdict.total(steps, "wait_total_ns"),
        verdict.total(steps, "seconds"), "the kernel's widened storm")


def held_back(data: Data) -> list[str]:
    """Found meanwhile: what waiting in the bulk loader costs, and why."""
    lines = [source.HELD_BACK[0]]
    lines += review_kernel.cycles(data.kernel, [MERGED, DROP_FIRST,
                                                IN_LOOKUP]) \
        if data.kernel else [f"In the real kernel: {NO_KERNEL}."]
    shown = model = 0
    for side in data.sides:
        for case in side.cases():
            if not case[0].startswith("repair_storm"):
                continue
            model += 1
            parts = [f"{fix}: {text}" for fix in (MERGED, DROP_FIRST,
                                                  IN_LOOKUP)
                     if (text := met_text(side, case, fix))]
            if parts:
                shown += 1
                lines.append(f"In the model, {case[0]}: {'; '.join(parts)}.")
    if not model:
        lines.append("In the model: no repair_storm was measured here.")
    elif not any(fix == DROP_FIRST for side in data.sides
                 for _, fix in side.run.first.rows):
        lines.append(f"{DROP_FIRST} was not measured in this run.")
    if shown:
        lines.append("How often blocks meet is the model's own: at another "
                     "pace, and with another allocator, the kernel meets "
                     "fewer. Milliseconds per met block are what compares.")
    return lines + [source.HELD_BACK[1]]


def met_text(side: compare.Side, case: tuple, fix: str) -> str:
    if (case, fix) not in side.run.first.rows:
        return ""
    found = summary.met(side, case, fix)
    return (found.text("repair") or "met none") if found else ""


QUESTIONS: list[tuple[str, Callable[[Data], list[str]], str]] = [
    ("Which assertion do readers run into?", which_assertion,
     "scripts/verify --fix none_pre_done --fix none --hazard reread; "
     "scripts/kernel assert"),
    ("Which call path clears DELWRI_Q?", who_clears,
     "scripts/verify --fix none --hazard ordering"),
    ("How does a stale buffer come to be reused?", how_reused,
     "scripts/verify --fix none --hazard ordering"),
    ("Is a stale buffer left on a list trouble in general, not only for "
     "bulk loading?", in_general,
     "scripts/verify --fix none; scripts/run --workload churn"),
    ("Who finally drops the buffer, and in what flag state?", who_drops,
     "scripts/verify --fix none --hazard lost-error"),
    ("Does waiting for the list in the bulk loader only paper over it?",
     papers_over, f"scripts/verify --fix {MERGED}"),
    ("What does waiting in the lookup (not for trylock) bring, and cost?",
     wait_in_lookup,
     f"scripts/verify --fix {IN_LOOKUP}; scripts/run --workload lookup"),
    ("Can DELWRI_Q leak?", flag_leak, "scripts/verify --hazard flag-leak"),
    ("Does the AIL's list stall whoever waits for it or takes a buffer off "
     "it, with 100,000 buffers on it?", long_list,
     "scripts/run --workload repair_storm/100k; scripts/kernel all"),
    ("Can the merged fix lose its wake-up?", lost_wakeup,
     f"scripts/verify --fix {MERGED} --fix {MERGED}_mb --hazard lost-wakeup"),
    ("Found meanwhile: why does waiting in the bulk loader cost more than "
     "waiting in the lookup?", held_back,
     f"scripts/run --fix {MERGED} --fix {DROP_FIRST} --fix {IN_LOOKUP} "
     "--workload repair_storm"),
]


def answers(comparison: Comparison,
            kernel: dict | None = None) -> list[Answer]:
    """Every question, in the order of the review; kernel: its run, if any."""
    data = Data(comparison, kernel)
    result = []
    for question, ask, command in QUESTIONS:
        try:
            result.append(Answer(question, ask(data), command, True))
        except Unanswered as why:
            result.append(Answer(question, [f"Not answered here: {why}."],
                                 command, False))
    return result
