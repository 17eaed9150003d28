"""What the ledger says about a trial, as types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class TrialState(StrEnum):
    """Every trial ends in exactly one of the first four."""

    COMPLETE = "COMPLETE"  # all epochs, every objective finite, constraints met
    PRUNED = "PRUNED"  # stopped early by the scheduler
    FAILED = "FAILED"  # with a reason
    INFEASIBLE = "INFEASIBLE"  # breaks a constraint; a static one costs no training
    RUNNING = "RUNNING"
    WAITING = "WAITING"

    @property
    def is_finished(self) -> bool:
        """True for the four final states."""
        return self not in (TrialState.RUNNING, TrialState.WAITING)


FINAL_STATES = tuple(state for state in TrialState if state.is_finished)


@dataclass(frozen=True)
class TrialRecord:
    """One trial as the ledger knows it; `metrics` and `epochs` are those of its last finished epoch."""

    number: int
    state: TrialState
    params: Mapping[str, Any] = field(default_factory=dict)  # searched values by key path
    metrics: Mapping[str, float] = field(default_factory=dict)  # objectives among them
    epochs: int = 0
    fidelity: float = 0.0  # epochs / epochs_per_trial
    reason: str | None = None  # of a FAILED or INFEASIBLE trial
    started: float | None = None  # seconds since 1970
    finished: float | None = None

    def __post_init__(self) -> None:
        """TypeError for what is no metric, no text or no time: a record may have been edited, or be damaged."""
        numbers = {**self.metrics, "started": self.started, "finished": self.finished}
        for name, value in numbers.items():
            optional = value is None and name not in self.metrics
            if not optional and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise TypeError(f"{name} must be a number, but is {value!r}")
        if not isinstance(self.reason, str | None):
            raise TypeError(f"reason must be text, but is {self.reason!r}")
