# SPDX-License-Identifier: GPL-2.0-only
"""The command lines of scripts/compare and scripts/report."""
from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Callable

from bench.report import Refused, eligible, kernel, summary, text
from bench.report.compare import ALPHA, DELTA, Comparison, Options, compare
from bench.report.kernel import is_kernel_only, load_kernel
from bench.report.load import load_run
from bench.report.pace import Paced, load_pace

EXIT_VOID = 1
EXIT_REFUSED = 2


def share(word: str) -> float:
    """A share, given as such or in percent: 0.02 or 2%."""
    try:
        value = (float(word[:-1]) / 100 if word.endswith("%")
                 else float(word))
    except ValueError:
        value = -1
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(
            f"'{word}': give a share between 0 and 1, as 0.02 or 2%")
    return value


def parser(program: str, does: str) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog=f"scripts/{program}", description=does,
        epilog="Exit status: 0; 1 if an invariant broke in a run, so that it "
               "shows no timing verdict; 2 if the runs cannot be compared.")
    p.add_argument("runs", nargs="+", type=Path, metavar="RUN",
                   help="a folder that scripts/run has written")
    p.add_argument("--alpha", type=share, default=ALPHA,
                   help="chance of any false difference in the whole table "
                        "(default: %(default)s)")
    p.add_argument("--delta", type=share, default=DELTA,
                   help="differences up to it count as equivalent "
                        "(default: %(default)s)")
    p.add_argument("--across", action="append", default=[],
                   choices=list(eligible.CONFIGURATION),
                   help="runs may differ in this (repeatable)")
    p.add_argument("--exploratory", action="store_true",
                   help="accept too few blocks, one layout or an unfinished "
                        "run: figures, but no verdict")
    return p


def compared(args: argparse.Namespace) -> Comparison:
    options = Options(args.alpha, args.delta, args.exploratory,
                      frozenset(args.across))
    return compare([load_run(path) for path in args.runs], options)


def compare_main(argv: list[str]) -> int:
    args = parser("compare", "Compare the fixes of a run, or of the same run "
                             "on several machines: a verdict per row."
                  ).parse_args(argv)
    comparison = compared(args)
    sys.stdout.write(text.compare_text(comparison))
    return EXIT_VOID if comparison.void else 0


def folder_for(args: argparse.Namespace) -> Path:
    """Where the report goes; nothing is ever overwritten."""
    if args.out is None and len(args.runs) > 1:
        raise Refused("several runs: name a new folder for their report "
                      "with --out")
    folder = args.out or args.runs[0] / "report"
    if folder.exists():
        raise Refused(f"{folder} exists and would be overwritten: remove it, "
                      "or name another with --out")
    return folder


def write_all(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise Refused(f"cannot write {folder}: {error.strerror}; name "
                      "another folder with --out") from error
    for name in files:
        print(folder / name)


def only(found: list, what: str):
    """The one of its kind, or none."""
    if len(found) > 1:
        raise Refused(f"two runs of {what}: name one of them")
    return found[0] if found else None


def of_kernel(paths: list[Path]) -> tuple[dict | None, Paced | None]:
    """The run of scripts/kernel, and the model's at its pace."""
    runs = [(path, data) for path in paths if (data := load_kernel(path))]
    found = only(runs, "scripts/kernel")
    paced = only([p for p in map(load_pace, paths) if p], "scripts/pace")
    if paced and not found:
        raise Refused(f"{paced.path} is at the pace of the kernel's run "
                      f"{paced.kernel_run}: name that run's folder, too")
    if paced and paced.kernel_run != found[0].resolve().name:
        raise Refused(f"{paced.path} is at the pace of the kernel's run "
                      f"{paced.kernel_run}, not of {found[0]}: name that, or "
                      "run scripts/pace anew")
    return found[1] if found else None, paced


def report_main(argv: list[str]) -> int:
    p = parser("report", "Write report.txt, report.html and benchmark.json "
                         "on a run, or on several; kernel.txt on one of "
                         "scripts/kernel, beside the model's if one is "
                         "named, too, or what scripts/pace has written.")
    p.add_argument("--out", type=Path, metavar="FOLDER",
                   help="a folder to make (default: RUN/report)")
    args = p.parse_args(argv)
    folder = folder_for(args)
    of_the_kernel, paced = of_kernel(args.runs)
    args.runs = [path for path in args.runs if not is_kernel_only(path)]
    files, void = {}, False
    if args.runs:
        comparison = compared(args)
        void = comparison.void
        # matplotlib takes a second to load, and scripts/compare needs none.
        from bench.report import gbench, page
        files = {"report.txt": text.report_text(comparison, of_the_kernel),
                 "report.html": page.render(comparison, of_the_kernel)}
        if summary.one_machine(comparison):
            files["benchmark.json"] = gbench.dump(comparison)
    if of_the_kernel:
        files["kernel.txt"] = kernel.render(
            of_the_kernel, load_run(args.runs[0]) if args.runs else None,
            paced)
    write_all(folder, files)
    return EXIT_VOID if void else 0


PROGRAMS: dict[str, Callable[[list[str]], int]] = {
    "compare": compare_main, "report": report_main}


def run(program: str, argv: list[str]) -> int:
    try:
        return PROGRAMS[program](argv)
    except Refused as why:
        print(f"scripts/{program}: {why}", file=sys.stderr)
        return EXIT_REFUSED
