"""Expected gain in hypervolume, by scalarisations along random directions.

The hypervolume up to a reference r is, but for a constant, the mean over directions l (positive, of length 1) of

    max over points y of  (min_i (r_i - y_i) / l_i)_+ ^ num_objectives,

so the mean over directions of what a point would add there stands for what it adds to the volume, for any number of
objectives. Source: Zhang and Golovin, "Random hypervolume scalarizations for provable multi-objective black box
optimization", ICML 2020.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]
NUM_DIRECTIONS, NUM_DRAWS = 48, 8


def directions(num_objectives: int, rng: np.random.Generator, number: int = NUM_DIRECTIONS) -> Array:
    """Positive directions (direction, objective) of length 1; evenly spread where there are two objectives."""
    if num_objectives == 2:
        angle = (np.arange(number) + rng.random(number)) / number * np.pi / 2
        found = np.column_stack([np.cos(angle), np.sin(angle)])
    else:
        found = np.abs(rng.standard_normal((number, num_objectives)))
    return np.asarray(np.maximum(found / np.linalg.norm(found, axis=1, keepdims=True), 1e-3))


def heights(costs: Array, along: Array) -> Array:
    """(..., direction): how far along each direction the costs (..., objective), from a reference at 0, reach."""
    reach = -costs[..., 0, None] / along[:, 0]
    for objective in range(1, along.shape[1]):  # numpy's own minimum over an axis of two is four times as slow
        np.minimum(reach, -costs[..., objective, None] / along[:, objective], out=reach)
    return np.asarray(np.maximum(reach, 0.0) ** along.shape[1])


def expected_improvement(mean: Array, sd: Array, front: Array, along: Array, rng: np.random.Generator) -> Array:
    """(point,): mean gain of points with normal costs (point, objective), independent, over a front (point, objective).

    All costs are seen from the reference, which is 0; objectives with sd 0 are known.
    """
    best = heights(front, along).max(axis=0, initial=0.0)
    levels = ndtri((np.arange(NUM_DRAWS) + 0.5) / NUM_DRAWS)
    drawn = np.column_stack([rng.permutation(levels) for _ in range(mean.shape[1])])
    gains = [np.maximum(heights(mean + sd * z, along) - best, 0.0).mean(axis=1) for z in drawn]
    return np.asarray(np.mean(gains, axis=0))
