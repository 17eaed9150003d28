"""What draws of the points' scores say about a front: who is on it, and who cannot be told from whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dfkd_core.scoring.confidence import interval
from sweeps import pareto

Array = NDArray[np.float64]


def front_probability(costs: Array) -> Array:
    """Share (point,) of the draws in which a point is on the front; costs are (draw, point, objective)."""
    return np.asarray(np.mean([pareto.non_dominated(draw) for draw in costs], axis=0))


def alike(draws: Sequence[Array], num_points: int) -> NDArray[np.bool_]:
    """Pairs (point, point) that no metric tells apart; per metric draws are (draw, point).

    A metric tells two points apart when the 95 % interval of their difference leaves zero out. Without a metric
    nothing is alike.
    """
    if not draws:
        return np.zeros((num_points, num_points), dtype=np.bool_)
    low, high = (np.array(bounds) for bounds in zip(*(_differences(values) for values in draws), strict=True))
    same = np.asarray(((low <= 0) & (high >= 0)).all(axis=0))
    np.fill_diagonal(same, False)
    return same


def smallest_difference(draws: Array) -> float | None:
    """Half the width of the 95 % interval of a difference between two points, the median over pairs.

    None for a single point. Two points whose means lie further apart are told apart, half of all pairs considered.
    """
    low, high = _differences(draws)
    pairs = np.triu_indices(draws.shape[1], k=1)
    return float(np.median((high - low)[pairs]) / 2) if len(pairs[0]) else None


def _differences(draws: Array) -> tuple[Array, Array]:
    """Bounds (point, point) of the 95 % interval of the first point's value less the second's."""
    rows = [interval(draws[:, [point]] - draws) for point in range(draws.shape[1])]
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
