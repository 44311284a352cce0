# SPDX-License-Identifier: GPL-2.0-only
"""Build the real fs/xfs with each fix, run it in a guest, compare.

Installs what it needs (scripts/setup kernel).  No hardware virtualisation
is required.  A run's figures are in RUN/kernel.json.

Exit status: 0: nothing speaks against a fix; 1: something does, or the lane
failed; 2: bad input; 3: nothing does, but a part has shown nothing (no control,
no valid trial, a hook without a place); 77: check, packages are missing.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(1, str(ROOT))
sys.dont_write_bytecode = True

import fixes  # noqa: E402
import lane  # noqa: E402
import modules  # noqa: E402
import table  # noqa: E402
import verdict  # noqa: E402
from bench.output import closed  # noqa: E402
from common import Failure, only_one, say  # noqa: E402

COMMANDS = {
    "patch": "print a fix as a mailable diff",
    "build": "one module per fix and kind",
    "run": "repair storms, fixes in ABBA order within a boot",
    "verify": "the widened storm, then crashes and write errors: who loses data",
    "assert": "the widened storm with XFS's assertions on: whose fire, and where",
    "cost": "instructions per lookup, counted by the emulator",
    "hunt": "everything at once on 8 processors, short of memory and log: who hangs",
    "check": "one storm, crash and failed write of none and --fix (the stock fix)",
    "all": "build, run, verify, assert, cost, and unless --quick hunt",
}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/kernel",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {k:8}{v}" for k, v in COMMANDS.items()),
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("name", nargs="?", help="patch: the fix, or NAME=FILE")
    parser.add_argument(
        "--fix", action="append", metavar="NAME[=FILE]", help="repeatable; a .patch or .cocci"
    )
    parser.add_argument(
        "--scenario", action="append", metavar="NAME", help="only this storm or trial; repeatable"
    )
    parser.add_argument(
        "--until",
        type=int,
        default=0,
        metavar="N",
        help="go on with each storm until none has misqueued N blocks and every fix that waits has"
        f" waited N times, or for {lane.UNTIL_SECONDS // 60} minutes",
    )
    parser.add_argument("--quick", action="store_true", help="main fixes, few and short")
    parser.add_argument("--out", type=Path, metavar="RUN", help="the run's folder; resumes it")
    parser.add_argument(
        "--model", type=Path, metavar="RUN", help="of scripts/run, to compare; default: the newest"
    )
    parser.add_argument("--json", action="store_true", help="print kernel.json, no table")
    parser.add_argument("--accel", choices=["tcg", "kvm"], default="", help="do not try, take this")
    there = len(os.sched_getaffinity(0))
    parser.add_argument(
        "--cpus",
        type=int,
        default=min(2, there),
        metavar="N",
        help="of a guest (default: %(default)s); 8: on 4 nodes",
    )
    return parser.parse_args()


def main() -> int:
    args = parse()
    if args.command == "patch":
        return patch(args)
    if args.name:
        raise Failure(f"{args.name}: one fix too many: use --fix {args.name}", 2)
    if args.scenario and args.command not in ("run", "verify", "all"):
        raise Failure(f"{args.command}: has no --scenario: use it with run, verify or all", 2)
    if args.until and args.command not in ("run", "verify", "all"):
        raise Failure(f"{args.command}: has no --until: use it with run, verify or all", 2)
    if args.command == "check":
        if why := lane.unable():
            print(f"skipped: {why}")
            return 77
    else:
        subprocess.run([ROOT / "scripts" / "setup", "kernel"], check=True)
    with only_one():
        return carry_out(args)


def patch(args: argparse.Namespace) -> int:
    if not args.name:
        raise Failure("patch: which fix? give its name or NAME=FILE", 2)
    fix = fixes.find(args.name)
    if not fixes.ready():
        subprocess.run([ROOT / "scripts" / "setup", "kernel"], check=True)
    print(fixes.mail(fix), end="")
    return 0


def beside_the_model(run: Path, model: Path | None) -> str:
    """The same scenarios in the model, and intervals: scripts/report's part."""
    try:
        from bench.report import Refused, kernel, load
    except ImportError as missing:
        return f"\nintervals and the model beside it: {missing}: run scripts/setup report\n"
    if not model:
        runs = sorted((ROOT / "results").glob("*/block-0001.json"), key=os.path.getmtime)
        model = runs[-1].parent if runs else None
    try:
        data = kernel.load_kernel(run)
        return "\n" + kernel.beside(data, load.load_run(model) if model else None)
    except Refused as why:
        return f"\nthe model beside it: {why}\n"


# The modules that a command builds, if not all kinds.
BUILT = {
    "run": ("probe",),
    "verify": ("probe",),
    "hunt": ("probe",),
    "assert": ("assert",),
    "cost": ("cost",),
}


def carry_out(args: argparse.Namespace) -> int:
    check = args.command == "check"
    chosen = lane.need_fixes(args.fix, args.quick, check)
    with contextlib.ExitStack() as kept:
        run = args.out or ROOT / "results" / time.strftime("kernel-%Y%m%dT%H%M%SZ", time.gmtime())
        if check and not args.out:
            run = Path(kept.enter_context(tempfile.TemporaryDirectory()))
        this = lane.Lane(
            run,
            chosen,
            args.quick or check,
            accelerator=args.accel or ("tcg" if check else ""),
            processors=args.cpus,
            until=args.until,
        )
        if args.scenario:
            this.only(args.scenario)
        if check:
            lane.check(this)
        else:
            carry_out_steps(args, this)
        if args.command == "build":
            return 0
        status = report(this, args)
        if not (check or args.json):
            print(beside_the_model(run, args.model), end="")
        if not check or args.out:
            say(f"results: {this.file}")
        return status


def carry_out_steps(args: argparse.Namespace, this: lane.Lane) -> None:
    def has(*commands: str) -> bool:
        return args.command in (*commands, "all")

    this.build(BUILT.get(args.command, modules.KINDS))
    if has("run"):
        this.storms([name for name in lane.STORMS if name != "assert"])
    if args.command == "verify":
        this.storms(["widened"])
    if has("verify"):
        this.trials()
    if has("assert"):
        this.storms(["assert"])
    if has("cost"):
        this.cost()
    if args.command == "hunt" or (args.command == "all" and not args.quick):
        this.hunt()


def report(this: lane.Lane, args: argparse.Namespace) -> int:
    print(this.file.read_text() if args.json else table.render(this.data), end="")
    if verdict.findings(this.data):
        return 1
    return 3 if verdict.unshown(this.data) else 0


if __name__ == "__main__":
    # No guest survives its run.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(closed(main, "scripts/kernel"))
    except Failure as failure:
        say(f"scripts/kernel: {failure}")
        sys.exit(failure.status)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    except KeyboardInterrupt:
        say("scripts/kernel: stopped; --out with the same folder goes on from its last boot")
        sys.exit(130)
