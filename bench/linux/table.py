# SPDX-License-Identifier: GPL-2.0-only
"""kernel.json as 72 columns of text.

Counts are printed as counts; rates get their intervals from the report.
"""

import textwrap

import verdict
from verdict import by_fix, done, total

WIDTH = 72
OPERATIONS = ("lookup", "queue", "stale")
SHOWN = 6  # functions by which a difference is explained


def _filled(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _mean_ms(steps: list[dict], what: str) -> str:
    count = total(steps, f"{what}_count")
    if not count:
        return "-"
    return f"{total(steps, f'{what}_total_ns') / count / 1e6:.1f}"


def _max_ms(steps: list[dict], what: str) -> str:
    longest = max((s.get(f"{what}_max_ns", 0) for s in steps), default=0)
    return f"{longest / 1e6:.1f}" if longest else "-"


def _storms(data: dict, scenario: str) -> list[str]:
    rows = by_fix(data, scenario)
    if not rows:
        return []
    every = [s for steps in rows.values() for s in steps]
    first = every[0]["settings"]
    how = [f"{first['loaders']} loaders"] if first["loaders"] else []
    how += ["the AIL pushes everything"] if first["eager"] else []
    how += [f"{first['delay'] / 1000:g} ms before it submits"] if first["delay"] else []
    how += [f"{first['others']:,} buffers more on its list"] if first.get("others") else []
    repairs = f"repairs of {first['type']}" if first["in_a_row"] else "no repairs"
    out = [
        "",
        *_filled(
            f"{scenario}: {', '.join(how) or 'no knob'}; {repairs};"
            f" {first['seconds']} s x {len(next(iter(rows.values())))}"
        ),
        f"{'':21}{'blocks':>7}{'met':>5}{'misq':>5}{'not du':>7}"
        f"{'waits':>6}{'mean':>7}{'max ms':>7}{'load/s':>7}",
    ]
    for fix, steps in rows.items():
        out.append(
            f"{fix:21}{total(steps, 'blocks'):7.0f}{total(steps, 'met_claim'):5.0f}"
            f"{total(steps, 'misqueued'):5.0f}{total(steps, 'not_durable'):7.0f}"
            f"{total(steps, 'wait_count'):6.0f}{_mean_ms(steps, 'wait'):>7}"
            f"{_max_ms(steps, 'wait'):>7}"
            f"{total(steps, 'loads') / total(steps, 'seconds'):7.1f}"
        )
    opened = total(every, "window_count")
    out += _filled(
        f"race window: {opened:.0f} opened, mean {_mean_ms(every, 'window')} ms, longest"
        f" {_max_ms(every, 'window')} ms; {total(every, 'staled_linked'):.0f} buffers staled"
        f" while linked; the AIL queued at most"
        f" {max(s.get('ail_queued_max', 0) for s in every)} in a pass"
    )
    met = {fix: f"{total(steps, 'met_lookup'):.0f}" for fix, steps in rows.items()}
    out += _filled("lookups that met one: " + ", ".join(f"{f} {n}" for f, n in met.items()))
    for fix, steps in rows.items():
        bad = {
            what: f"{total(steps, name):.0f}"
            for name, what in (
                ("shutdowns", "file systems shut down"),
                ("repair_errors", "repairs failed"),
                ("warnings", "warnings"),
                ("hung_tasks", "hung tasks"),
            )
            if total(steps, name)
        }
        if bad:
            words = ", ".join(f"{n} {what}" for what, n in bad.items())
            out += _filled(f"{fix}, in {len(steps)} storms: {words}")
    return out


def _waits(data: dict) -> list[str]:
    rows = {
        fix: [s for s in done(data) if s["fix"] == fix]
        for fix in data["fixes"]
        if verdict.can_wait(data, fix)
    }
    if not total([s for steps in rows.values() for s in steps], "wait_count"):
        return []
    out = ["", "waits for a list that ended, in all steps, and what was locked meanwhile"]
    out.append(f"{'':22}{'waits':>6}{'max ms':>10}{'AGF':>7}{'AGI':>7}{'other':>7}{'none':>7}")
    for fix, steps in rows.items():
        held = "".join(
            f"{total(steps, f'wait_with_{what}'):7.0f}"
            for what in ("agf", "agi", "other", "none")
        )
        out.append(f"{fix:22}{total(steps, 'wait_count'):6.0f}{_max_ms(steps, 'wait'):>10}{held}")
    return out


TRIALS = {
    "crash": "crash: root committed, AIL held",
    "power": "power loss: a copy of the live disk at the commit, AIL held",
    "error": "error: the block's next two writes fail, no crash",
    "natural": "crash as soon as a load has misqueued, no knob",
}


def _trials(data: dict, scenario: str) -> list[str]:
    rows = by_fix(data, scenario)
    if not rows:
        return []
    first = next(iter(rows.values()))[0]
    what = f"{TRIALS[verdict.mode(first)]} ({first['settings']['type']})"
    out = ["", what, f"{'':22}{'valid':>6}{'of':>4}{'misq':>6}{'condemned':>11}"
           f"{'unmountable':>13}{'success':>9}"]  # fmt: skip
    for fix, steps in rows.items():
        valid = [s for s in steps if verdict.is_valid(s)]
        success = "-"
        if verdict.mode(first) == "error":
            success = str(sum(map(verdict.returned_success, valid)))
        out.append(
            f"{fix:22}{len(valid):6}{len(steps):4}{total(valid, 'misqueued'):6.0f}"
            f"{sum(map(verdict.is_condemned, valid)):11}"
            f"{sum(bool(s['mount_status']) for s in valid):13}{success:>9}"
        )
    if verdict.mode(first) == "natural":
        for fix, steps in rows.items():
            out += _filled(
                f"{fix}: {total(steps, 'seconds'):.0f} s, {total(steps, 'repairs'):.0f}"
                f" repairs, {sum(bool(s['hit']) for s in steps)} times misqueued"
            )
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


def render(data: dict) -> str:
    guests = data["guests"]
    out = _filled(
        f"Linux {data['kernel']} in {data['qemu']}; {data['accelerator']}"
        f" ({data['accelerator_reason']}); {guests['boots']} boots,"
        f" {guests['boots_failed']} failed, {guests['deaths']} died"
    )
    if data["accelerator"] != "kvm":
        out.append("emulated: times are no measure of a real machine; counts are")
    for scenario in dict.fromkeys(s["scenario"] for s in done(data)):
        step = done(data, scenario)[0]
        if verdict.mode(step):
            out += _trials(data, scenario)
        elif scenario != "cost":
            out += _storms(data, scenario)
    out += _waits(data)
    out += _cost(data)
    for name, fix in data["fixes"].items():
        if fix.get("lost_hooks"):
            hooks = " ".join(fix["lost_hooks"])
            out += ["", *_filled(f"{name}: no place for {hooks}: not counted")]
    found = verdict.findings(data)
    out += ["", "verdict:" if found else "verdict: nothing speaks against any fix"]
    if total([s for s in done(data) if s["fix"] == "none"], "misqueued"):
        out[-1] += "; the control loses blocks" if not found else ""
    unshown = [f"not shown: {what}" for what in verdict.unshown(data)]
    return "\n".join(out + [line for f in found + unshown for line in _filled(f)]) + "\n"
