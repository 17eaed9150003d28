"""The live display of a sweep on a terminal: states, hypervolume, time left, and the front so far."""

from __future__ import annotations

import sys
import time
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dfkd_core.base.printable import printable
from sweeps.engine.conductor import Conductor
from sweeps.engine.display import Display
from sweeps.engine.front_updates import FrontUpdates
from sweeps.record.trials import TrialState
from sweeps.tracking.run_key import label

STYLES = {"COMPLETE": "green", "PRUNED": "yellow", "INFEASIBLE": "magenta", "FAILED": "red", "RUNNING": "cyan"}
MAX_ROWS = 12
FRONT_INTERVAL_S = 2.0


def is_terminal() -> bool:
    """True when somebody is watching."""
    return sys.stdout.isatty()


class LiveDisplay(Display):
    """Redraws a small table in place."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        self._live = Live(console=self.console, refresh_per_second=4, transient=True)
        self._front: RenderableType = Text("")
        self._front_at = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def progress(self, what: str, done: int, total: int) -> None:
        """Show how preparation gets on, on one line."""
        if self.console.is_terminal:
            end = "\n" if done >= total else ""
            self.console.print(f"\r{what}: {done}/{total}   ", end=end, highlight=False)

    def update(self, conductor: Conductor, updates: FrontUpdates, spent_s: float) -> None:
        """Redraw."""
        if time.monotonic() - self._front_at > FRONT_INTERVAL_S:
            self._front, self._front_at = front_table(updates), time.monotonic()
        self._live.update(Group(headline(conductor, updates, spent_s), self._front))

    def finished(self, conductor: Conductor, updates: FrontUpdates, number: int, state: TrialState) -> None:
        """Leave a line behind for a trial that failed; the others show in the table."""
        if state is TrialState.FAILED:
            name = label(conductor.run_of(number))
            self.console.print(Text(printable(f"{name} failed: {conductor.ledger.record(number).reason}"), style="red"))


def headline(conductor: Conductor, updates: FrontUpdates, spent_s: float) -> RenderableType:
    """Name, progress bar, states, hypervolume and time left."""
    done, total = conductor.counts.total(), conductor.spec.budget.trials
    line = Table.grid(padding=(0, 2))
    bar = ProgressBar(total=total, completed=done, width=24)
    line.add_row(
        Text(conductor.spec.name, style="bold"),
        bar,
        Text(f"{done}/{total}"),
        _states(conductor),
        Text(f"hypervolume {updates.hypervolume:.4g}"),
        Text(_time_left(spent_s, done, total), style="dim"),
    )
    return line


def front_table(updates: FrontUpdates) -> RenderableType:
    """The front so far, one row a point."""
    front = updates.present()
    table = Table(box=None, header_style="dim", padding=(0, 2))
    table.add_column("trial", justify="right")
    for objective in front.objectives:
        table.add_column(objective.metric, justify="right")
    for point in front.points[:MAX_ROWS]:
        table.add_row(str(point.trial), *(f"{point.values[o.metric]:,.6g}" for o in front.objectives))
    return table


def _states(conductor: Conductor) -> Text:
    counts = {str(state): number for state, number in conductor.counts.items()}
    counts["RUNNING"] = sum(a.started is not None for a in conductor.live.values())
    shown = [(f"{number} {state.lower()}  ", STYLES.get(state, "")) for state, number in counts.items() if number]
    return Text.assemble(*shown)


def _time_left(spent_s: float, done: int, total: int) -> str:
    if not done:
        return "time left: after the first trial"
    minutes = spent_s / done * (total - done) / 60
    return f"about {minutes:.0f} min left" if minutes >= 1 else "less than a minute left"
