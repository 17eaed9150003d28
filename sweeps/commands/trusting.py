"""A sweep folder may come from somebody else: what it names is run, and logged in to, only when the user agrees."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from dfkd_core.base.printable import printable


def ask_once(folder: Path, yes: bool, *, runs_code: bool = True) -> None:
    """Ask on a terminal, unless it was agreed before or `--yes` says so; a tracker without agreement gets no login."""
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
