"""A sweep at work as its user sees it: a table on a terminal, plain lines elsewhere, nothing for a library call."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from dfkd_core.base.printable import printable
from dfkd_core.base.progress import Progress, silent
from sweeps.definition.objectives import Objective
from sweeps.record.trials import TrialRecord, TrialState


@dataclass(frozen=True)
class SweepView:
    """A sweep at one moment: all that a display may know of it."""

    name: str
    objectives: tuple[Objective, ...]
    num_trials: int | None  # the budget, None where hours alone are
    counts: Mapping[TrialState, int]  # of the trials that have ended, and of those at work
    hypervolume: float
    front: Callable[[], Sequence[TrialRecord]]  # so far, in its order; put into it for who asks
    spent_s: float
    hours: float | None = None  # the budget's

    @property
    def num_finished(self) -> int:
        """Trials that have ended."""
        return sum(count for state, count in self.counts.items() if state.is_finished)

    @property
    def progress(self) -> str:
        """How many trials have ended, of how many or in how much time of how much."""
        if self.num_trials is not None:
            return f"{self.num_finished}/{self.num_trials}"
        return f"{self.num_finished}, {self.spent_s / 3600:.3g}/{self.hours:g} h"

    @property
    def share(self) -> float:
        """How much of the budget is used."""
        by_time = 0.0 if self.hours is None else self.spent_s / 3600 / self.hours
        return min(1.0, max(by_time, self.num_finished / self.num_trials if self.num_trials else 0.0))

    @property
    def left_s(self) -> float:
        """How long the rest takes when it goes on as before; NaN before the first trial has ended."""
        by_time = math.inf if self.hours is None else max(0.0, 3600 * self.hours - self.spent_s)
        if self.num_trials is None:
            return by_time
        done = self.num_finished
        return min(by_time, self.spent_s / done * (self.num_trials - done)) if done else math.nan


class Display:
    """Says nothing; the base of those that do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to put away."""

    @contextmanager
    def preparing(self) -> Iterator[Progress]:
        """While entered, preparation tells here how it gets on."""
        yield silent

    def note(self, line: str) -> None:
        """Say one thing before the work begins."""

    def update(self, view: SweepView) -> None:
        """Show the present state; called a few times a second."""

    def finished(self, view: SweepView, name: str, record: TrialRecord) -> None:
        """Show that a trial, known by `name`, has ended."""


class PlainDisplay(Display):
    """One line per finished trial."""

    @contextmanager
    def preparing(self) -> Iterator[Progress]:
        """Print a line when a part is done."""

        def show(what: str, done: int, total: int) -> None:
            if done >= total:
                say(f"{what}: {total} done")

        yield show

    def note(self, line: str) -> None:
        """Print it."""
        say(printable(line))

    def finished(self, view: SweepView, name: str, record: TrialRecord) -> None:
        """Print the trial's state, objectives and what the sweep has reached."""
        values = {o.metric: record.metrics.get(o.metric) for o in view.objectives}
        line = "  ".join(f"{metric} {'-' if value is None else f'{value:.4g}'}" for metric, value in values.items())
        tail = printable(record.reason or f"hypervolume {view.hypervolume:.4g}")
        say(f"[{view.progress}] {name} {record.state}  {line}  {tail}")


def say(line: str) -> None:
    """Print one line; when nobody reads any more (`| head`), this line and all later output is dropped."""
    try:
        print(line, flush=True)  # noqa: T201 - this is the display
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
