"""What the driver looks after while trials run: lock, clock, stop requests, fronts, delivery and display."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from sweeps.engine.deciding.conductor import Conductor
from sweeps.engine.driving.front_updates import FrontUpdates
from sweeps.engine.driving.mirroring import Mirroring
from sweeps.engine.driving.stopping import STOP_REQUEST
from sweeps.record.driver_lock import DriverLock
from sweeps.record.ledger import Ledger
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.record.usage import Usage
from sweeps.terminal.display import Display, SweepView
from sweeps.tracking.delivery import DeliveryHandle
from sweeps.tracking.run_key import label

NOTE_TIME_S = 10.0


class Watch:
    """Called a few times a second by the driver, between Tune's events, and at the end of every trial.

    `room` says for how many trials there is room on the nodes that are there.
    """

    def __init__(
        self,
        ledger: Ledger,
        lock: DriverLock,
        updates: FrontUpdates,
        delivery: DeliveryHandle,
        display: Display,
        room: Callable[[], int],
        mirroring: Mirroring | None = None,
    ) -> None:
        self._ledger, self._lock, self._updates = ledger, lock, updates
        self._delivery, self._display, self._mirroring = delivery, display, mirroring
        self._request = lock.folder / STOP_REQUEST
        self._spent_before_s: float = ledger.attrs().get("spent_s", 0.0)
        self._started = self._noted = self._looked = time.monotonic()
        self._find_room, self._room = room, room()
        self.usage = Usage.of(ledger)

    @property
    def spent_s(self) -> float:
        """Time that drivers have worked on this sweep, resumes included."""
        return self._spent_before_s + time.monotonic() - self._started

    def left_s(self) -> float:
        """What is left of the budget's hours; infinity where none are set."""
        hours = self._ledger.spec.budget.hours
        return math.inf if hours is None else 3600 * hours - self.spent_s

    def __call__(self, conductor: Conductor) -> None:
        """Look around once."""
        self._lock.check()
        if self._request.exists():
            conductor.stop("stopped by request")
            self._request.unlink(missing_ok=True)
        now, at_work = time.monotonic(), self._num_at_work(conductor)
        self.usage.add(now - self._looked, at_work, self._room)
        self._looked = now
        if now - self._noted > NOTE_TIME_S:
            self.note_time()
            self._room = self._find_room()
        self._updates.refresh()
        self._delivery.keep_alive()
        if self._mirroring is not None:
            self._mirroring.note(conductor.live)
        while conductor.notes:
            self._display.note(conductor.notes.popleft())
        self._display.update(self._view(conductor))

    def finished(self, conductor: Conductor, record: TrialRecord) -> None:
        """A trial has ended."""
        self._updates.finished(record)
        if self._mirroring is not None:
            self._mirroring.note([record.number])
        self._display.finished(self._view(conductor), label(conductor.run_of(record.number)), record)

    def note_time(self) -> None:
        """Write down how long the sweep has been worked on, and what its trials have used."""
        self._noted = time.monotonic()
        self._ledger.set_attr("spent_s", round(self.spent_s, 1))
        self.usage.note(self._ledger)

    def _num_at_work(self, conductor: Conductor) -> int:
        return sum(assignment.started is not None for assignment in conductor.live.values())

    def _view(self, conductor: Conductor) -> SweepView:
        return SweepView(
            name=conductor.spec.name,
            objectives=conductor.spec.objectives,
            num_trials=conductor.spec.budget.trials,
            hours=conductor.spec.budget.hours,
            counts={**conductor.counts, TrialState.RUNNING: self._num_at_work(conductor)},
            hypervolume=self._updates.hypervolume,
            front=lambda: self._updates.front,
            spent_s=self.spent_s,
        )
