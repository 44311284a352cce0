# SPDX-License-Identifier: GPL-2.0-only
"""What kernel.json's steps mean: which count, who lost data, what follows."""

from bench.linux import complaints, klog

CONTROLS = ("none", "none_pre_done")
# What a figure rests on: with one of these hooks lost it is unknown.
LOAD = ("dwb_submit", "dwb_bload_end", "dwb_bload_claim")
MEETING = ("dwb_stale", "dwb_unlock", "dwb_ail_before_submit", "dwb_ail_after_submit")
WAIT = ("dwb_watch_lookup", "dwb_found", "dwb_watch_load", "dwb_locking", "dwb_caller")
HOOKED = {
    "blocks": ("dwb_bload_claim",),
    "loads": ("dwb_bload_end",),
    "misqueued": LOAD,
    "not_durable": (*LOAD, "dwb_ioend", "dwb_locked"),
    "staled_linked": ("dwb_stale",),
    "window_count": MEETING,
    "met_claim": (*MEETING, "dwb_bload_claim"),
    "hits": (*MEETING, "dwb_bload_claim"),
    "load_met": (*MEETING, "dwb_watch_load", "dwb_bload_claim", "dwb_bload_end"),
    "repair_met": (*MEETING, "dwb_watch_load", "dwb_bload_claim", "dwb_bload_end", "dwb_repairing"),
    "frees": ("dwb_freed",),
    "frees_repair": ("dwb_freed", "dwb_repairing"),
    "ail_passes": ("dwb_ail_eager",),
    "met_lookup": (*MEETING, "dwb_found"),
    "lookups": ("dwb_found",),
    "wait_count": WAIT,
    "wait_with": (*WAIT, "dwb_locked", "dwb_trylock", "dwb_unlock"),
    "ail_queued_max": ("dwb_queue",),
    "failed_async": ("dwb_submit_bio",),
    "eager": ("dwb_ail_eager",),
}
# What a trial of a mode needs to show anything.
TRIAL_FIGURES = {
    "crash": ("met_claim",),
    "power": ("met_claim",),
    "error": ("met_claim", "failed_async"),
    "natural": ("misqueued",),
}


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


def cluster(steps: list[dict], name: str) -> float:
    """Events come in clusters: what stays linked is met until the AIL's next
    submit.  So many count as one; 1 where a step does not tell."""
    count = total(steps, name)
    if not count or not all(f"{name}_squares" in s for s in steps if s.get(name)):
        return 1
    return max(1.0, total(steps, f"{name}_squares") / count)


def event(data: dict, scenario: str, fix: str) -> str:
    """What a fix is to show in a storm: the control loses, others wait; without
    repairs there is only to meet; "": nothing that must happen."""
    waits = fix not in CONTROLS and can_wait(data, fix)
    if not any(s["settings"].get("in_a_row") for s in data["steps"] if s["scenario"] == scenario):
        # Who takes a staled buffer off its list leaves nothing to meet.
        return "met_lookup" if fix == "none" or waits else ""
    if fix == "none":
        return "misqueued"
    return "wait_count" if waits else ""


def short_of(data: dict, scenario: str, fix: str) -> int:
    """How many independent events of a storm it lacks of those asked for."""
    what = event(data, scenario, fix)
    if not what or unknown(data, fix, what):
        return 0
    mine = [s for s in done(data, scenario) if s["fix"] == fix]
    seen = total(mine, what) / cluster(mine, what)
    return max(0, data.get("until", 0) - int(seen))


def events_shown(data: dict, scenario: str) -> str:
    """Whether each has shown as many events as were asked for."""
    mine = [s for s in data["steps"] if s["scenario"] == scenario]
    seconds = sum(s["settings"]["seconds"] for s in mine)
    short = {s["fix"]: short_of(data, scenario, s["fix"]) for s in mine}
    lacking = [f"{fix} lacks {n}" for fix, n in short.items() if n]
    what = f"{data['until']} independent events each were asked for, {seconds} s tried"
    return f"{what}: {', '.join(lacking) or 'all are there'}"


def kinds(steps: list[dict], name: str) -> list[int]:
    """A figure by how many blocks were met, summed; [] if no step tells."""
    return [sum(each) for each in zip(*(s[name] for s in steps if name in s))]


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
    """By the mount, xfs_repair -n, or the kernel's scrub of what was rebuilt."""
    return bool(
        trial.get("xfs_repair_status") or trial.get("mount_status") or trial.get("scrub_corrupt")
    )


def returned_success(trial: dict) -> bool:
    return not trial["repair_errno"]


def has_lost(trial: dict) -> bool:
    """What a trial of its mode is to show, in a valid one."""
    return returned_success(trial) if mode(trial) == "error" else is_condemned(trial)


def unknown(data: dict, fix: str, figure: str) -> bool:
    """Is a figure, by its name in a step, no figure for want of a hook?"""
    lost = data.get("fixes", {}).get(fix, {}).get("lost_hooks") or []
    return any(hook in lost for hook in HOOKED.get(figure, ()))


def can_show(data: dict, fix: str, what: str) -> bool:
    """Are the figures known on which trials of the mode @what rest?"""
    return not any(unknown(data, fix, figure) for figure in TRIAL_FIGURES[what])


def shut_down(step: dict) -> bool:
    """Did its file system shut down though no trial asked it to?"""
    crash = mode(step) in ("crash", "natural") and bool(step.get("hit"))
    asked = step.get("shutdowns_asked", int(crash))  # old runs do not say
    return bool(step.get("down")) or step.get("shutdowns", 0) > asked


