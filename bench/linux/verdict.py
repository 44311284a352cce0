# SPDX-License-Identifier: GPL-2.0-only
"""What kernel.json's steps mean: which count, who lost data, what follows."""

CONTROLS = ("none", "none_pre_done")


def done(data: dict, scenario: str = "") -> list[dict]:
    """The steps that brought figures."""
    return [
        s
        for s in data["steps"]
        if (not scenario or s["scenario"] == scenario)
        and not s.get("failed")
        and not s.get("hung")
    ]


def by_fix(data: dict, scenario: str) -> dict[str, list[dict]]:
    rows: dict[str, list[dict]] = {}
    for step in done(data, scenario):
        rows.setdefault(step["fix"], []).append(step)
    return rows


def total(steps: list[dict], name: str) -> float:
    return sum(s.get(name, 0) for s in steps)


def mode(step: dict) -> str:
    """Of a trial: crash, power, error or natural; else nothing."""
    return step.get("settings", {}).get("mode", "")


def is_valid(trial: dict) -> bool:
    """Was the AIL still held at the crash, or waited for; did a write fail?

    A trial that found no block in the race window, or in which the hold ran
    out before the crash though nobody waited, shows nothing.
    """
    if not trial.get("hit"):
        return False
    if mode(trial) == "natural":
        return True
    if mode(trial) == "error":
        return bool(trial.get("failed_async") or trial.get("failed_sync"))
    held = trial.get("held") or trial.get("wait_count")
    return bool(held and not trial.get("torn"))


def valid(data: dict, scenario: str) -> dict[str, int]:
    """How many valid trials each fix has."""
    return {f: sum(map(is_valid, s)) for f, s in by_fix(data, scenario).items()}


def is_condemned(trial: dict) -> bool:
    return bool(trial["xfs_repair_status"] or trial["mount_status"])


def returned_success(trial: dict) -> bool:
    return not trial["repair_errno"]


def has_lost(trial: dict) -> bool:
    """What a trial of its mode is to show, in a valid one."""
    return returned_success(trial) if mode(trial) == "error" else is_condemned(trial)


def _losses(step: dict) -> list[str]:
    """What no fix may do, in a step that brought figures."""
    what = []
    for name in ("misqueued", "not_durable"):
        if step.get(name):
            what.append(f"{step[name]} blocks {name.replace('_', ' ')}")
    if step.get("hung_tasks"):
        what.append(f"{step['hung_tasks']} hung tasks")
    if not mode(step):
        if step.get("shutdowns"):
            what.append("the file system shut down")
        if step.get("xfs_repair_status"):
            what.append("condemned by xfs_repair -n without any crash")
        return what
    if is_valid(step):
        if is_condemned(step):
            what.append("condemned")
        if mode(step) == "error" and returned_success(step):
            what.append("success over a failed write")
    return what


def findings(data: dict) -> list[str]:
    """Everything that speaks against the run or a fix; [] is a pass."""
    out = []
    for step in data["steps"]:
        if step.get("hung"):
            out.append(f"{step['fix']}: {step['id']} hung: its log has the stacks")
        elif step.get("failed"):
            out.append(f"{step['fix']}: {step['id']} brought no figures: {step['failed']}")
        elif step["fix"] not in CONTROLS:
            out += [f"{step['fix']}: {step['id']}: {what}" for what in _losses(step)]

    widened = [s for s in done(data, "widened") if s["fix"] == "none"]
    if widened and not total(widened, "misqueued"):
        out.append("none: nothing misqueued in the widened storm: no control")
    for which, what in (
        ("crash", "condemned"),
        ("error", "success over a failed write"),
    ):
        trials = [s for s in done(data, which) if s["fix"] == "none"]
        valid = [s for s in trials if is_valid(s)]
        if trials and not any(map(has_lost, valid)):
            out.append(
                f"none: {what} in none of {len(valid)} valid {which} trials"
                f" of {len(trials)}: no control"
            )
    return out


def can_wait(data: dict, fix: str) -> bool:
    """Has it a wait for a list that the probes count?"""
    return "dwb_wait_begin" not in data.get("fixes", {}).get(fix, {}).get("lost_hooks", [])


