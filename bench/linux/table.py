# SPDX-License-Identifier: GPL-2.0-only
"""kernel.json as 72 columns of text.

Counts are printed as counts; rates get their intervals from the report.  A
figure whose hook is lost is printed as ?.
"""

import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable

import complaints
import verdict
from verdict import by_fix, done, total

WIDTH = 72
OPERATIONS = ("lookup", "queue", "stale")
SHOWN = 6  # functions by which a difference is explained


def _filled(text: str) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _each_filled(lines: Iterable[str]) -> list[str]:
    return [line for text in lines for line in _filled(text)]


def _mean_ms(steps: list[dict], what: str) -> str:
    count = total(steps, f"{what}_count")
    if not count:
        return "-"
    return f"{total(steps, f'{what}_total_ns') / count / 1e6:.1f}"


def _max_ms(steps: list[dict], what: str) -> str:
    longest = max((s.get(f"{what}_max_ns", 0) for s in steps), default=0)
    return f"{longest / 1e6:.1f}" if longest else "-"


def _sum(data: dict, fix: str, steps: list[dict], name: str) -> str:
    """A figure's total; ? if a hook that it rests on is lost."""
    return "?" if verdict.unknown(data, fix, name) else f"{total(steps, name):.0f}"


def _scenarios(data: dict, wanted: Callable[[dict], bool]) -> list[str]:
    return list(dict.fromkeys(s["scenario"] for s in done(data) if wanted(s)))


def _is_storm(step: dict) -> bool:
    return not verdict.mode(step) and step["scenario"] not in ("cost", "assert")


def _but(values: dict[str, str], usual: str = "0") -> str:
    """What each fix has; those with @usual together."""
    words = [f"{fix} {value}" for fix, value in values.items() if value != usual]
    if len(words) < len(values):
        words.append(f"{'others' if words else 'every fix'} {usual}")
    return ", ".join(words)


def _knobs(settings: dict) -> str:
    """What widens the race in a storm."""
    how = [f"{settings['loaders']} loaders"] if settings.get("loaders") else []
    how += ["the AIL pushes everything"] if settings.get("eager") else []
    if settings.get("delay"):
        how.append(f"{settings['delay'] / 1000:g} ms before it submits")
    if settings.get("hold"):
        how.append(f"it waits for a load to meet one, if {settings['hold']} or more are staled")
    if settings.get("late"):
        how.append("wake-ups come before their store")
    if settings.get("others"):
        how.append(f"{settings['others']:,} buffers more on its list")
    return ", ".join(how) or "no knob"


def _storm(data: dict, scenario: str) -> list[str]:
    rows = by_fix(data, scenario)
    first = next(iter(rows.values()))[0]["settings"]
    repairs = f"repairs of {first.get('type', '?')}" if first.get("in_a_row") else "no repairs"
    out = [
        "",
        *_filled(
            f"{scenario}: {_knobs(first)}; {repairs};"
            f" {first.get('seconds', '?')} s x {len(next(iter(rows.values())))}"
        ),
        f"{'':22}{'blocks':>6}{'met':>5}{'misq':>5}{'not du':>7}"
        f"{'waits':>6}{'mean':>7}{'max ms':>7}{'load/s':>7}",
    ]
    for fix, steps in rows.items():
        mean, longest, per_second = "?", "?", "?"
        if not verdict.unknown(data, fix, "wait_count"):
            mean, longest = _mean_ms(steps, "wait"), _max_ms(steps, "wait")
        if not verdict.unknown(data, fix, "loads"):
            per_second = f"{total(steps, 'loads') / total(steps, 'seconds'):.1f}"
        out.append(
            f"{fix:22}{_sum(data, fix, steps, 'blocks'):>6}"
            f"{_sum(data, fix, steps, 'met_claim'):>5}"
            f"{_sum(data, fix, steps, 'misqueued'):>5}"
            f"{_sum(data, fix, steps, 'not_durable'):>7}"
            f"{_sum(data, fix, steps, 'wait_count'):>6}"
            f"{mean:>7}{longest:>7}{per_second:>7}"
        )
    if data.get("until"):
        out += _filled(verdict.events_shown(data, scenario))
    return out


