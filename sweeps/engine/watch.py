"""What the driver looks after while trials run: lock, clock, stop requests, fronts, delivery and display."""

from __future__ import annotations

import time

from sweeps.engine.conductor import Conductor
from sweeps.engine.display import Display
from sweeps.engine.front_updates import FrontUpdates
from sweeps.record.driver_lock import DriverLock
from sweeps.record.trials import TrialState
from sweeps.tracking.delivery import DeliveryHandle

STOP_REQUEST = "stop.request"
NOTE_TIME_S = 10.0


class Watch:
    """Called a few times a second by the driver, between Tune's events."""

    def __init__(
        self, conductor: Conductor, updates: FrontUpdates, lock: DriverLock, delivery: DeliveryHandle, display: Display
    ) -> None:
        self.conductor, self.updates, self.lock = conductor, updates, lock
        self.delivery, self.display = delivery, display
        self._request = conductor.home / STOP_REQUEST
        self._spent_before_s: float = conductor.ledger.attrs().get("spent_s", 0.0)
        self._started = self._noted = time.monotonic()

    @property
    def spent_s(self) -> float:
        """Time that drivers have worked on this sweep, resumes included."""
        return self._spent_before_s + time.monotonic() - self._started

    def __call__(self) -> None:
        """Look around once."""
        self.lock.check()
        if self._request.exists():
            self.conductor.stop("stopped by request")
            self._request.unlink(missing_ok=True)
        hours = self.conductor.spec.budget.hours
        self.conductor.closed = hours is not None and self.spent_s > 3600 * hours
        if time.monotonic() - self._noted > NOTE_TIME_S:
            self.note_time()
        self.updates.refresh()
        self.delivery.keep_alive()
        self.display.update(self.conductor, self.updates, self.spent_s)

    def finished(self, number: int, state: TrialState) -> None:
        """A trial has ended."""
        self.updates.finished(number, state)
        self.display.finished(self.conductor, self.updates, number, state)

    def note_time(self) -> None:
        """Write down how long the sweep has been worked on."""
        self._noted = time.monotonic()
        self.conductor.ledger.set_attr("spent_s", round(self.spent_s, 1))
