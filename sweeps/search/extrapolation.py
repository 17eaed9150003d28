"""What a training that stands at some epoch will reach in the end, from those that have been there and went on.

    final - y_e  =  a + b (y_e - mean y_e) + c (y_e - y_{e/2}) + residual,

a ridge regression over the trials that have both epochs. Its prior knows nothing but that the trials ahead of it gained
about the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Curve = Mapping[int, float]  # epoch -> cost
PRIOR = 2.0  # how many trials' worth the prior on slopes and on the residual's variance is


def expected_finals(curves: Sequence[Curve], num_epochs: int) -> tuple[Array, Array]:
    """Mean and variance (trial,) of every trial's last cost; a finished one's is its own, without variance.

    A trial without any epoch has NaN, and so has every unfinished one while fewer than two have finished.
    """
    mean, variance = np.full(len(curves), np.nan), np.full(len(curves), np.nan)
    ended = [curve for curve in curves if num_epochs in curve]
    by_epoch: dict[int, list[int]] = {}
    for index, curve in enumerate(curves):
        last = max((epoch for epoch in curve if epoch > 0), default=0)
        if last >= num_epochs:
            mean[index], variance[index] = curve[num_epochs], 0.0
        elif last:
            by_epoch.setdefault(last, []).append(index)
    for epoch, those in by_epoch.items():
        seen = [curve for curve in ended if epoch in curve]
        if len(seen) < 2:
            continue
        ends = np.array([curve[num_epochs] for curve in seen])
        there, here = _place(epoch, seen), _place(epoch, [curves[i] for i in those])
        centre, scale = there.mean(axis=0), there.std(axis=0) + 1e-12
        gain = ends - there[:, 0]
        design, asked = (there - centre) / scale, (here - centre) / scale
        precision = design.T @ design + PRIOR * np.eye(design.shape[1])
        slopes = np.linalg.solve(precision, design.T @ (gain - gain.mean()))
        left = gain - gain.mean() - design @ slopes
        expected = 0.25 * float(ends.var())  # before any residual is known: half the spread of what was reached
        spread = (float(left @ left) + PRIOR * expected) / (len(seen) - 1 + PRIOR)
        leverage = 1 / len(seen) + np.einsum("ij,ij->i", asked, np.linalg.solve(precision, asked.T).T)
        mean[those] = here[:, 0] + gain.mean() + asked @ slopes
        variance[those] = spread * (1 + leverage)
    return mean, variance


def _place(epoch: int, curves: Sequence[Curve]) -> Array:
    """Where trials stand at an epoch and how they came there (trial, 2)."""
    half = max(1, epoch // 2)
    return np.array([(curve[epoch], curve[epoch] - curve.get(half, curve[epoch])) for curve in curves])
