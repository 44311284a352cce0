# SPDX-License-Identifier: GPL-2.0-only
"""Text of at most 72 columns."""
from __future__ import annotations

import textwrap

COLUMNS = 72


def wrap(text: str, indent: str = "", first: str | None = None) -> list[str]:
    # Commands and paths are copied by hand: a hyphen is no place to break,
    # nor is any other if the next line has room.
    longest = max(map(len, text.split()), default=0)
    lines = textwrap.wrap(text.replace(" %", "\N{NO-BREAK SPACE}%"), COLUMNS,
                          subsequent_indent=indent,
                          initial_indent=indent if first is None else first,
                          break_on_hyphens=False,
                          break_long_words=longest > COLUMNS - len(indent))
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def command(text: str, indent: str = "    ") -> list[str]:
    """So that a shell takes it as it stands."""
    lines = textwrap.wrap(text, COLUMNS - 2, subsequent_indent=indent,
                          break_on_hyphens=False, break_long_words=False)
    return [line + " \\" for line in lines[:-1]] + lines[-1:]


def heading(title: str) -> list[str]:
    return ["", title, "-" * len(title)]


def pairs(items: list[tuple[str, str]], width: int = 26) -> list[str]:
    lines = []
    for name, value in items:
        fits = max(map(len, value.split()), default=0) <= COLUMNS - width
        lines += wrap(value, " " * (width if fits else 4),
                      f"{name:<{width - 1}} ")
    return lines
