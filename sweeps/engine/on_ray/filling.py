"""How many trials wait for a worker: those whose own is starting, one for each free place, and one more.

A worker takes seconds to start. Where one trial waits at a time, one worker starts at a time; and a worker that is
freed meanwhile takes that trial, at which Tune drops the one that starts. So no more come to work than a trial's time
divided by a start's. The one more is for workers that are freed: none waits for a trial, and none is dropped.
"""

from __future__ import annotations

from collections.abc import Callable

LOOK_S = 2.0  # between looks at what is free, which Ray itself knows a second late


class Filling:
    """Counts what is free between two looks by the workers that have got a place since."""

    def __init__(self, free_slots: Callable[[], int]) -> None:
        self._free_slots = free_slots
        self._looks_s = float("-inf")
        self._most = 0  # workers that have a place, once all are filled

    def num_waiting(self, num_starting: int, num_placed: int, now: float) -> int:
        """How many trials should wait, when so many workers have a place and so many of these are starting."""
        if now >= self._looks_s:
            self._looks_s = now + LOOK_S
            self._most = num_placed + self._free_slots()
        return num_starting + max(0, self._most - num_placed) + 1
