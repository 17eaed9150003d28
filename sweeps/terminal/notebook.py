"""A sweep in a notebook: one output that is drawn anew while it works."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from importlib import import_module
from typing import Any

from dfkd_core.base.progress import Progress
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.terminal.display import Display, SweepView
from sweeps.terminal.live_display import time_left

INTERVAL_S = 1.0  # between two drawings


def display_here() -> Display:
    """What a library call shows: its progress in a notebook, nothing elsewhere."""
    # a script, a plain interpreter and IPython on a terminal have no kernel
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return NotebookDisplay() if getattr(shell, "kernel", None) is not None else Display()


class NotebookDisplay(Display):
    """Shows preparation, then counts, best values and failures."""

    def __init__(self) -> None:
        self._output: Any = None
        self._drawn_s = 0.0
        self._failures: list[str] = []

    @contextmanager
    def preparing(self) -> Iterator[Progress]:
        """A line a part."""
        parts: dict[str, str] = {}

        def show(what: str, done: int, total: int) -> None:
            parts[what] = f"{what}: {done}/{total}"
            self._draw(list(parts.values()), force=done >= total)

        yield show

    def update(self, view: SweepView) -> None:
        """Draw the present state."""
        counts = ", ".join(f"{count} {state.lower()}" for state, count in view.counts.items() if count)
        front = view.front()
        best = [
            f"{o.metric} {min((r.metrics[o.metric] for r in front), key=o.cost):.5g}" for o in view.objectives if front
        ]
        lines = [
            f"{view.name}: {view.progress.replace('/', ' of ')} trials; {counts}",
            f"hypervolume {view.hypervolume:.5g}; best so far: {', '.join(best) or 'none yet'}",
            time_left(view),
        ]
        self._draw([*lines, *self._failures], force=view.num_finished == view.num_trials)

    def finished(self, view: SweepView, name: str, record: TrialRecord) -> None:
        """Keep why a trial failed."""
        if record.state is TrialState.FAILED:
            self._failures.append(f"{name} failed: {record.reason}")

    def _draw(self, lines: list[str], *, force: bool) -> None:
        if not force and time.monotonic() - self._drawn_s < INTERVAL_S:
            return
        ipython: Any = import_module("IPython.display")
        self._drawn_s = time.monotonic()
        shown = ipython.HTML("<br>".join(escape(line) for line in lines))
        if self._output is None:
            self._output = ipython.display(shown, display_id=True)
        else:
            self._output.update(shown)
