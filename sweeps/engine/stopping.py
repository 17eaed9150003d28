"""End a running sweep from another terminal."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

from sweeps.engine.watch import STOP_REQUEST
from sweeps.record.driver_lock import live_holder
from sweeps.record.sweep_folder import SweepFolder

WAIT_S = 600.0


def stop_sweep(path: str | Path) -> str:
    """Ask the driver to finish its epochs in flight, and wait until it has; returns what happened."""
    folder = SweepFolder(path)
    folder.require()
    holder = live_holder(folder.path)
    if holder is None:
        return f"{folder.path}: no driver is running"
    (folder.path / STOP_REQUEST).touch()
    deadline = time.monotonic() + WAIT_S
    while live_holder(folder.path) == holder and time.monotonic() < deadline:
        time.sleep(0.2)
    if live_holder(folder.path) == holder:
        return f"{folder.path}: asked process {holder.pid} on {holder.host} to stop; its epochs are still running"
    return f"{folder.path}: stopped; go on with `dfkd sweep resume {shlex.quote(str(folder.path))}`"
