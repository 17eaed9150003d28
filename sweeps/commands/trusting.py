"""What whoever sits at a terminal is asked: whether a folder's own code is trusted, and whether the cost is right."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dfkd_core.base.printable import printable
from dfkd_core.errors import ConfigError, DataError
from sweeps.commands.options import display

if TYPE_CHECKING:
    from sweeps.definition.spec import SweepSpec


def ask_once(folder: Path, yes: bool, *, runs_code: bool = True) -> None:
    """A folder may come from somebody else: what it names is run, and logged in to, only when the user agrees.

    Ask on a terminal, unless it was agreed before or `--yes` says so; a tracker without agreement gets no login.
    """
    from sweeps.record.sweep_folder import SweepFolder
    from sweeps.tracking.addresses import resolve_tracking_uri
    from sweeps.tracking.credentials import trust_tracker, withheld

    sweep = SweepFolder(folder)
    uri = resolve_tracking_uri(sweep.path, sweep.spec().storage.tracking_uri)
    sweep_id = sweep.note()["sweep_id"]
    if yes:
        trust_tracker(sweep_id, uri)
    if kept := withheld(sweep_id, uri):
        typer.echo(f"{uri} is named by {folder} alone: {', '.join(kept)} is not sent there; --yes trusts it", err=True)
    if runs_code and (code := sweep.foreign_code()):
        asks = sys.stdin.isatty() and sys.stdout.isatty()
        question = f"{folder} names code that will run here, {' and '.join(code)}. Do you trust it?"
        if yes or (asks and typer.confirm(printable(question))):
            sweep.agree_to_code()


def ask_for_cost(spec: SweepSpec, address: str | None, *, runs_elsewhere: bool = False) -> None:
    """Of a sweep with a price: show the plan, and begin only with consent; what it reads may lie elsewhere alone."""
    from sweeps.engine.driving.plan import plan_sweep

    if spec.resources.price_per_hour is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    try:
        typer.echo(plan_sweep(spec, display=display(), address=address).text())
    except (ConfigError, DataError) as error:
        if not runs_elsewhere:
            raise
        typer.echo(f"no plan can be made here: {error}")
    typer.confirm("Begin?", abort=True)
