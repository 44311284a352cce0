# SPDX-License-Identifier: GPL-2.0-only
"""Paths, errors and the running of programs for the real-kernel lane."""

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXES = ROOT / "impl" / "linux"
HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("BUILD_DIR") or ROOT / "build").resolve() / "kernel"
SOURCE = "linux-source-6.12"


class Failure(Exception):
    """One line for the user; status 2: his input, 1: everything else."""

    def __init__(self, message: str, status: int = 1):
        super().__init__(message)
        self.status = status


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def run(
    command: list[str], log: Path | None = None, **options
) -> subprocess.CompletedProcess:
    """Run to the end; both outputs are in .stdout, and added to @log."""
    result = subprocess.run(
        command,
        stdin=options.pop("stdin", subprocess.DEVNULL),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        **options,
    )
    if log:
        with log.open("a") as f:
            f.write("$ " + " ".join(command) + "\n" + result.stdout)
    return result


def write_if_changed(path: Path, data: bytes) -> bool:
    """Leave the time stamp alone, which make looks at, if nothing changes."""
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(data)
    os.replace(temporary, path)
    return True


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold build/kernel alone: trees, guests' archives, everything in it."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{BUILD} is in use by another run: waiting for it to end")
            fcntl.flock(f, fcntl.LOCK_EX)
        yield
