"""A sweep as its user sees it: a live table on a terminal, plain lines elsewhere, nothing for a library call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from dfkd_core.base.printable import printable
from sweeps.record.trials import TrialState
from sweeps.tracking.run_key import label

if TYPE_CHECKING:  # the command line starts without torch and optuna
    from sweeps.engine.conductor import Conductor
    from sweeps.engine.front_updates import FrontUpdates


class Display:
    """Says nothing; the base of those that do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to put away."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Show how preparation gets on."""

    def update(self, conductor: Conductor, updates: FrontUpdates, spent_s: float) -> None:
        """Show the present state; called a few times a second."""

    def finished(self, conductor: Conductor, updates: FrontUpdates, number: int, state: TrialState) -> None:
        """Show that a trial has ended."""


class PlainDisplay(Display):
    """One line per finished trial."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Print a line when something is done."""
        if done >= total:
            say(f"{what}: {total} done")

    def finished(self, conductor: Conductor, updates: FrontUpdates, number: int, state: TrialState) -> None:
        """Print the trial's state, objectives and what the sweep has reached."""
        record = conductor.ledger.record(number)
        values = "  ".join(f"{o.metric} {_short(record.metrics.get(o.metric))}" for o in conductor.spec.objectives)
        done, total = conductor.counts.total(), conductor.spec.budget.trials
        name = label(conductor.run_of(number))
        tail = printable(record.reason or f"hypervolume {updates.hypervolume:.4g}")
        say(f"[{done}/{total}] {name} {state}  {values}  {tail}")


def say(line: str) -> None:
    """Print one line."""
    print(line, flush=True)  # noqa: T201 - this is the display


def _short(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}"
