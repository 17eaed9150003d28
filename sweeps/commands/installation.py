"""`dfkd doctor`: the installation, as a person asks about it."""

from __future__ import annotations

import typer


def doctor() -> None:
    """Show what is installed, which device, and which settings are in force and where each comes from."""
    from sweeps.terminal.doctor import report

    typer.echo(report())
