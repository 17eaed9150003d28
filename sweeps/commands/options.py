"""Options that several commands share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from dfkd_core.base.progress import Progress
from dfkd_core.errors import ConfigError
from sweeps.terminal.display import Display

SweepDir = Annotated[Path, typer.Argument(help="a sweep folder, such as runs/demo")]
SweepFile = Annotated[Path, typer.Argument(help="a sweep file")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="where to write")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY.PATH=VALUE", help="a value that beats the file's")]
Address = Annotated[
    str | None, typer.Option(help="a Ray cluster: auto or HOST:PORT (default RAY_ADDRESS, else this machine)")
]
Yes = Annotated[
    bool, typer.Option("--yes", help="trust the folder: its own workload may run, its tracker may get credentials")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
Limits = list[str] | None


SUFFIXES = {"k": 1e3, "M": 1e6, "G": 1e9}


def bounds(options: Limits, flag: str) -> dict[str, float]:
    """`--max metric=value` options as a mapping of numbers; 60k, 1.5M and 0.3G are understood.

    Of several bounds on one metric the tightest holds.
    """
    found: dict[str, float] = {}
    tighter = min if flag == "--max" else max
    for metric, text in pairs(options, flag):
        value = number(text)
        if value is None:
            rule = f"must be a number, such as 60000, 60k or 0.3G, but got {text!r}"
            raise ConfigError(rule, key=f"{flag} {metric}")
        found[metric] = tighter(found.get(metric, value), value)
    return found


def number(text: str) -> float | None:
    """A finite number, with k, M or G behind it if you like; None for anything else."""
    digits, factor = text.strip(), 1.0
    if digits[-1:] in SUFFIXES:
        digits, factor = digits[:-1], SUFFIXES[digits[-1]]
    try:
        value = float(digits) * factor
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """How far work is: bars on a terminal, a line for each finished part elsewhere."""
    with display().preparing() as show:
        yield show


def display() -> Display:
    """A live display on a terminal, plain lines elsewhere."""
    from sweeps.terminal.display import PlainDisplay
    from sweeps.terminal.live_display import LiveDisplay, is_terminal

    return LiveDisplay() if is_terminal() else PlainDisplay()


def pairs(options: list[str] | None, flag: str) -> list[tuple[str, str]]:
    """NAME=VALUE options, taken apart at the first `=`."""
    found = []
    for option in options or []:
        key, equals, value = option.partition("=")
        if not key.strip() or not equals or key.rstrip()[-1] in "<>!":
            raise ConfigError(f"must read NAME=VALUE, but got {option!r}", key=flag)
        found.append((key.strip(), value))
    return found
