"""`dfkd doctor`, `schema` and `--version`: the installation, as a person or an editor asks about it."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer


def doctor() -> None:
    """Show what is installed, which device, and which settings are in force and where each comes from."""
    from sweeps.terminal.doctor import report

    typer.echo(report())


def schema(kind: Annotated[Literal["sweep", "config", "space"], typer.Argument(help="sweep, config or space")]) -> None:
    """Print a JSON schema, with which an editor completes and checks a YAML file."""
    from sweeps.definition.json_schema import json_schema

    typer.echo(json.dumps(json_schema(kind), indent=1))


def version(asked: bool) -> None:
    """Print the version and end."""
    if asked:
        from sweeps import __version__
        from sweeps.git_commit import git_commit

        commit = git_commit()
        typer.echo(f"dfkd {__version__}{f' ({commit})' if commit else ''}")
        raise typer.Exit
