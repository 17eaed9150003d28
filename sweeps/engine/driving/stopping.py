"""How a sweep is asked to stop: by a signal, or by a file that another terminal leaves in its folder."""

from __future__ import annotations

import shlex
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Self

from sweeps.record.driver_lock import live_holder
from sweeps.record.sweep_folder import SweepFolder

STOP_REQUEST = "stop.request"
WAIT_S = 600.0


class Interrupts:
    """While entered, the first signal calls `on_first`, to finish the epochs in flight; the next one ends at once.

    The latter raises KeyboardInterrupt. Signals are SIGINT, SIGTERM and SIGHUP (a closed terminal).
    """

    def __init__(self, on_first: Callable[[str], None]) -> None:
        self._on_first = on_first
        self._previous: dict[int, Any] = {}
        self.count = 0

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                    self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
        self._on_first(f"interrupted by {signal.Signals(number).name}")


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
