"""Dominated trials that a little luck would have put on the front."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from sweeps import pareto

NEAR = 0.1


def near_neighbours(costs: ArrayLike, measured: Sequence[bool]) -> list[int]:
    """Indices of the dominated points within NEAR of the front, nearest first, at most as many as the front has.

    The distance of a point c is the improvement of its measured objectives that frees it from every point f that
    dominates it, max over f of min over measured m of (c_m - f_m) / range_m, the range being that of all points.
    Objectives that are known before training (`measured` false) cannot improve by luck.
    """
    array = pareto.as_costs(costs)
    lucky = np.flatnonzero(measured)
    on_front = pareto.non_dominated(array)
    if not len(lucky) or on_front.all():
        return []
    span = np.ptp(array[:, lucky], axis=0)
    scaled = array[:, lucky] / np.where(span > 0, span, 1.0)
    distances = {}
    for index in np.flatnonzero(~on_front):
        beats = on_front & (array <= array[index]).all(axis=1)
        distances[int(index)] = float((scaled[index] - scaled[beats]).min(axis=1).max())
    near = sorted((distance, index) for index, distance in distances.items() if distance <= NEAR)
    return [index for _, index in near[: int(on_front.sum())]]
