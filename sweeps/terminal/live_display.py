"""The live display of a sweep on a terminal: states, hypervolume, time left, and the front so far."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dfkd_core.base.printable import printable
from dfkd_core.base.progress import Progress
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.terminal.display import Display, SweepView

STYLES = {
    TrialState.COMPLETE: "green",
    TrialState.PRUNED: "yellow",
    TrialState.INFEASIBLE: "magenta",
    TrialState.FAILED: "red",
    TrialState.RUNNING: "cyan",
}
MAX_ROWS = 12


def is_terminal() -> bool:
    """True when somebody is watching."""
    return sys.stdout.isatty()


class LiveDisplay(Display):
    """Redraws a small table in place."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        self._live = Live(console=self.console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    @contextmanager
    def preparing(self) -> Iterator[Progress]:
        """A bar for each part."""
        with bars(self.console) as show:
            yield show

    def note(self, line: str) -> None:
        """Print it above the table."""
        self.console.print(Text(printable(line)))

    def update(self, view: SweepView) -> None:
        """Redraw."""
        self._live.update(Group(headline(view), front_rows(view)))

    def finished(self, view: SweepView, name: str, record: TrialRecord) -> None:
        """Leave a line behind for a trial that failed; the others show in the table."""
        if record.state is TrialState.FAILED:
            self.console.print(Text(printable(f"{name} failed: {record.reason}"), style="red"))


@contextmanager
def bars(console: Console | None = None, *, keeps_done: bool = True) -> Iterator[Progress]:
    """A function (what, done, total) that draws a bar for each `what`, with the time that is left.

    `keeps_done`: those that are full stay, else they make room.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with RichProgress(*columns, console=console) as drawn:
        tasks = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = drawn.add_task(what, total=total)
            drawn.update(tasks[what], completed=done, total=total)
            if done >= total and not keeps_done:
                drawn.remove_task(tasks.pop(what))

        yield show


def headline(view: SweepView) -> RenderableType:
    """Name, progress bar, states, hypervolume and time left."""
    shown = [(f"{count} {state.lower()}  ", STYLES.get(state, "")) for state, count in view.counts.items() if count]
    line = Table.grid(padding=(0, 2))
    line.add_row(
        Text(view.name, style="bold"),
        ProgressBar(total=1.0, completed=view.share, width=24),
        Text(view.progress),
        Text.assemble(*shown),
        Text(f"hypervolume {view.hypervolume:.4g}"),
        Text(time_left(view), style="dim"),
    )
    return line


def front_rows(view: SweepView) -> RenderableType:
    """The front so far, one row a point."""
    table = Table(box=None, header_style="dim", padding=(0, 2))
    table.add_column("trial", justify="right")
    for objective in view.objectives:
        table.add_column(objective.metric, justify="right")
    for record in view.front()[:MAX_ROWS]:
        table.add_row(str(record.number), *(f"{record.metrics[o.metric]:,.6g}" for o in view.objectives))
    return table


def time_left(view: SweepView) -> str:
    """How long the rest takes when it goes on as before."""
    if math.isnan(view.left_s):
        return "time left: after the first trial"
    minutes = view.left_s / 60
    return f"about {minutes:.0f} min left" if minutes >= 1 else "less than a minute left"
