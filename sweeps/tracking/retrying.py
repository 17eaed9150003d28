"""Calls that are repeated until they are answered, ever more slowly, for as long as somebody waits for them."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sweeps.tracking.credentials import scrub, secrets
from sweeps.tracking.mlflow_runs import UnreachableError
from sweeps.tracking.spool_state import HealthReport

_log = logging.getLogger(__name__)
_R = TypeVar("_R")


class Stopped(Exception):
    """The driver is gone and MLflow cannot be reached: what is left waits for the next driver."""


@dataclass(frozen=True)
class Patience:
    """How long delivery waits, in seconds."""

    first_retry_s: float = 0.2
    longest_retry_s: float = 15.0
    round_s: float = 1.0  # from one round to the next, so that a run's records are told together
    poll_s: float = 0.2
    save_s: float = 2.0  # between two advances of the cursor within a round
    alone_s: float = 60.0  # without a driver


class Retry:
    """Repeats what raises UnreachableError; writes down how it goes.

    `is_alone()` tells whether the driver is gone. Alone, a failure raises Stopped instead of being retried, and so
    does every call after `alone_s`.
    """

    def __init__(self, folder: Path, is_alone: Callable[[], bool], patience: Patience) -> None:
        self.is_alone, self._patience = is_alone, patience
        self._health = HealthReport(folder)
        self._hidden = secrets()
        self._alone_since_s: float | None = None

    def __call__(self, call: Callable[[], _R]) -> _R:
        """Return the call's answer; other exceptions, such as RefusedError, pass."""
        # Before a call, never after it: an answer that nobody keeps would have to be looked up again.
        if self.is_alone():
            self._alone_since_s = self._alone_since_s or time.monotonic()
            if time.monotonic() - self._alone_since_s > self._patience.alone_s:
                raise Stopped("the driver is gone and MLflow is slow")
        wait_s = self._patience.first_retry_s
        while True:
            try:
                answer = call()
            except UnreachableError as failure:
                what = str(scrub(str(failure), self._hidden))
                if self._health.trouble(what):
                    _log.warning("not delivered, retrying: %s", what)
                if self.is_alone():
                    raise Stopped(what) from failure
                self.pause(wait_s * random.uniform(0.7, 1.0))  # noqa: S311 - spreads retries, no secret
                wait_s = min(2 * wait_s, self._patience.longest_retry_s)
            else:
                if self._health.progress():
                    _log.info("delivering again")
                return answer

    def set_up(self, call: Callable[[], _R]) -> _R:
        """Return the answer of a call that asks no server, but may take minutes on a busy machine: it is said so."""
        self._health.setting_up()
        return self(call)

    def on_disk(self, write: Callable[[], None]) -> None:
        """Write a file of the spool, as often as a full disk makes it necessary."""

        def attempt() -> None:
            try:
                write()
            except OSError as error:
                raise UnreachableError(f"the spool cannot be written: {error}") from error

        self(attempt)

    def pause(self, seconds: float) -> None:
        """Sleep, but not longer than the driver lives."""
        end = time.monotonic() + seconds
        while not self.is_alone() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, self._patience.poll_s))