def _windows(data: dict) -> list[str]:
    """Of all fixes together: how wide it was, how much there was to meet."""
    scenarios = _scenarios(data, _is_storm)
    if not scenarios:
        return []
    out = ["", "race window of all fixes: unlocked stale until the AIL's next submit"]
    out.append(f"{'':21}{'opened':>8}{'mean':>9}{'max ms':>9}{'staled':>9}{'AIL queued':>13}")
    for scenario in scenarios:
        rows = by_fix(data, scenario)

        def known(name: str, rows: dict = rows) -> list[dict]:
            return [
                s for f, those in rows.items() if not verdict.unknown(data, f, name) for s in those
            ]

        line = ["?"] * 5
        if opened := known("window_count"):
            line[0] = f"{total(opened, 'window_count'):.0f}"
            line[1:3] = _mean_ms(opened, "window"), _max_ms(opened, "window")
        if staled := known("staled_linked"):
            line[3] = f"{total(staled, 'staled_linked'):.0f}"
        if queued := known("ail_queued_max"):
            line[4] = str(max(s.get("ail_queued_max", 0) for s in queued))
        out.append(
            f"{scenario:21}{line[0]:>8}{line[1]:>9}{line[2]:>9}{line[3]:>9}{line[4]:>13}"
        )
    out.append("staled: buffers while linked; AIL queued: the most in one pass")
    out.append("lookups that met such a buffer")
    for scenario in scenarios:
        met = {f: _sum(data, f, s, "met_lookup") for f, s in by_fix(data, scenario).items()}
        out += _filled(f"  {scenario}: {_but(met)}")
    return out


KINDS = ("1 met", "2", "3", "4 or more")


def _ms(ns: float) -> str:
    return f"{ns / 1e6:.0f}" if ns >= 1e7 else f"{ns / 1e6:.1f}"


def _met(data: dict) -> list[str]:
    """What a load lasted, by how many blocks it met; and a block, and a repair."""
    loads, blocks = [], []
    for scenario in _scenarios(data, _is_storm):
        for fix, steps in by_fix(data, scenario).items():
            met = verdict.kinds(steps, "load_met")
            if verdict.unknown(data, fix, "load_met") or not any(met[1:]):
                continue
            cycles, ns = (verdict.kinds(steps, f"load_{what}") for what in ("cycles", "ns"))
            cells = [
                f"{n}:{c / n:.1f},{_ms(t / n)}" if n else "-"
                for n, c, t in list(zip(met, cycles, ns))[1:]
            ]
            loads.append((scenario, f"{fix:22}" + "".join(f" {cell:>11}" for cell in cells)))
            blocks.append((scenario, f"{fix:22}" + _per_block(data, fix, steps)))
    if not loads:
        return []
    out = ["", *_filled("loads that met blocks of which the AIL had not let go, by how many:"
                        " loads:submits of the AIL,ms that each lasted")]  # fmt: skip
    out.append(f"{'':22}" + "".join(f"{kind:>12}" for kind in KINDS))
    out += _by_scenario(loads)
    out += _filled("what a met block costs: ms that its load lasted longer than one that met none;"
                   " ms of a repair that met none, that met any")  # fmt: skip
    out.append(f"{'':22}{'blocks':>7}{'ms a block':>12}{'repair: none':>15}{'any':>10}")
    return out + _by_scenario(blocks)


def _by_scenario(lines: list[tuple[str, str]]) -> list[str]:
    out: list[str] = []
    for scenario in dict.fromkeys(name for name, _ in lines):
        out += [f"  {scenario}", *(line for name, line in lines if name == scenario)]
    return out


