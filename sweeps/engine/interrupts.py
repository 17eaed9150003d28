"""Ctrl-C and SIGTERM: the first finishes the epochs in flight, the second ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self


class Interrupts:
    """While entered, the first signal calls `on_first`, the next one raises KeyboardInterrupt."""

    def __init__(self, on_first: Callable[[str], None]) -> None:
        self._on_first = on_first
        self._previous: dict[int, Any] = {}
        self.count = 0

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
        self._on_first(f"interrupted by {signal.Signals(number).name}")
