"""What of the spool is delivered, and under which ids: one small JSON file, replaced atomically."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from dfkd_core.base.documents import read_content
from sweeps.tracking.run_key import SWEEP, RunKey
from sweeps.tracking.spool import SPOOL

_STATE_FILE = "state.json"
_HEALTH_FILE = "health.json"


@dataclass
class DeliveryState:
    """The delivery's memory. `cursor`: the last delivered record. Runs are keyed by `RunKey.text`."""

    cursor: Annotated[int, Field(ge=0, lt=1 << 53)] = 0
    tracking_uri: str | None = None
    experiment_id: str | None = None
    name: str = ""
    experiment: str = ""
    sweep_id: str = ""  # or the model's
    folder: str = ""  # of a model: where it was when its run began
    root: str = SWEEP  # the folder's own run
    dataset: dict[str, str] | None = None
    runs: dict[str, str] = field(default_factory=dict)  # run ids
    states: dict[str, str] = field(default_factory=dict)  # last delivered state of each run
    unsure: list[str] = field(default_factory=list)  # created perhaps: to be looked up before being created
    doubles_possible: bool = False  # an answer to a create was lost
    num_rejected: int = 0
    # files not stored: path to run and artifact folder
    set_aside: dict[str, Annotated[list[str], Field(min_length=2, max_length=2)]] = field(default_factory=dict)
    set_aside_because: str = ""

    @classmethod
    def load(cls, folder: Path) -> DeliveryState:
        """Read the state of the sweep folder; a fresh one when there is none, or when it is damaged.

        What MLflow has already is found there again, then.
        """
        try:
            state = _STATE.validate_json(read_content(folder / SPOOL / _STATE_FILE), strict=True)
            aside = (key for key, _ in state.set_aside.values())
            for key in (state.root, *state.runs, *state.states, *state.unsure, *aside):
                RunKey.parse(key)
        except (OSError, ValueError):
            return cls()
        return state

    def forget_runs(self) -> None:
        """Start anew with another tracking store."""
        self.runs, self.states = {}, {}

    def save(self, folder: Path) -> None:
        """Replace the state on disk; after a power cut it is the old one or the new one."""
        _replace_json(folder / SPOOL / _STATE_FILE, asdict(self), durable=True)


@dataclass
class Health:
    """How delivery is doing, for other processes: when a call last succeeded, and what is in the way since when."""

    pid: int = 0
    progress_s: float = 0.0  # seconds since 1970
    trouble: str | None = None
    trouble_since_s: float | None = None
    setting_up: bool = False  # at work on this machine: loading MLflow, making its database

    @classmethod
    def load(cls, folder: Path) -> Health:
        """Read the health file of the sweep folder; nothing is known when it is damaged."""
        try:
            return _HEALTH.validate_json(read_content(folder / SPOOL / _HEALTH_FILE), strict=True)
        except (OSError, ValueError):
            return cls()

    def save(self, folder: Path) -> None:
        """Replace the health file."""
        _replace_json(folder / SPOOL / _HEALTH_FILE, asdict(self), durable=False)


_STATE, _HEALTH = TypeAdapter(DeliveryState), TypeAdapter(Health)


class HealthReport:
    """Writes `Health` when it changes, and at most once a second while all is well."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._health, self._saved_s = folder, Health(pid=os.getpid()), 0.0

    def progress(self) -> bool:
        """A call succeeded; True when none did before."""
        now = time.time()
        recovered, was_setting_up = self._health.trouble is not None, self._health.setting_up
        self._health = Health(self._health.pid, now)
        if recovered or was_setting_up or abs(now - self._saved_s) >= 1:
            self._save(now)
        return recovered

    def trouble(self, what: str) -> bool:
        """A call failed; True when this trouble is news."""
        news = self._health.trouble is None
        if what != self._health.trouble:
            self._health.trouble, self._health.setting_up = what, False
            self._health.trouble_since_s = self._health.trouble_since_s or time.time()
            self._save(time.time())
        return news

    def setting_up(self) -> None:
        """What comes now may take long without any progress; until a call has succeeded or failed."""
        self._health.setting_up = True
        self._save(time.time())

    def _save(self, now: float) -> None:
        self._saved_s = now
        with contextlib.suppress(OSError):  # a full disk is told of by the state file, whose save is not optional
            self._health.save(self._folder)


def _replace_json(path: Path, content: dict[str, Any], *, durable: bool) -> None:
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(json.dumps(content))
        if durable:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(path)
