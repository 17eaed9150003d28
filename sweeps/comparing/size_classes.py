"""Classes of size, and which of several fronts offers the most in each.

A class runs from one edge to the next: thirds of a decade (at 1, 2 and 5) or, where those would be many, decades. What
a front offers in a class is its best value among all points up to the class's upper edge: a smaller model that is
better than what others have in the class wins there, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sweeps.definition.objectives import Objective
from sweeps.fronts.choose import decade_objective
from sweeps.fronts.front import Front

MOST_THIRDS = 9  # more classes than that, and they are decades
MANTISSAS = (1.0, 2.0, 5.0)

Values = NDArray[np.float64]


@dataclass(frozen=True)
class SizeClass:
    """Sizes from `low` up to, but not including, `high`."""

    low: float
    high: float


@dataclass(frozen=True)
class Contest:
    """What each front offers in a class (None: nothing so small), who offers most (None: equal), in how many draws."""

    size: SizeClass
    best: tuple[float | None, ...]
    winner: int | None
    share: float | None  # None without draws


def size_and_judge(front: Front) -> tuple[Objective, Objective] | None:
    """The objective that is cut into classes and the first other one, which decides in them; None without either."""
    size = decade_objective(front)
    judge = next((o for o in front.objectives if size and o.metric != size.metric), None)
    return (size, judge) if size and judge else None


def contests(fronts: Sequence[Front], draws: Sequence[Values] | None) -> list[Contest]:
    """Every class that holds a point of a front; draws: costs (draw, point, objective) of each front."""
    chosen = size_and_judge(fronts[0])
    if chosen is None:
        return []
    size, judge = chosen
    sizes = [np.array([point.values[size.metric] for point in front.points]) for front in fronts]
    classes = size_classes([float(value) for row in sizes for value in row])
    column = fronts[0].objectives.index(judge)
    measured = [np.array(front.costs())[:, column] for front in fronts]
    offers = np.stack([offered(costs, s, classes) for costs, s in zip(measured, sizes, strict=True)], axis=1)
    if draws is None:
        return [_contest(c, row, judge, None) for c, row in zip(classes, offers, strict=True)]
    drawn = [offered(draw[:, :, column], s, classes) for draw, s in zip(draws, sizes, strict=True)]
    again = np.stack(drawn, axis=1)  # (class, front, draw)
    return [_contest(c, row, judge, _share(row, draw)) for c, row, draw in zip(classes, offers, again, strict=True)]


def size_classes(sizes: Sequence[float]) -> list[SizeClass]:
    """The classes that hold at least one of the sizes, smallest first; a size of 0 is in none."""
    thirds = _occupied(sizes, MANTISSAS)
    return thirds if len(thirds) <= MOST_THIRDS else _occupied(sizes, MANTISSAS[:1])


def offered(costs: Values, sizes: Values, classes: Sequence[SizeClass]) -> Values:
    """The least cost up to each class's upper edge, (class, ...) for costs (..., point); inf: nothing is that small."""
    rows = [np.where(sizes < c.high, costs, np.inf).min(axis=-1, initial=np.inf) for c in classes]
    return np.stack(rows) if rows else np.empty((0, *costs.shape[:-1]))


def winner(offers: Values) -> int | None:
    """Index of the one least cost (front,); None when it is shared."""
    holders = np.flatnonzero(offers == offers.min())
    return int(holders[0]) if len(holders) == 1 else None


def _share(offers: Values, drawn: Values) -> float | None:
    """The share of the draws (front, draw) that the winner of the offers (front,) wins."""
    first = winner(offers)
    return None if first is None else float((drawn[first] < np.delete(drawn, first, axis=0).min(axis=0)).mean())


def _contest(size: SizeClass, offers: Values, judge: Objective, share: float | None) -> Contest:
    best = tuple(judge.value(float(cost)) if np.isfinite(cost) else None for cost in offers)
    return Contest(size, best, winner(offers), share)


def _occupied(sizes: Sequence[float], mantissas: Sequence[float]) -> list[SizeClass]:
    positive = [size for size in sizes if size > 0]
    if not positive:
        return []
    powers = range(math.floor(math.log10(min(positive))), math.floor(math.log10(max(positive))) + 3)
    edges = [float(f"{mantissa:g}e{power}") for power in powers for mantissa in mantissas]
    classes = [SizeClass(low, high) for low, high in pairwise(edges)]
    return [c for c in classes if any(c.low <= size < c.high for size in positive)]
