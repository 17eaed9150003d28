"""`dfkd sweep ...`: plan, run, resume, status, stop, list, sync."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sweeps.commands.options import Address, AsJson, Out, Set, SweepDir, SweepFile, Yes, display
from sweeps.commands.settings import sweep_settings
from sweeps.commands.trusting import ask_once

app = typer.Typer(no_args_is_help=True, help="Launch, follow and resume sweeps.")


@app.command()
def plan(file: SweepFile, set_: Set = None) -> None:
    """Dry run: sizes of sampled students, share that breaks a constraint, time; trains nothing."""
    from sweeps.definition.spec import SweepSpec
    from sweeps.engine.driving.plan import plan_sweep

    typer.echo(plan_sweep(SweepSpec.load(file, sweep_settings(set_)), display=display()).text())


@app.command()
def run(file: SweepFile, out: Out = None, set_: Set = None, address: Address = None) -> None:
    """Run a new sweep."""
    from sweeps.definition.spec import SweepSpec
    from sweeps.engine.driving.run import run_sweep
    from sweeps.terminal.summary import show_summary

    spec = SweepSpec.load(file, sweep_settings(set_))
    folder = out or Path("runs") / spec.name
    run_sweep(spec, out=folder, address=address, display=display())
    show_summary(folder)


@app.command()
def resume(folder: SweepDir, set_: Set = None, address: Address = None, yes: Yes = False) -> None:
    """Go on with a sweep, extend it, deliver what is owed, or find nothing to do."""
    from sweeps.engine.driving.run import resume_sweep
    from sweeps.terminal.summary import show_summary

    ask_once(folder, yes)
    resume_sweep(folder, address=address, overrides=sweep_settings(set_), display=display())
    show_summary(folder)


@app.command()
def status(
    folder: SweepDir, as_json: AsJson = False, watch: Annotated[bool, typer.Option(help="go on showing")] = False
) -> None:
    """Show a sweep's state, from its folder alone."""
    from sweeps.terminal.status import sweep_status
    from sweeps.terminal.status_view import status_text, watch_status

    if watch:
        watch_status(folder)
    elif as_json:
        typer.echo(json.dumps(sweep_status(folder)))
    else:
        typer.echo(status_text(sweep_status(folder)))


@app.command()
def stop(folder: SweepDir) -> None:
    """Let a running sweep finish its epochs in flight and end."""
    from sweeps.engine.driving.stopping import stop_sweep

    typer.echo(stop_sweep(folder))


@app.command("list")
def list_(root: Annotated[Path, typer.Argument(help="the folder that holds sweep folders")] = Path("runs")) -> None:
    """List the sweeps of a folder."""
    from sweeps.terminal.status_view import list_text

    typer.echo(list_text(root))


@app.command()
def sync(folder: SweepDir, yes: Yes = False) -> None:
    """Deliver what MLflow is owed."""
    from sweeps.engine.driving.run import sync_sweep
    from sweeps.tracking.delivery import set_aside, trouble

    ask_once(folder, yes, runs_code=False)
    left = sync_sweep(folder)
    files, why = set_aside(folder)
    if left:
        typer.echo(f"{left} records are still owed: {trouble(folder) or 'MLflow does not answer'}")
    elif files:
        typer.echo(f"MLflow has everything but {len(files)} files ({', '.join(files)}), which it cannot store: {why}")
    else:
        typer.echo("MLflow has everything")
    raise typer.Exit(1 if left or files else 0)
