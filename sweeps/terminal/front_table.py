"""A front on a terminal: a table beside a small drawing; plain text, json and csv for pipes."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Literal

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from dfkd_core.base.printable import printable
from sweeps.fronts.choose import choose_knee, knee_of
from sweeps.fronts.front import Front, FrontPoint
from sweeps.fronts.front_csv import inert, union
from sweeps.terminal.front_plot import front_plot, short_number
from sweeps.trust.trust_words import sentences, standing

PLOT_HEIGHT, MAX_PLOT_WIDTH, MIN_BESIDE = 18, 72, 40
GAP = 4
UNBOUNDED = 10_000


def show_front(front: Front, form: Literal["table", "json", "csv"], console: Console | None = None) -> None:
    """Print the front in one of its forms; colour and drawing appear on a terminal only."""
    target = console or Console()
    if form != "table":
        text = front.to_json() if form == "json" else points_csv(front)
        target.file.write(printable(text, keep="\n") if target.is_terminal else text)
    elif target.is_terminal:
        target.print(front_display(front, target.width))
    else:
        # a pipe has no width: nothing is folded or left out
        said = [Text(printable(line)) for line in [*_without_knee(front), *sentences(front), *_references(front)]]
        parts = [Text(printable(_headline(front))), front_table(front), *said]
        Console(file=target.file, width=UNBOUNDED).print(*parts, sep="\n")


def points_csv(front: Front) -> str:
    """The points of the front as CSV, one row each."""
    out = io.StringIO()
    params = _param_names(front)
    objectives = [objective.metric for objective in front.objectives]
    writer = csv.writer(out, lineterminator="\n")
    trust = list(dict.fromkeys(name for point in front.points for name in point.trust()))
    metrics = union(point.metrics for point in front.points)
    rows: list[list[Any]] = [["trial", *objectives, *trust, *params, *metrics, "fidelity", "run_id", "config"]]
    for point in front.points:
        values = [point.values[name] for name in objectives]
        searched = [point.params.get(name) for name in params]
        others = [point.metrics.get(name) for name in metrics]
        shown = [point.trust().get(name) for name in trust]
        rows.append([point.trial, *values, *shown, *searched, *others, point.fidelity, point.run_id, point.config])
    writer.writerows([inert(cell) for cell in row] for row in rows)
    return out.getvalue()


def front_display(front: Front, width: int) -> RenderableType:
    """The headline, the table and, where it fits, the drawing: beside the table, else under it."""
    headline = Text(printable(_headline(front)) + "\n")
    if not front.points:
        return headline
    params = _param_names(front)
    for shown in range(len(params), -1, -1):  # as many searched values as fit
        table = front_table(front, params[:shown])
        if _width(table) <= width:
            break
    missing = params[shown:]
    hidden = [f"\nNot shown for want of room: {', '.join(map(printable, missing))}\n"] if missing else []
    note = Text("\n".join([*hidden, *map(printable, _references(front))]), style="dim")
    note.append("".join(f"\n{printable(line)}" for line in [*_without_knee(front), *sentences(front)]))
    height = min(PLOT_HEIGHT, max(10, len(front.points) + 3))
    beside = width - _width(table) - GAP
    if beside < MIN_BESIDE:
        return Group(headline, table, note, Text(front_plot(front, min(width, MAX_PLOT_WIDTH), height)))
    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_row(table, Text(front_plot(front, min(beside, MAX_PLOT_WIDTH), height)))
    return Group(headline, grid, note)


def _width(table: Table) -> int:
    return Console(width=UNBOUNDED).measure(table).maximum


def front_table(front: Front, params: Sequence[str] | None = None) -> Table:
    """One row per point: trial, objectives, searched values (all of them unless named); a knee is marked."""
    searched = _param_names(front) if params is None else params
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ["trial", *(o.metric for o in front.objectives), *_trust_names(front), *searched]:
        # the last part of a key path on a line of its own, so that columns stay narrow
        parts, separator, leaf = printable(name).rpartition("/" if "/" in name else ".")
        table.add_column(Text(f"{parts}{separator}\n{leaf}"), justify="right", no_wrap=True)
    knee = knee_of(front)
    for point in front.points:
        cells = [f"knee {point.trial}" if point is knee else str(point.trial)]
        cells += [_number(point.values[objective.metric]) for objective in front.objectives]
        cells += _trust_cells(front, point)
        for value in (point.params.get(param, "") for param in searched):
            cells.append(short_number(value) if isinstance(value, float) else "" if value is None else str(value))
        table.add_row(*(Text(printable(cell)) for cell in cells), style="bold" if point is knee else "")
    return table


def _trust_names(front: Front) -> list[str]:
    """Columns of a front whose points were trained again."""
    return [*(f"{metric} mean" for metric in _noisy(front)), "on front"] if front.repeated else []


def _trust_cells(front: Front, point: FrontPoint) -> list[str]:
    """The mean of fresh seeds with half its 95 % interval, and the probability that the point is on the front."""
    if not front.repeated:
        return []
    if point.probability_on_front is None:
        return [""] * len(_trust_names(front))
    cells = []
    for metric in _noisy(front):
        if metric in point.mean and metric in point.interval:
            low, high = point.interval[metric]
            cells.append(f"{point.mean[metric]:.4g} \u00b1{(high - low) / 2:.2g}")
        else:
            cells.append("")
    return [*cells, f"{point.probability_on_front:.2f}"]


def _noisy(front: Front) -> list[str]:
    return list(dict.fromkeys(metric for point in front.repeated for metric in point.interval))


def _headline(front: Front) -> str:
    counted = ", ".join(f"{count} {state.lower()}" for state, count in front.trials.items() if count)
    points = "1 point" if len(front.points) == 1 else f"{len(front.points)} points"
    said = f"{front.name}: {points}, hypervolume {front.hypervolume:.5g}, {standing(front)}"
    return f"{said}; {counted or 'no trials yet'}"


def _without_knee(front: Front) -> list[str]:
    """That a front of several points has no knee, and which point `--knee` takes for it."""
    return [choose_knee(front).why] if len(front.points) > 1 and knee_of(front) is None else []


def _references(front: Front) -> list[str]:
    """A line for each model from elsewhere: its values of the objectives, as far as they were measured."""
    names = [objective.metric for objective in front.objectives]
    return [
        "  ".join(
            [f"for comparison: {model.name}", *(f"{n} {_number(model.values[n])}" for n in names if n in model.values)]
        )
        for model in front.references
    ]


def _param_names(front: Front) -> list[str]:
    return list(dict.fromkeys(name for point in front.points for name in point.params))


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if value == round(value) and abs(value) >= 1000 else f"{value:.5g}"
