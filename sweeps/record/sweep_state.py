"""What can be said of a sweep as a whole, and the error of one that ended before its budget."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path

from dfkd_core.errors import DFKDError


class SweepState(StrEnum):
    """A sweep without a driver is in the state that its last driver left it in; one whose driver died left none."""

    RUNNING = "running"
    FINISHED = "finished"  # the budget is used up
    INTERRUPTED = "interrupted"  # trials are left
    FAILED = "failed"  # given up, with a reason


class SweepStopped(DFKDError):
    """`state` is failed or interrupted; the message ends with the command that goes on."""

    def __init__(
        self, state: SweepState, reason: str, folder: Path, *, what: str = "sweep", command: str = "sweep resume"
    ) -> None:
        remedy = f"go on with `dfkd {command} {shlex.quote(str(folder))}`"
        super().__init__(f"{folder}: {what} {state}: {reason}; {remedy}")
        self.state, self.reason, self.folder = state, reason, folder