def _per_block(data: dict, fix: str, steps: list[dict]) -> str:
    """Blocks that loads met, ms for each, ms of a repair without and with one."""
    met, ns = verdict.kinds(steps, "load_met"), verdict.kinds(steps, "load_ns")
    blocks, each = total(steps, "met_load"), "-"
    if met[0] and blocks:
        longer = sum(ns[1:]) - sum(met[1:]) * ns[0] / met[0]
        each = f"{longer / blocks / 1e6:.1f}"
    of, took = verdict.kinds(steps, "repair_met"), verdict.kinds(steps, "repair_met_ns")
    unmet = f"{took[0] / of[0] / 1e6:.1f}" if of[0] else "-"
    any_met = f"{sum(took[1:]) / sum(of[1:]) / 1e6:.1f}" if any(of[1:]) else "-"
    if verdict.unknown(data, fix, "repair_met"):
        unmet = any_met = "?"
    return f"{blocks:7.0f}{each:>12}{unmet:>15}{any_met:>10}"


def _waits(data: dict) -> list[str]:
    rows = {
        fix: [s for s in done(data) if s["fix"] == fix and s["scenario"] != "cost"]
        for fix in data["fixes"]
        if verdict.can_wait(data, fix)
    }
    unknown = [fix for fix in rows if verdict.unknown(data, fix, "wait_count")]
    if not unknown and not total([s for steps in rows.values() for s in steps], "wait_count"):
        return []
    out = ["", "waits for a list that ended, in all steps, and what was locked meanwhile"]
    out.append(f"{'':22}{'waits':>6}{'max ms':>10}{'AGF':>7}{'AGI':>7}{'other':>7}{'none':>7}")
    for fix, steps in rows.items():
        held = "".join(
            "      ?"
            if verdict.unknown(data, fix, "wait_with")
            else f"{total(steps, f'wait_with_{what}'):7.0f}"
            for what in ("agf", "agi", "other", "none")
        )
        longest = "?" if fix in unknown else _max_ms(steps, "wait")
        out.append(f"{fix:22}{_sum(data, fix, steps, 'wait_count'):>6}{longest:>10}{held}")
    return out


def _late(data: dict) -> list[str]:
    """Wake-ups that look for sleepers before their store is visible."""
    rows = by_fix(data, "lost_wakeup")
    if not rows:
        return []
    out = ["", *_filled("wake-ups that look for sleepers before the store that they tell of is"
                        " visible, as every processor may where no barrier stands between;"
                        " waiter and list's owner held")]  # fmt: skip
    out.append(f"{'':22}{'tries':>7}{'lost':>7}")
    ordered = []
    for fix, steps in rows.items():
        if not data["fixes"].get(fix, {}).get("wakes_unordered"):
            ordered.append(fix)
            continue
        tries, lost = (total(steps, f"late_{what}") for what in ("tries", "lost"))
        out.append(f"{fix:22}{tries:7.0f}{lost:7.0f}")
    if ordered:
        out += _filled(f"no such place: {', '.join(ordered)}")
    return out


TRIALS = {
    "crash": "root committed, AIL held",
    "power": "a copy of the live disk at the commit, AIL held",
    "error": "the block's next two writes fail, no crash",
    "natural": "crash as soon as a load has misqueued, no knob",
}


