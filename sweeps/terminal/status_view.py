"""A sweep's state, and lists of sweeps, for people."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from dfkd_core.base.documents import typed_path
from dfkd_core.errors import ConfigError, DFKDError
from sweeps.definition.spec import Budget
from sweeps.record.sweep_folder import SPEC
from sweeps.record.sweep_state import SweepState
from sweeps.record.trials import FINAL_STATES
from sweeps.record.usage import usage_text
from sweeps.terminal.status import sweep_status


def status_text(status: dict[str, Any]) -> str:
    """The state in a few lines."""
    budget, tracker = status["budget"], status["mlflow"]
    trials = (
        ", ".join(f"{number} {state.lower()}" for state, number in status["trials"].items() if number) or "none yet"
    )
    best = ", ".join(f"{name} {one['value']:.5g} (trial {one['trial']})" for name, one in status["best"].items())
    left = f", about {budget['left_s'] / 60:.0f} min left" if "left_s" in budget else ""
    expected = f", about {budget['expected_trials']} trials in all" if "expected_trials" in budget else ""
    lines = [
        f"{status['name']}: {status['state']}",
        f"trials       {trials}; budget {budget_text(budget)}{expected}",
        f"hypervolume  {status['hypervolume']:.6g}",
        f"best so far  {best or 'no complete trial yet'}",
        f"worked on    {budget['spent_s'] / 60:.1f} min{left}",
        f"used         {usage_text(status['usage'])}",
        f"MLflow       {tracker['tracking_uri'] or 'nothing delivered yet'}, {tracker['undelivered']} undelivered",
    ]
    if kept_out := status.get("kept_out"):
        nodes = "1 node gets" if len(kept_out) == 1 else f"{len(kept_out)} nodes get"
        lines.append(f"kept out     {nodes} no trials: {'; '.join(kept_out)}")
    if served := status.get("served"):
        num_nodes, num_bytes = len({one["node"] for one in served}), sum(one["num_bytes"] for one in served)
        nodes, seconds = "1 node" if num_nodes == 1 else f"{num_nodes} nodes", sum(one["seconds"] for one in served)
        lines.append(f"sent         {num_bytes / 1e6:,.1f} MB that {nodes} lacked, in {seconds:.0f} s of theirs")
    if dashboard := status.get("dashboard"):
        lines.append(f"dashboard    {dashboard}")
    if files := tracker.get("set_aside"):
        lines.append(f"set aside    {len(files)} files that MLflow could not store: {tracker['set_aside_because']}")
    return "\n".join(lines)


def budget_text(budget: dict[str, Any]) -> str:
    """A status's budget in words."""
    return str(Budget(**{key: budget[key] for key in Budget.model_fields}))


def watch_status(folder: str | Path, interval_s: float = 2.0) -> None:
    """Show the state again and again until the sweep is no longer running."""
    with Live(console=Console(), auto_refresh=False) as live:
        while True:
            status = sweep_status(folder)
            live.update(status_text(status), refresh=True)
            if status["state"] != SweepState.RUNNING:
                return
            time.sleep(interval_s)


def list_text(root: str | Path | None = None) -> str:
    """One line for each sweep below `root` (default: runs), or for the one that it is; ConfigError for no folder."""
    place = typed_path(root or "runs")
    if (root is not None or os.path.lexists(place)) and not place.is_dir():
        raise ConfigError("must be a folder that holds sweep folders; check the path", file=place)
    folders = sorted(path.parent for pattern in (SPEC, f"*/{SPEC}") for path in place.glob(pattern))
    return "\n".join(map(_line, folders)) or f"{place}: no sweeps"


def _line(folder: Path) -> str:
    try:
        status = sweep_status(folder)
    except DFKDError as error:
        return f"{folder}  {error}"
    finished = sum(status["trials"][state] for state in FINAL_STATES)
    due = status["budget"]["trials"]
    return (
        f"{folder}  {status['state']}  {finished}{'' if due is None else f'/{due}'} trials  "
        f"hypervolume {status['hypervolume']:.6g}"
    )
