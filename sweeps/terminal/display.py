"""A sweep at work as its user sees it: a table on a terminal, plain lines elsewhere, nothing for a library call."""

from __future__ import annotations

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
    num_trials: int  # the budget
    counts: Mapping[TrialState, int]  # of the trials that have ended, and of those at work
    hypervolume: float
    front: Callable[[], Sequence[TrialRecord]]  # so far, in its order; put into it for who asks
    spent_s: float

    @property
    def num_finished(self) -> int:
        """Trials that have ended."""
        return sum(count for state, count in self.counts.items() if state.is_finished)


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
        say(f"[{view.num_finished}/{view.num_trials}] {name} {record.state}  {line}  {tail}")


def say(line: str) -> None:
    """Print one line; when nobody reads any more (`| head`), this line and all later output is dropped."""
    try:
        print(line, flush=True)  # noqa: T201 - this is the display
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
