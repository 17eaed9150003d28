"""Home against elsewhere: what each way gives by two judges, along its weight, and which ways nobody beats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.study.arms import Arm
from benchmarks.study.rows import Row

HOME = "val/pesq_wb"
PANELS = (  # student and its start, the other judge, its name
    ("dccrn 0.25", "sliced", "probe/abroad/pesq_wb", "abroad"),
    ("dccrn 0.25", "sliced", "probe/bench/pesq_wb", "the parent's corpus"),
    ("gtcrn 8", "sliced", "probe/abroad/pesq_wb", "abroad"),
    ("gtcrn 16", "whole", "probe/abroad/pesq_wb", "abroad"),
)
ALONG = ("tuning", "heavier", "public", "dial")  # parts that go through weights
OTHERWISE = ("rates", "reverse", "slices", "variants")  # parts that differ in more than the way
COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7b4173")


@dataclass(frozen=True)
class Point:
    """Means over the seeds of an arm."""

    way: str  # all of an arm but its weight
    weight: float | None
    is_along: bool  # of a part that goes through weights
    home: float
    other: float


def points(
    rows: Mapping[str, Row], entries: Sequence[tuple[str, Arm, int]], student: str, start: str, judge: str
) -> list[Point]:
    """What a student's arms of three epochs give, those through whose weights a part goes apart from the others."""
    found: dict[tuple[str, float | None, bool], list[tuple[float, float]]] = defaultdict(list)
    for part, arm, seed in entries:
        row = rows.get(arm.key(seed))
        is_asked = (arm.student, arm.start, arm.epochs) == (student, start, 3) and part not in OTHERWISE
        if row and is_asked and judge in row["epochs"][-1]:
            taught = "" if arm.teacher in ("no teacher", "own-dccrn") else f" from {arm.teacher}"
            way = f"{arm.method}{taught}{', PESQ term' if arm.pesq else ''}{arm.note and f', {arm.note}'}"
            scores = row["epochs"][-1][HOME], row["epochs"][-1][judge]
            found[way, arm.weight, part in ALONG and arm.weight is not None].append(scores)
    return [
        Point(way, weight, is_along, *map(float, np.mean(scores, axis=0)))
        for (way, weight, is_along), scores in found.items()
    ]


def unbeaten(given: Sequence[Point]) -> list[Point]:
    """Those that no other is at least level with by both judges."""
    return [p for p in given if not any(q is not p and q.home >= p.home and q.other >= p.other for q in given)]


def write_trade(rows: Mapping[str, Row], entries: Sequence[tuple[str, Arm, int]], path: Path) -> None:
    """A panel for each student and other judge that has rows: a line for each way, its unbeaten points filled."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawn = [(panel, found) for panel in PANELS if len(found := points(rows, entries, *panel[:3])) > 3]
    ways = dict.fromkeys(point.way for _, found in drawn for point in found)
    styles = {way: (COLOURS[n % len(COLOURS)], "os^Dv"[n // len(COLOURS)]) for n, way in enumerate(ways)}
    figure, panels = pyplot.subplots(1, len(drawn), figsize=(5.2 * len(drawn), 5.6), squeeze=False)
    for axes, ((student, start, _, name), found) in zip(panels.flat, drawn, strict=True):
        best = unbeaten(found)
        for way, (colour, marker) in styles.items():
            own = sorted((p for p in found if p.way == way and p.is_along), key=lambda p: p.weight or 0.0)
            axes.plot([p.home for p in own], [p.other for p in own], color=colour, linewidth=1)
            for point in (p for p in found if p.way == way):
                fill = colour if point in best else "white"
                size = 6 if point.is_along else 9
                axes.plot(point.home, point.other, marker, color=colour, markerfacecolor=fill, markersize=size)
                if point.weight is not None:
                    text, place = f"{point.weight:g}", (point.home, point.other)
                    axes.annotate(text, place, (4, 4), textcoords="offset points", size=7)
        axes.set(title=f"{student}, {start}", xlabel="PESQ-WB at home", ylabel=f"PESQ-WB, {name}")
    handles = [
        pyplot.Line2D([], [], color=colour, marker=marker, linewidth=0, label=way)
        for way, (colour, marker) in styles.items()
    ]
    figure.legend(handles=handles, loc="lower center", ncols=4, fontsize=8)
    figure.tight_layout(rect=(0, 0.04 + 0.03 * (len(handles) // 4), 1, 1))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
