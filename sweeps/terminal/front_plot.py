"""A front drawn in characters: the first minimised objective across, another one up."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dfkd_core.base.printable import printable
from sweeps.definition.objectives import Objective, across_and_up
from sweeps.fronts.choose import knee_of
from sweeps.fronts.front import Front, FrontPoint

POINT, KNEE, LINE = "o", "K", "·"
MIN_WIDTH, MIN_HEIGHT = 24, 8


def front_plot(front: Front, width: int, height: int) -> str:
    """Text of `height` lines and at most `width` columns; empty when there is nothing to draw or no room."""
    if len(front.objectives) < 2 or len(front.points) < 2 or width < MIN_WIDTH or height < MIN_HEIGHT:
        return ""
    across, up = across_and_up(front.objectives)
    margin = 8
    plot = _Grid(front.points, across, up, width - margin - 1, height - 3)
    plot.draw(front.points, knee_of(front), joined=len(front.objectives) == 2)
    lines = [
        printable(up.metric),
        *(f"{plot.row_label(row):>{margin}}|{''.join(cells)}" for row, cells in enumerate(plot.cells)),
    ]
    scale = ", log scale" if across.scale == "log" else ""
    left, right = (short_number(value) for value in plot.across_range)
    axis = f"{left}{right:>{plot.width - len(left)}}"
    return "\n".join([*lines, " " * (margin + 1) + axis, f"{printable(across.metric)}{scale}".rjust(width)])


def short_number(value: float) -> str:
    """At most six characters: 58.6k, 1.2M, 2.087."""
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= factor:
            return f"{value / factor:.3g}{unit}"
    return f"{value:.4g}"


class _Grid:
    """Characters (row, column) over the ranges of two objectives, each on its scale."""

    def __init__(self, points: Sequence[FrontPoint], across: Objective, up: Objective, width: int, height: int) -> None:
        self.width, self.height, self.across, self.up = width, height, across, up
        self.cells = [[" "] * width for _ in range(height)]
        self.across_range = _extent(points, across)
        self.up_range = _extent(points, up)

    def draw(self, points: Sequence[FrontPoint], knee: FrontPoint | None, *, joined: bool) -> None:
        """Put a mark where each point lies; joined points hold their level until the next one."""
        places = []
        for point in points:
            column = _share(point.values[self.across.metric], self.across_range, self.across, self.width)
            height = _share(point.values[self.up.metric], self.up_range, self.up, self.height)
            places.append((column, self.height - 1 - height, point is knee))
        places.sort()
        ends = [*(column for column, _, _ in places[1:]), self.width]
        for (column, row, _), end in zip(places, ends, strict=True):
            if joined:
                self.cells[row][column:end] = [LINE] * (end - column)
        for column, row, is_knee in sorted(places, key=lambda place: place[2]):
            self.cells[row][column] = KNEE if is_knee else POINT

    def row_label(self, row: int) -> str:
        """The value beside the top and the bottom row."""
        return {0: short_number(self.up_range[1]), self.height - 1: short_number(self.up_range[0])}.get(row, "")


def _extent(points: Sequence[FrontPoint], objective: Objective) -> tuple[float, float]:
    values = [point.values[objective.metric] for point in points]
    return min(values), max(values)


def _share(value: float, extent: tuple[float, float], objective: Objective, cells: int) -> int:
    """The cell of a value between the ends of its axis."""
    low, high, at = (math.log(v) if objective.scale == "log" and extent[0] > 0 else v for v in (*extent, value))
    return round((at - low) / ((high - low) or 1.0) * (cells - 1))
