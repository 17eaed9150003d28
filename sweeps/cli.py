"""The command line: thin; every command is one call into the library."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dfkd_core.errors import ConfigError, DataError, DFKDError
from dfkd_core.yaml_files import parse_yaml

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Find the smallest speech enhancement model that is good enough.",
)
sweep_app = typer.Typer(no_args_is_help=True, help="Launch, follow and resume sweeps.")
app.add_typer(sweep_app, name="sweep")

Set = Annotated[list[str] | None, typer.Option("--set", help="key.path=value, beats the file")]


def overrides_of(settings: list[str] | None) -> dict[str, Any]:
    """`--set key.path=value` options as a mapping; values are YAML."""
    found: dict[str, Any] = {}
    for setting in settings or []:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise ConfigError(f"must read key.path=value, but got {setting!r}", key="--set")
        found[key] = parse_yaml(value, "--set")
    return found


@sweep_app.command("run")
def sweep_run(file: Path, out: Path | None = None, set_: Set = None, address: str | None = None) -> None:
    """Run a new sweep."""
    from sweeps.display import PlainDisplay
    from sweeps.run import run_sweep
    from sweeps.spec import SweepSpec

    run_sweep(SweepSpec.load(file, overrides_of(set_)), out=out, address=address, display=PlainDisplay())


@sweep_app.command("status")
def sweep_status_(folder: Path, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Show a sweep's state."""
    from sweeps.status import sweep_status

    print(json.dumps(sweep_status(folder)))


def main() -> None:
    """Run a command; the user's mistakes are one line and exit status 2, failures 1, interrupts 130."""
    try:
        app(standalone_mode=True)
    except (ConfigError, DataError) as error:
        print(f"dfkd: {error}", file=sys.stderr)
        sys.exit(2)
    except DFKDError as error:
        print(f"dfkd: {error}", file=sys.stderr)
        sys.exit(1)
