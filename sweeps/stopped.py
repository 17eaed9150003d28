"""A sweep that ended before its budget."""

from __future__ import annotations

import shlex
from pathlib import Path

from dfkd_core.errors import DFKDError


class SweepStopped(DFKDError):
    """`state` is failed or interrupted; the message ends with the command that goes on."""

    def __init__(
        self, state: str, reason: str, folder: Path, *, what: str = "sweep", command: str = "sweep resume"
    ) -> None:
        remedy = f"go on with `dfkd {command} {shlex.quote(str(folder))}`"
        super().__init__(f"{folder}: {what} {state}: {reason}; {remedy}")
        self.state, self.reason, self.folder = state, reason, folder
