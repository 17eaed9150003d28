"""A sweep that has begun: its folder, what was asked for, and the ledger of what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from sweeps.definition.spec import SweepSpec
from sweeps.record.driver_lock import live_holder
from sweeps.record.ledger import Ledger
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.sweep_state import SweepState
from sweeps.record.trials import TrialRecord


@dataclass(frozen=True)
class Sweep:
    """An open sweep."""

    folder: SweepFolder
    spec: SweepSpec
    ledger: Ledger

    @classmethod
    def open(cls, path: str | Path, overrides: Mapping[str, Any] | None = None) -> Self:
        """The sweep in a folder, with changes on top of its spec.

        ConfigError: there is none. DFKDError: note or ledger are damaged.
        """
        folder = SweepFolder(path)
        spec = folder.spec(overrides)
        return cls(folder, spec, Ledger.open(folder.path, spec, folder.note()["sweep_id"]))

    def renamed(self, sweep_id: str) -> Sweep:
        """The same trials under an id of their own, as a copy needs it."""
        ledger = self.ledger.copied(sweep_id)
        self.folder.renote(sweep_id)
        return replace(self, ledger=ledger)

    @property
    def path(self) -> Path:
        """Its folder's absolute path."""
        return self.folder.path

    @property
    def state(self) -> SweepState:
        """Running while a driver is at work on it, else as the last driver left it."""
        return SweepState.RUNNING if live_holder(self.path) else self.ledger.state or SweepState.INTERRUPTED

    def records(self) -> list[TrialRecord]:
        """Every trial, by number; those that the driver at work has started are RUNNING."""
        holder = live_holder(self.path)
        return self.ledger.records(holder.session if holder else None)
