"""What is usual at a size: a running mean and spread of a learned cost over the costs known before training.

A model of (cost - mean) / spread shares what it learns about other settings across sizes: what is a small gain for a
large model may be a large one for a small model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BANDWIDTH = 0.12  # of the range of sizes
PRIOR = 2.0  # how many trials' worth the spread over all sizes is, at each size


class SizeTrend:
    """Mean and spread by size, from trials (trial, static objective) and what they cost (trial,)."""

    def __init__(self, sizes: Array, costs: Array) -> None:
        self._low = sizes.min(axis=0) if sizes.size else np.zeros(sizes.shape[1])
        self._span = np.maximum(np.ptp(sizes, axis=0), 1e-12) if sizes.size else np.ones(sizes.shape[1])
        self._sizes, self._costs = (sizes - self._low) / self._span, costs
        self._left = costs - _smooth(self._near(self._sizes), costs)
        self._usual = float(np.mean(self._left**2)) or 1.0

    def usual(self, sizes: Array) -> tuple[Array, Array]:
        """The usual cost (point,) at these sizes (point, static objective), and how far costs lie from it."""
        near = self._near((sizes - self._low) / self._span)
        spread = np.sqrt((near @ self._left**2 + PRIOR * self._usual) / (near.sum(axis=1) + PRIOR))
        return _smooth(near, self._costs), np.asarray(spread)

    def _near(self, places: Array) -> Array:
        square = np.zeros((len(places), len(self._sizes)))
        for place, size in zip(places.T, self._sizes.T, strict=True):
            square += (place[:, None] - size) ** 2
        return np.asarray(np.exp(-0.5 * square / BANDWIDTH**2))


def _smooth(near: Array, costs: Array) -> Array:
    """Means of costs (trial,) by how near each trial is (point, trial)."""
    near = near + 1e-9
    return np.asarray(near @ costs / near.sum(axis=1))