def _trials(data: dict, scenario: str) -> list[str]:
    rows = by_fix(data, scenario)
    first = next(iter(rows.values()))[0]
    settings = first["settings"]
    what = f"{scenario}: {TRIALS[verdict.mode(first)]} ({settings.get('type', '?')})"
    if settings.get("target", "any") != "any":
        what += f"; {settings['target']} of a tree of two levels, {settings['block']} bytes a block"
    out = ["", *_filled(what), f"{'':22}{'valid':>6}{'of':>4}{'misq':>6}{'condemned':>11}"
           f"{'unmountable':>13}{'success':>9}"]  # fmt: skip
    for fix, steps in rows.items():
        if not verdict.can_show(data, fix, verdict.mode(first)):
            out.append(f"{fix:22}{'?':>6}{len(steps):4}{'?':>6}{'?':>11}{'?':>13}{'?':>9}")
            continue
        valid = [s for s in steps if verdict.is_valid(s)]
        success = "-"
        if verdict.mode(first) == "error":
            success = str(sum(map(verdict.returned_success, valid)))
        out.append(
            f"{fix:22}{len(valid):6}{len(steps):4}{_sum(data, fix, valid, 'misqueued'):>6}"
            f"{sum(map(verdict.is_condemned, valid)):11}"
            f"{sum(bool(s['mount_status']) for s in valid):13}{success:>9}"
        )
    if settings.get("target", "any") != "any":
        met = Counter(
            f"{s['hit_tree']}bt, block {s['hit_nth']} of {s['hit_blocks']}"
            for steps in rows.values()
            for s in filter(verdict.is_valid, steps)
        )
        times = "; ".join(f"{what}: {n} times" for what, n in sorted(met.items()))
        out += _filled(f"met in them: {times or 'nothing'}")
    if verdict.mode(first) == "natural":
        made = (
            f"{fix} {total(steps, 'repairs'):.0f} in {total(steps, 'seconds'):.0f} s"
            for fix, steps in rows.items()
        )
        out += _filled(f"repairs: {', '.join(made)}")
    return out


# What a step may bring beside its figures, and where it counts.
EVENTS: tuple[tuple[str, Callable[[dict], int]], ...] = (
    ("shut down, unasked", lambda s: verdict.shut_down(s)),
    ("repairs that failed", lambda s: 0 if verdict.mode(s) else s.get("repair_errors", 0)),
    ("warnings", lambda s: 0 if s.get("complaints") else s.get("warnings", 0)),
    ("hung tasks", lambda s: s.get("hung_tasks", 0)),
)


# Emulated, any place is long on a processor now and then.
SPINS = ("over 5 ms without a sleep, where a fix may spin", lambda s: s.get("busy_count", 0))


def events(data: dict) -> list[str]:
    """Shutdowns and the like, of storms and trials alike."""
    out: list[str] = []
    for what, count in (*EVENTS, *([SPINS] if data["accelerator"] == "kvm" else [])):
        seen: dict[str, list[str]] = {}
        for scenario in _scenarios(data, lambda s: s["scenario"] != "cost"):
            for fix, steps in by_fix(data, scenario).items():
                if number := sum(map(count, steps)):
                    of = f" of {len(steps)}" if what.startswith("shut") else ""
                    seen.setdefault(fix, []).append(f"{scenario} {number:.0f}{of}")
        if seen:
            each = (f"{fix}: {', '.join(where)}" for fix, where in seen.items())
            out.append(f"{what}: {'; '.join(each)}")
    return out


def functions(step: dict, operation: str) -> dict[str, int]:
    """Instructions of one operation by function, from a cost step."""
    text = str(step.get(f"{operation}_functions", ""))
    pairs = (word.rpartition(":") for word in text.split(",") if word)
    return {name: int(count) for name, _, count in pairs}


def _difference(rows: dict[str, list[dict]], operation: str) -> list[str]:
    """Where a fix executes more or fewer instructions than `none`."""
    base = functions(rows["none"][0], operation)
    out = []
    for fix, steps in rows.items():
        here = functions(steps[0], operation)
        if fix == "none" or not base or not here:
            continue
        changes = {
            name: here.get(name, 0) - base.get(name, 0)
            for name in sorted(base.keys() | here.keys())
        }
        changes = {name: change for name, change in changes.items() if change}
        if not changes:
            continue
        ranked = sorted(changes.items(), key=lambda c: -abs(c[1]))
        out.append(f"  {operation}, {fix}: {sum(changes.values()):+d}:")
        out += [f"    {change:+d} {name}" for name, change in ranked[:SHOWN]]
        if rest := sum(change for _, change in ranked[SHOWN:]):
            out.append(f"    {rest:+d} in {len(ranked) - SHOWN} others")
    return out


