"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from dfkd_core.base.progress import Progress
from dfkd_core.base.yaml_files import parse_yaml
from dfkd_core.errors import ConfigError
from sweeps.engine.display import Display

SweepDir = Annotated[Path, typer.Argument(help="a sweep folder, such as runs/demo")]
SweepFile = Annotated[Path, typer.Argument(help="a sweep file")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="where to write")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY.PATH=VALUE", help="a value that beats the file's")]
Address = Annotated[
    str | None, typer.Option(help="a Ray cluster: auto or HOST:PORT (default RAY_ADDRESS, else this machine)")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
Bounds = list[str] | None


def settings(options: list[str] | None) -> dict[str, Any]:
    """`--set key.path=value` options as a mapping; values are YAML."""
    return {key: parse_yaml(value, "--set") for key, value in _pairs(options, "--set")}


def bounds(options: Bounds, flag: str) -> dict[str, float]:
    """`--max metric=value` options as a mapping of numbers."""
    found = {}
    for metric, text in _pairs(options, flag):
        value = parse_yaml(text, flag)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ConfigError(f"must be a number, but got {text!r}", key=f"{flag} {metric}")
        found[metric] = float(value)
    return found


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """How far work is: bars on a terminal, a line for each finished part elsewhere."""
    from sweeps.engine.display import PlainDisplay
    from sweeps.engine.live_display import is_terminal
    from sweeps.terminal.bars import bars

    if not is_terminal():
        yield PlainDisplay().progress
        return
    with bars() as show:
        yield show


def display() -> Display:
    """A live display on a terminal, plain lines elsewhere."""
    from sweeps.engine.display import PlainDisplay
    from sweeps.engine.live_display import LiveDisplay, is_terminal

    return LiveDisplay() if is_terminal() else PlainDisplay()


def _pairs(options: list[str] | None, flag: str) -> list[tuple[str, str]]:
    pairs = []
    for option in options or []:
        key, equals, value = option.partition("=")
        if not key or not equals:
            raise ConfigError(f"must read NAME=VALUE, but got {option!r}", key=flag)
        pairs.append((key.strip(), value))
    return pairs
