"""`dfkd sweep ...`: plan, run, resume, submit, status, stop, list, sync."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from dfkd_core.errors import ConfigError
from sweeps.commands import jobs
from sweeps.commands.jobs import MaybeDashboard
from sweeps.commands.options import Address, AsJson, Out, Set, SweepDir, SweepFile, Yes, display
from sweeps.commands.settings import sweep_settings
from sweeps.commands.trusting import ask_for_cost, ask_once

app = typer.Typer(no_args_is_help=True, help="Launch, follow and resume sweeps.")


@app.command()
def plan(
    file: SweepFile,
    set_: Set = None,
    address: Address = None,
    against: Annotated[
        Path | None, typer.Option(help="a file of `dfkd cluster render`: plan on the nodes that it will ask for")
    ] = None,
) -> None:
    """Dry run: sizes of sampled students, share that breaks a constraint, time, cost; trains nothing.

    A cluster may be named by its dashboard, too: --address http://HOST:8265.
    """
    from sweeps.definition.spec import SweepSpec
    from sweeps.engine.driving.plan import plan_sweep

    if address and against:
        raise ConfigError(
            "must not stand beside --address; name the cluster or the file that makes one", key="--against"
        )
    spec = SweepSpec.load(file, sweep_settings(set_))
    typer.echo(plan_sweep(spec, display=display(), address=address, against=against).text())


@app.command()
def run(
    file: SweepFile,
    out: Out = None,
    set_: Set = None,
    address: Address = None,
    or_resume: Annotated[
        bool, typer.Option("--or-resume", help="go on where --out holds this sweep already, or find nothing to do")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="begin without a question; trust what the folder holds")] = False,
) -> None:
    """Run a new sweep; with `resources.price_per_hour` a terminal is told the cost, and asked, first."""
    from sweeps.definition.spec import SweepSpec
    from sweeps.engine.driving.run import run_or_resume, run_sweep
    from sweeps.record.sweep_folder import SweepFolder
    from sweeps.terminal.summary import show_summary

    spec = SweepSpec.load(file, sweep_settings(set_))
    folder = out or Path("runs") / spec.name
    if or_resume and SweepFolder(folder).is_sweep:
        ask_once(folder, yes)
    elif not yes:
        ask_for_cost(spec, address)
    (run_or_resume if or_resume else run_sweep)(spec, out=folder, address=address, display=display())
    show_summary(folder)


@app.command()
def resume(
    place: Annotated[str, typer.Argument(metavar="FOLDER", help="a sweep folder, or the URL of its copy in a store")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="where to bring what a URL names")] = None,
    set_: Set = None,
    address: Address = None,
    yes: Yes = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="try the values of failed trials again, as further trials")
    ] = False,
) -> None:
    """Go on with a sweep, extend it, deliver what is owed, or find nothing to do."""
    from sweeps.engine.driving.mirroring import fetched
    from sweeps.engine.driving.run import resume_sweep
    from sweeps.terminal.summary import show_summary

    folder = fetched(place, out)
    ask_once(folder, yes)
    overrides = sweep_settings(set_)
    resume_sweep(folder, address=address, overrides=overrides, display=display(), retry_failed=retry_failed)
    show_summary(folder)


app.command()(jobs.submit)


@app.command()
def status(
    folder: SweepDir,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option(help="go on showing")] = False,
    address: MaybeDashboard = None,
) -> None:
    """Show a sweep's state, from its folder alone; with --address that of a submitted sweep's job."""
    from sweeps.terminal.status import sweep_status
    from sweeps.terminal.status_view import status_text, watch_status

    if address and watch:
        jobs.watch_job(str(folder), address)
    elif address:
        jobs.show_job(str(folder), address, as_json)
    elif watch:
        watch_status(folder)
    elif as_json:
        typer.echo(json.dumps(sweep_status(folder)))
    else:
        typer.echo(status_text(sweep_status(folder)))


@app.command()
def stop(folder: SweepDir, address: MaybeDashboard = None) -> None:
    """Let a running sweep finish its epochs in flight and end."""
    from sweeps.engine.driving.stopping import stop_sweep

    if address:
        jobs.stop_job(str(folder), address)
    else:
        typer.echo(stop_sweep(folder))


@app.command("list")
def list_(
    root: Annotated[
        Path | None, typer.Argument(help="the folder that holds sweep folders", show_default="runs")
    ] = None,
    address: MaybeDashboard = None,
) -> None:
    """List the sweeps of a folder; with --address those submitted to a cluster."""
    from sweeps.terminal.status_view import list_text

    if address:
        jobs.list_jobs(address)
    else:
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
