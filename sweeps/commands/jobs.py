"""`dfkd sweep submit`, and what becomes of submitted sweeps: their drivers live on the cluster."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dfkd_core.base.printable import printable
from sweeps.commands.options import Set, SweepFile
from sweeps.commands.settings import sweep_settings
from sweeps.commands.trusting import ask_for_cost

Dashboard = Annotated[str, typer.Option("--address", help="the cluster's dashboard: http://HOST:8265")]
MaybeDashboard = Annotated[
    str | None, typer.Option("--address", help="of a submitted sweep, by name or job: the dashboard, http://HOST:8265")
]
INTERRUPTED = 130
WATCH_S, LINES_SHOWN = 5.0, 12


def submit(
    file: SweepFile,
    address: Dashboard,
    out: Annotated[str, typer.Option("--out", "-o", help="the sweep folder, as the cluster's nodes see it")],
    set_: Set = None,
    tree: Annotated[
        Path | None, typer.Option(help="send this working tree and run it, instead of what the cluster has installed")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="submit without a question about the cost")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="show the driver's lines; Ctrl-C ends that alone")] = False,
) -> None:
    """Run a sweep, or go on with it, as a job of a Ray cluster: this machine may be switched off."""
    from cluster.jobs import Cluster
    from sweeps.definition.spec import SweepSpec
    from sweeps.engine.driving.checking import complete
    from sweeps.engine.driving.preparing import default_workload

    spec = complete(SweepSpec.load(file, sweep_settings(set_)), default_workload())
    jobs = Cluster(address)
    if not yes:
        ask_for_cost(spec, address, runs_elsewhere=True)
    job = jobs.submit(spec.name, spec.model_dump(mode="json"), out, tree, typer.echo)
    more = f"{job.sweep} --address {shlex.quote(address)}"
    typer.echo(f"{job.job_id}: submitted; dfkd sweep status {more} shows it, dfkd sweep stop {more} stops it")
    typer.echo(f"dashboard {jobs.page(job)}")
    if not follow:
        return
    try:
        job = jobs.follow(job, lambda text: typer.echo(printable(text, keep="\n\t"), nl=False))
    except KeyboardInterrupt:
        typer.echo(f"no longer followed; the job goes on: dfkd sweep status {more}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"{job}  {job.message}".rstrip())
    raise typer.Exit(job.exit_status)


def stop_job(name: str, address: str) -> None:
    """Let a job finish its epochs in flight."""
    from cluster.jobs import STOP_WAIT_S, Cluster

    job = Cluster(address).stop(name)
    if job.is_over:
        typer.echo(f"{job.job_id}: is over already: {job.status.lower()}")
    else:
        typer.echo(f"{job.job_id}: asked to stop; its epochs in flight have {STOP_WAIT_S} s to end")


def show_job(name: str, address: str, as_json: bool) -> None:
    """The state of a job, and where Ray's dashboard shows it."""
    from cluster.jobs import Cluster

    jobs = Cluster(address)
    job = jobs.job(name)
    if as_json:
        typer.echo(json.dumps({**asdict(job), "dashboard": jobs.page(job)}))
    else:
        typer.echo(f"{printable(f'{job}  {job.message}'.rstrip())}\ndashboard {jobs.page(job)}")


def watch_job(name: str, address: str) -> None:
    """Show a job's state and its driver's last lines again and again until it ends; exits with its status."""
    from rich.live import Live
    from rich.text import Text

    from cluster.jobs import Cluster

    jobs = Cluster(address)
    with Live(auto_refresh=False) as live:
        while True:
            job = jobs.job(name)
            lines = [
                f"{job}  {job.message}".rstrip(),
                f"dashboard {jobs.page(job)}",
                *jobs.last_lines(job, LINES_SHOWN),
            ]
            live.update(Text("\n".join(map(printable, lines))), refresh=True)
            if job.is_over:
                raise typer.Exit(job.exit_status)
            time.sleep(WATCH_S)


def list_jobs(address: str) -> None:
    """Every submitted sweep that the cluster remembers, newest first."""
    from cluster.jobs import Cluster

    lines = [printable(str(job)) for job in Cluster(address).jobs()]
    typer.echo("\n".join(lines) or f"{address}: no sweeps were submitted")
