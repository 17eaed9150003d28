"""How many trials wait ready for a worker: one, and one more for each place on the cluster that is free.

A worker takes seconds to start. Where one trial waits at a time, one worker starts at a time, and Tune drops it when
another worker is freed meanwhile and takes its trial: no more than a trial's time divided by a start's come to work.
"""

from __future__ import annotations

from collections.abc import Callable

LOOK_S = 1.0  # between looks at what is free
PATIENCE_S = 60.0  # after the last trial that was taken up: somebody else has the place


class Filling:
    """Places that are free are filled in rounds, as what Ray says to be free is seconds old."""

    def __init__(self, free_slots: Callable[[], int]) -> None:
        self._free_slots = free_slots
        self._left = 1  # of this round
        self._looks_s = self._ends_s = float("-inf")

    @property
    def is_filling(self) -> bool:
        """Whether workers are starting on places that were free."""
        return self._left > 1

    def begun(self, now: float) -> None:
        """A worker has taken a trial up."""
        self._left = max(1, self._left - 1)
        self._ends_s = now + PATIENCE_S

    def num_waiting(self, num_pending: int, now: float) -> int:
        """How many trials should wait, of which there are some already."""
        if now > self._ends_s:
            self._left = 1
        if not self.is_filling and num_pending <= 1 and now >= self._looks_s:
            self._looks_s = now + LOOK_S
            self._left = 1 + self._free_slots()
            self._ends_s = now + PATIENCE_S
        return self._left
