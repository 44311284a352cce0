# SPDX-License-Identifier: GPL-2.0-only
"""kernel.json as 72 columns of text, and its verdict.

Counts are printed as counts; rates get their intervals from the report.
"""

CONTROLS = ("none", "none_pre_done")


def _ok(data: dict, scenario: str) -> list[dict]:
    return [
        s
        for s in data["steps"]
        if s["scenario"] == scenario and not s.get("failed") and not s.get("hung")
    ]


def _by_fix(data: dict, scenario: str) -> dict[str, list[dict]]:
    rows: dict[str, list[dict]] = {}
    for step in _ok(data, scenario):
        rows.setdefault(step["fix"], []).append(step)
    return rows


def _sum(steps: list[dict], name: str) -> float:
    return sum(s.get(name, 0) for s in steps)


def _mean_ms(steps: list[dict], what: str) -> str:
    count = _sum(steps, f"{what}_count")
    if not count:
        return "-"
    return f"{_sum(steps, f'{what}_total_ns') / count / 1e6:.1f}"


def _max_ms(steps: list[dict], what: str) -> str:
    longest = max((s.get(f"{what}_max_ns", 0) for s in steps), default=0)
    return f"{longest / 1e6:.1f}" if longest else "-"


def is_valid(trial: dict) -> bool:
    """Was the AIL still held at the crash, or waited for; did a write fail?

    A trial that found no block in the race window, or in which the hold ran
    out before the crash though nobody waited, shows nothing.
    """
    if not trial.get("hit"):
        return False
    if trial["scenario"] == "crash":
        return bool(trial.get("held") or trial.get("wait_count"))
    return bool(trial.get("failed_async") or trial.get("failed_sync"))


def is_condemned(trial: dict) -> bool:
    return bool(trial["xfs_repair_status"] or trial["mount_status"])


def _storms(data: dict, scenario: str) -> list[str]:
    rows = _by_fix(data, scenario)
    if not rows:
        return []
    first = next(iter(rows.values()))[0]["settings"]
    how = "natural" if not (first["eager"] or first["delay"]) else "widened"
    out = [
        "",
        f"{scenario} ({how}): repairs of {first['type']} in a loop;"
        f" {first['seconds']} s x {len(next(iter(rows.values())))}",
        f"{'':22}{'blocks':>7}{'met':>5}{'misq':>5}{'not du':>7}"
        f"{'waits':>6}{'mean':>7}{'max ms':>8}{'loads/s':>9}",
    ]
    for fix, steps in rows.items():
        seconds = _sum(steps, "seconds")
        out.append(
            f"{fix:22}{_sum(steps, 'blocks'):7.0f}{_sum(steps, 'met_claim'):5.0f}"
            f"{_sum(steps, 'misqueued'):5.0f}{_sum(steps, 'not_durable'):7.0f}"
            f"{_sum(steps, 'wait_count'):6.0f}{_mean_ms(steps, 'wait'):>7}"
            f"{_max_ms(steps, 'wait'):>8}{_sum(steps, 'loads') / seconds:9.1f}"
        )
    every = [s for steps in rows.values() for s in steps]
    out.append(
        f"race window: {_sum(every, 'window_count'):.0f} opened, mean"
        f" {_mean_ms(every, 'window')} ms, longest {_max_ms(every, 'window')} ms"
    )
    bad = [s for s in every if s.get("xfs_repair_status") or s.get("warnings")]
    if bad:
        out.append(f"xfs_repair -n or the kernel complained in {len(bad)} of {len(every)}")
    return out


def _trials(data: dict, scenario: str) -> list[str]:
    rows = _by_fix(data, scenario)
    if not rows:
        return []
    what = {
        "crash": "crash: root committed, AIL held",
        "error": "error: the block's next two writes fail, no crash",
    }[scenario]
    out = ["", what, f"{'':22}{'valid':>6}{'of':>4}{'misq':>6}{'condemned':>11}"
           f"{'unmountable':>13}{'success':>9}"]  # fmt: skip
    for fix, steps in rows.items():
        valid = [s for s in steps if is_valid(s)]
        success = "-"
        if scenario == "error":
            success = str(sum(not s["repair_errno"] for s in valid))
        out.append(
            f"{fix:22}{len(valid):6}{len(steps):4}{_sum(valid, 'misqueued'):6.0f}"
            f"{sum(is_condemned(s) for s in valid):11}"
            f"{sum(bool(s['mount_status']) for s in valid):13}{success:>9}"
        )
    return out


def _cost(data: dict) -> list[str]:
    rows = _by_fix(data, "cost")
    if not rows:
        return []
    names = ("lookup", "queue", "stale")
    out = ["", "instructions per operation, counted by the emulator (spread, %)"]
    out.append(f"{'':22}" + "".join(f"{n:>15}" for n in names))
    for fix, steps in rows.items():
        line = f"{fix:22}"
        for name in names:
            values = [s[f"{name}_min_ps"] / 1000 for s in steps]
            mean = sum(values) / len(values)
            spread = (max(values) - min(values)) / mean * 100
            line += f"{mean:8.1f} ({spread:4.2f})"
        out.append(line)
    out.append("lookup: get and release of a cached buffer; queue: and on and off a")
    out.append("list; stale: and marked stale while on no list")
    return out


def render(data: dict) -> str:
    guests = data["guests"]
    out = [
        f"Linux {data['kernel']} in {data['qemu']}",
        f"{data['accelerator']} ({data['accelerator_reason']});"
        f" {guests['boots']} boots, {guests['boots_failed']} failed,"
        f" {guests['deaths']} died",
    ]
    if data["accelerator"] != "kvm":
        out.append("emulated: times are no measure of a real machine; counts are")
    for scenario in dict.fromkeys(s["scenario"] for s in data["steps"]):
        if scenario in ("crash", "error"):
            out += _trials(data, scenario)
        elif scenario != "cost":
            out += _storms(data, scenario)
    out += _cost(data)
    for name, fix in data["fixes"].items():
        if fix.get("lost_hooks"):
            out += ["", f"{name}: not counted, no place found: {' '.join(fix['lost_hooks'])}"]
    lost = [s for s in data["steps"] if s.get("failed") or s.get("hung")]
    for step in lost:
        out.append(f"{step['id']}: {'hung' if step.get('hung') else step['failed']}")
    return "\n".join(out) + "\n"


def verdict(data: dict) -> int:
    """0: no fix lost a block or hung, and the control did what it must."""
    status = 0
    for step in data["steps"]:
        if step["fix"] in CONTROLS:
            continue
        lost = step.get("misqueued") or step.get("not_durable")
        damaged = (
            step["scenario"] in ("crash", "error")
            and not step.get("failed")
            and is_valid(step)
            and is_condemned(step)
        )
        if lost or damaged or step.get("hung"):
            status = 1
    control = [s for s in _ok(data, "widened") if s["fix"] == "none"]
    if control and not _sum(control, "misqueued"):
        status = 1
    return status