def _losses(data: dict, step: dict) -> list[str]:
    """What no fix may do, in a step that brought figures."""
    what = []
    for name in ("misqueued", "not_durable"):
        if step.get(name) and not unknown(data, step["fix"], name):
            what.append(f"{step[name]} blocks {name.replace('_', ' ')}")
    if step.get("late_lost"):
        what.append(f"{step['late_lost']} wake-ups lost that looked before their store")
    if step.get("hung_tasks"):
        what.append(f"{step['hung_tasks']} hung tasks")
    if shut_down(step):
        what.append("the file system shut down")
    # Only there are writes made to fail.
    if step.get("repair_errors") and mode(step) != "error":
        errno = step.get("last_errno") or step.get("repair_errno")
        what.append(f"{step['repair_errors']} repairs failed, errno {errno}")
    # A trial that hit nothing shows no loss, but nobody may condemn it, either.
    if is_condemned(step) and not step.get("torn"):
        what.append("condemned" if mode(step) else "condemned without any crash")
    if mode(step) == "error" and is_valid(step) and returned_success(step):
        what.append("success over a failed write")
    said = step.get("complaints", [])
    if step.get("died") and not klog.in_xfs(said):
        return what  # the emulator's, for all that can be seen
    if step.get("died"):
        what.append("the kernel died, once")
    what += [klog.words(c) for c in said]
    if step.get("warnings") and not said:
        what.append(f"{step['warnings']} warnings of the kernel: its log has them")
    return what


def findings(data: dict) -> list[str]:
    """Everything that speaks against a fix; [] is a pass, if nothing is unshown."""
    out = []
    for step in data["steps"]:
        who = f"{step['fix']}: {step['id']}"
        if step.get("hung"):
            out.append(f"{who} hung: its log has the stacks")
        elif step.get("failed"):
            said = [klog.words(c) for c in step.get("complaints", [])]
            out.append(": ".join([f"{who} brought no figures: {step['failed']}", *said]))
        elif step["fix"] not in CONTROLS:
            out += [f"{who}: {what}" for what in _losses(data, step)]
    return out


def can_wait(data: dict, fix: str) -> bool:
    """Or does the fix's file say, and the source confirm, that it never does?"""
    about = data.get("fixes", {}).get(fix, {})
    old = "dwb_wait_begin" in about.get("lost_hooks", [])
    return not old and "wait_var_event" not in about.get("has_no", [])


def _no_control(data: dict) -> list[str]:
    """Where what must fail has not, so that a pass shows nothing."""
    out = []
    stormed = by_fix(data, "widened")
    if stormed and "none" not in stormed:
        out.append("widened: none, which must misqueue, brought no figures: no control")
    elif stormed and not total(stormed["none"], "misqueued"):
        out.append("widened: none misqueued nothing: no control")
    for which, what in (("crash", "condemned"), ("error", "success over a failed write")):
        for scenario in dict.fromkeys(s["scenario"] for s in done(data) if mode(s) == which):
            trials = [s for s in done(data, scenario) if s["fix"] == "none"]
            good = [s for s in trials if is_valid(s)]
            if not trials:
                out.append(f"{scenario}: none, the control, brought no figures: no control")
            if good and not any(map(has_lost, good)):
                many = f"in none of {len(good)} valid trials"
                out.append(f"{scenario}: none {what} {many}: no control")
    asserting = by_fix(data, "assert")
    if asserting and (why := complaints.no_control(asserting)):
        out.append(f"assert: {why}")
    return out


def by_chance(data: dict) -> list[str]:
    """What was to be shown and is not, and might be if it were tried longer."""
    out = _no_control(data)
    for scenario in dict.fromkeys(s["scenario"] for s in done(data)):
        for fix, steps in by_fix(data, scenario).items():
            waits = total(steps, "wait_count")
            loads = [s["loads"] for s in steps if "loads" in s]
            if not mode(steps[0]) and any(s.get("repairs") for s in steps) and not any(loads):
                out.append(f"{scenario}: {fix}: repairs without one bulk load: nothing shown")
            unordered = data.get("fixes", {}).get(fix, {}).get("wakes_unordered")
            if scenario == "lost_wakeup" and unordered and not total(steps, "late_tries"):
                out.append(f"{scenario}: {fix}: waiter and owner never met: nothing shown")
            if scenario == "hunt" and can_wait(data, fix) and not waits:
                out.append(f"hunt: {fix} waited for no list: nothing shown about hanging in it")
            if mode(steps[0]) not in ("", "natural") and not any(map(is_valid, steps)):
                out.append(f"{scenario}: {fix}: none of {len(steps)} trials valid: nothing shown")
    return out


def unshown(data: dict) -> list[str]:
    """What the run was to show and does not: neither a pass nor a finding."""
    out = [line for line in lost(data) if "unknown" in line] + by_chance(data)
    for fix, about in data.get("fixes", {}).items():
        if "ended" in about:
            out.append(f"{fix}: nothing tried after {about['ended']}, where it killed the kernel")
    return out


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
    "load_met": "loads by blocks met",
    "repair_met": "repairs by blocks met",
    "frees": "blocks freed",
    "met_lookup": "lookups",
    "wait_count": "waits",
    "wait_with": "what was locked meanwhile",
    "lookups": "how many lookups",
    "failed_async": "whether a write failed",
    "eager": "whether the AIL pushed everything",
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