def unshown(data: dict) -> list[str]:
    """What the run was to show and does not: neither a pass nor a finding."""
    out = []
    for scenario in dict.fromkeys(s["scenario"] for s in done(data)):
        for fix, steps in by_fix(data, scenario).items():
            if scenario == "hunt" and can_wait(data, fix) and not total(steps, "wait_count"):
                out.append(f"hunt: {fix} waited for no list: nothing shown about hanging in it")
            if mode(steps[0]) not in ("", "natural") and not any(map(is_valid, steps)):
                out.append(f"{scenario}: {fix}: none of {len(steps)} trials valid: nothing shown")
    return out


# Which hooks a figure rests on: with one of them lost it is unknown.  Older
# runs have dwb_wait_begin and dwb_wait_end: lost, they say only that the fix
# has no wait.
_LOADS = ("dwb_submit", "dwb_bload_claim", "dwb_bload_begin", "dwb_bload_end")
_MARKS = ("dwb_stale", "dwb_unlock", "dwb_ail_before_submit", "dwb_ail_after_submit")
_WAITS = ("dwb_watch_lookup", "dwb_watch_load", "dwb_lock")
HOOKED = {
    "blocks": ("dwb_bload_block", *_LOADS[1:]),
    "loads": _LOADS[2:],
    "misqueued": ("dwb_bload_block", *_LOADS),
    "not_durable": ("dwb_bload_block", *_LOADS, "dwb_ioend"),
    "met_claim": (*_MARKS, "dwb_bload_claim"),
    "hits": (*_MARKS, "dwb_bload_claim"),
    "window_count": (*_MARKS, "dwb_bload_claim"),
    "met_lookup": ("dwb_found", "dwb_stale", "dwb_unlock"),
    "lookups": ("dwb_found", "dwb_stale", "dwb_unlock"),
    "staled_linked": ("dwb_stale",),
    "ail_queued_max": ("dwb_queue", "dwb_ail_before_submit"),
    "wait_count": _WAITS,
    "wait_with": (*_WAITS, "dwb_locked", "dwb_unlock"),
}


def unknown(data: dict, fix: str, figure: str) -> bool:
    """Does a hook that @figure rests on have no place in @fix?"""
    lost = data.get("fixes", {}).get(fix, {}).get("lost_hooks", [])
    return any(hook in lost for hook in HOOKED.get(figure, ()))


# What a lost hook takes away, as the tables call it.
FIGURES = {
    "blocks": "blocks",
    "loads": "load/s",
    "misqueued": "misq",
    "not_durable": "not du",
    "met_claim": "met",
    "hits": "which trials are valid",
    "window_count": "the race window",
    "staled_linked": "staled",
    "ail_queued_max": "AIL queued",
    "met_lookup": "lookups",
    "wait_count": "waits",
    "wait_with": "what was locked meanwhile",
}
OLD_WAIT = ("dwb_wait_begin", "dwb_wait_end")


def lost(data: dict) -> list[str]:
    """Which hooks found no place, and what is unknown therefore: a line for
    all fixes that lack the same ones."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, fix in data.get("fixes", {}).items():
        hooks = fix.get("lost_hooks") or []
        for some in (
            tuple(h for h in hooks if h in OLD_WAIT),
            tuple(h for h in hooks if h not in OLD_WAIT),
        ):
            if some:
                groups.setdefault(some, []).append(name)
    out = []
    for hooks, names in groups.items():
        what = "no wait there, so 0"
        if not set(hooks) <= set(OLD_WAIT):
            gone = [word for f, word in FIGURES.items() if set(HOOKED[f]) & set(hooks)]
            what = f"unknown (?): {', '.join(gone)}" if gone else "no figure rests on it"
        out.append(f"no place for {', '.join(hooks)} in {', '.join(names)}: {what}")
    return out


def hit_by(trial: dict) -> str:
    """The figure on which it rests that a trial has hit."""
    return "misqueued" if mode(trial) == "natural" else "hits"


def shut_down(step: dict) -> bool:
    """Did its file system shut down though no trial asked it to?"""
    asked = mode(step) in ("crash", "natural") and bool(step.get("hit"))
    return bool(step.get("down")) or step.get("shutdowns", 0) > asked
