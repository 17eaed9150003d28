"""A front as a notebook shows it: a small drawing beside a table, in HTML that needs nothing from elsewhere."""

from __future__ import annotations

import math
from html import escape

from sweeps.definition.objectives import Objective
from sweeps.fronts.front import Front, FrontPoint

WIDTH, HEIGHT, MARGIN = 420, 260, 46  # pixels


def front_html(front: Front) -> str:
    """The headline, the drawing of two objectives and the table of all of them with the searched values."""
    counted = ", ".join(f"{count} {state.lower()}" for state, count in front.trials.items() if count) or "no trials"
    headline = f"{len(front.points)} points, hypervolume {front.hypervolume:.5g}; {counted}"
    return f"<div><p><b>{escape(front.name)}</b>: {headline}</p>{_drawing(front)}{_table(front)}</div>"


def _table(front: Front) -> str:
    metrics = [objective.metric for objective in front.objectives]
    params = list(dict.fromkeys(key for point in front.points for key in point.params))
    names = "".join(f"<th>{escape(name)}</th>" for name in ["trial", *metrics, *params])
    rows = [
        [point.trial, *(f"{point.values[m]:.6g}" for m in metrics), *(point.params.get(key, "") for key in params)]
        for point in front.points
    ]
    cells = ["".join(f"<td>{escape(str(value))}</td>" for value in row) for row in rows]
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"


def _drawing(front: Front) -> str:
    """The first minimised objective across, another one up; empty where there are not two of each."""
    across = next((o for o in front.objectives if o.goal == "minimize"), front.objectives[0])
    up = next((o for o in front.objectives if o is not across), None)
    if up is None or len(front.points) < 2:
        return ""
    x, y = _places(front.points, across, WIDTH), _places(front.points, up, HEIGHT)
    dots = "".join(
        f'<circle cx="{a:.1f}" cy="{HEIGHT - b:.1f}" r="4" fill="#2563eb">'
        f"<title>trial {point.trial}: {escape(across.metric)} {point.values[across.metric]:.6g}, "
        f"{escape(up.metric)} {point.values[up.metric]:.6g}</title></circle>"
        for point, a, b in zip(front.points, x, y, strict=True)
    )
    low, high = MARGIN / 2, f"{WIDTH - MARGIN / 2:g}"
    frame = f'<path d="M{low} {low} V{HEIGHT - low} H{high}" fill="none" stroke="currentColor"/>'
    scale = " (log)" if across.scale == "log" else ""
    labels = (
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 4}" font-size="11" fill="currentColor" text-anchor="middle">'
        f"{escape(across.metric)}{scale}</text>"
        f'<text x="{low + 4}" y="14" font-size="11" fill="currentColor">{escape(up.metric)}</text>'
    )
    return f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="the front">{frame}{dots}{labels}</svg>'


def _places(points: tuple[FrontPoint, ...], objective: Objective, length: int) -> list[float]:
    """Pixels from the axis's low end, on the objective's scale."""
    values = [point.values[objective.metric] for point in points]
    scaled = [math.log(value) for value in values] if objective.scale == "log" and min(values) > 0 else values
    low, span = min(scaled), (max(scaled) - min(scaled)) or 1.0
    return [MARGIN + (value - low) / span * (length - 2 * MARGIN) for value in scaled]
