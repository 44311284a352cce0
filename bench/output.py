# SPDX-License-Identifier: GPL-2.0-only
"""How a script ends: what it printed has been written, or it has failed."""
from __future__ import annotations

import errno
import os
import sys
from typing import Callable

EXIT_LOST = 2
BUFFER = 1 << 20
# What fork() says.
LACKING = (errno.EAGAIN, errno.ENOMEM)


def closed(main: Callable[[], int | None], program: str) -> int:
    """main()'s exit status; another and a line if its output is lost.

    Who reads no further, as head(1), has had enough: that is no failure.
    """
    if not sys.stdout.isatty():
        # Written at the end: argparse says nothing of a write that fails.
        sys.stdout = open(sys.stdout.fileno(), "w", buffering=BUFFER,
                          encoding=sys.stdout.encoding, closefd=False)
    try:
        try:
            status = main()
        except SystemExit as end:       # as argparse does for --help
            status = end.code
            if isinstance(status, str):
                print(status, file=sys.stderr)
                status = 1
        sys.stdout.flush()
        return status or 0
    except BrokenPipeError:
        forget_output()
        return 0
    except OSError as error:
        if error.filename is not None:
            raise                       # of another file
        forget_output()
        if error.errno in LACKING:
            what = "cannot start a process, see ulimit -u"
        else:
            what = "cannot write the output"
        print(f"{program}: {what}: {error.strerror}", file=sys.stderr)
        return EXIT_LOST


def forget_output() -> None:
    """What is left of it cannot be written: Python would try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
