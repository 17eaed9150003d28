"""Why a trial's attempt ended badly, and what may be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FailureKind(StrEnum):
    """Kinds are counted apart: they say different things about the trial."""

    ERROR = "error"  # the workload's code raised: retried `max_retries` times
    OUT_OF_MEMORY = "out_of_memory"  # killed by the memory monitor: retried like an error
    LOST = "lost"  # the worker or its node went away: retried up to `max_lost_nodes`
    DIVERGED = "diverged"  # not finite: training again would do the same
    DISK_FULL = "disk_full"  # the sweep gives up, the trial waits for room
    TIMEOUT = "timeout"  # longer than `trial_timeout_s`


@dataclass(frozen=True)
class Failure:
    """One attempt's end, with a reason that a person can act on."""

    kind: FailureKind
    reason: str
