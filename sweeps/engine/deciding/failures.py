"""Why a trial's attempt ended badly, and what may be done about it."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dfkd_core.errors import TrainingDiverged

if TYPE_CHECKING:  # loads torch, which a worker may do without
    from sweeps.definition.spec import Failures

MAX_DEATHS_IN_PLACE = 3  # lost workers in a row without an epoch in between
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_TEXTS = ("No space left on device", "Disk quota exceeded")  # what libraries make of them in errors of their own

_CODES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")  # ANSI's


class FailureKind(StrEnum):
    """Kinds are counted apart: they say different things about the trial."""

    ERROR = "error"  # the workload's code raised: retried `max_retries` times
    OUT_OF_MEMORY = "out_of_memory"  # killed by the memory monitor: retried like an error
    LOST = "lost"  # the worker or its node went away: retried up to `max_lost_nodes`
    DIVERGED = "diverged"  # not finite: training again would do the same
    DISK_FULL = "disk_full"  # the sweep gives up, the trial waits for room
    TIMEOUT = "timeout"  # longer than `trial_timeout_s`
    NODE_DIFFERS = "node_differs"  # it has not what the sweep began with: kept out, and the trial goes elsewhere


@dataclass(frozen=True)
class Failure:
    """One attempt's end, with a reason that a person can act on."""

    kind: FailureKind
    reason: str
    node: str = ""  # Ray's id of the node that differs


def may_retry(kind: FailureKind, epochs: Sequence[int], limits: Failures) -> bool:
    """Whether a trial is tried again after failures of one kind at these epochs, the last of them just now."""
    if kind in (FailureKind.ERROR, FailureKind.OUT_OF_MEMORY):
        return len(epochs) <= limits.max_retries
    if kind is not FailureKind.LOST or len(epochs) > limits.max_lost_nodes:
        return False
    return len(epochs) < MAX_DEATHS_IN_PLACE or len(set(epochs[-MAX_DEATHS_IN_PLACE:])) > 1


def in_words(text: str) -> str:
    """Any text as one line that every file, terminal and tracker takes: no colour codes, no bytes that are no text."""
    plain = _CODES.sub("", text).encode("utf-8", "backslashreplace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in plain).split())


def kind_of(error: Exception) -> FailureKind:
    """What kind of failure an exception in a worker is."""
    if is_disk_full(error):
        return FailureKind.DISK_FULL
    return FailureKind.DIVERGED if isinstance(error, TrainingDiverged) else FailureKind.ERROR


def is_disk_full(error: BaseException) -> bool:
    """True when a write failed for want of room: nobody's fault but the disk's, so it costs no trial its place."""
    number = error.errno if isinstance(error, OSError) else None
    return number in _FULL or any(text in str(error) for text in _FULL_TEXTS)