def _cost(data: dict) -> list[str]:
    rows = by_fix(data, "cost")
    if not rows:
        return []
    out = ["", "instructions per operation, counted by the emulator (spread, %)"]
    if data["accelerator"] == "kvm":
        out[-1] += "; emulated although others ran under kvm"
    out.append(f"{'':22}" + "".join(f"{n:>15}" for n in OPERATIONS))
    for fix, steps in rows.items():
        line = f"{fix:22}"
        for name in OPERATIONS:
            values = [s[f"{name}_min_ps"] / 1000 for s in steps]
            mean = sum(values) / len(values)
            spread = (max(values) - min(values)) / mean * 100
            line += f"{mean:8.1f} ({spread:4.2f})"
        out.append(line)
    out.append("lookup: get and release of a cached buffer; queue: and on and off a")
    out.append("list; stale: and marked stale while on no list")
    if "none" in rows:
        lines = [line for op in OPERATIONS for line in _difference(rows, op)]
        if lines:
            out += ["by function, one operation stepped through, against none:", *lines]
    return out


def merged(lines: Iterable[str], names: Iterable[str]) -> list[str]:
    """Lines of a verdict that differ in the step or the fix only, as one."""
    lines = list(lines)
    steps: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for line in lines:
        found = re.match(r"(\w+): (\S+)-\1(?::)? (.*)", line)
        fix, step, rest = found.groups() if found else ("", "", line)
        steps.setdefault((fix, re.sub(r"\d+", "0", rest) if fix else rest), []).append((step, rest))
    out = []
    for (fix, _), those in steps.items():
        ids, texts = [step for step, _ in those], [text for _, text in those]
        if not fix:
            out.append(texts[0])
            continue
        numbers = [re.match(r"\d+", text) for text in texts]
        text = texts[0]
        if all(numbers):
            text = re.sub(r"^\d+", str(sum(int(n[0]) for n in numbers if n)), text)
        out.append(f"{fix}: {complaints.named(ids)}: {text}")
    fixes: dict[tuple[str, str], list[str]] = {}
    choice = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    for line in out:
        found = re.search(rf"(?:^|(?<=: ))({choice})(?=:? )", line) if choice else None
        if found:
            key = (line[: found.start()], line[found.end() :])
            fixes.setdefault(key, []).append(found[0])
        else:
            fixes[line, ""] = [""]
    return [f"{before}{', '.join(who)}{after}" for (before, after), who in fixes.items()]


def render(data: dict) -> str:
    guests = data["guests"]
    out = _filled(
        f"Linux {data['kernel']} in {data['qemu']}; {data['accelerator']}"
        f" ({data['accelerator_reason']}); {guests['boots']} boots,"
        f" {guests['boots_failed']} failed, {guests['deaths']} died"
    )
    if data["accelerator"] != "kvm":
        out.append("emulated: times are no measure of a real machine; counts are")
    for lines in (verdict.lost(data), complaints.asserted(by_fix(data, "assert"))):
        out += ["", *_each_filled(lines)] if lines else []
    for scenario in _scenarios(data, _is_storm):
        out += _storm(data, scenario)
    for scenario in _scenarios(data, lambda s: bool(verdict.mode(s))):
        out += _trials(data, scenario)
    out += _met(data)
    out += _windows(data)
    out += _waits(data)
    out += _late(data)
    out += _cost(data)
    for lines in (events(data), complaints.complained(done(data))):
        out += ["", *_each_filled(lines)] if lines else []
    found = merged(verdict.findings(data), data["fixes"])
    out += ["", "verdict:" if found else "verdict: nothing speaks against any fix"]
    if total([s for s in done(data) if s["fix"] == "none"], "misqueued"):
        out[-1] += "; the control loses blocks" if not found else ""
    told = verdict.lost(data)  # above
    unshown = [line for line in verdict.unshown(data) if line not in told]
    unshown = [f"not shown: {what}" for what in merged(unshown, data["fixes"])]
    return "\n".join(out + _each_filled(found + unshown)) + "\n"
