"""Draws of what the mean scores of repeated points could have been: with other clips, and with other seeds."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dfkd_core.confidence import LEVEL, NUM_DRAWS, cluster_numbers, draw_clusters

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Draws:
    """Means (draw, point) of one metric: over other clips and seeds, and over other clips alone."""

    means: Array
    clip_means: Array


class RepeatBootstrap:
    """One set of draws for all points and metrics, so that differences of points and of metrics are seen as they are.

    Every point was scored on the same clips: a draw takes clusters of clips with replacement, the same for all
    points. Seeds are independent: a draw gives each point as many deviations as it has seeds, taken from those of
    all points together (three seeds of one point say little about their spread). The deviation of seed s of point
    p, which has n_p seeds, from its mean is multiplied by sqrt(n_p / (n_p - 1)), so that the pool's variance is
    unbiased, and by t / z, the quantiles of Student's distribution for the pool's sum of n_p - 1 and of the normal
    one, so that a small pool is not trusted too much. Where no point has two seeds, d_p / sqrt(2) and its negative
    stand in, d_p the difference between its one repeat and what the search saw.
    """

    def __init__(self, num_seeds: Sequence[int], clusters: Sequence[Hashable] = (), num_draws: int = NUM_DRAWS) -> None:
        rng = np.random.default_rng(0)
        self._cluster = cluster_numbers(clusters)
        self._taken = draw_clusters(int(self._cluster.max(initial=0)) + 1, num_draws, rng)
        pairs = [n for n in num_seeds if n > 1]
        freedom, pool = (sum(pairs) - len(pairs), sum(pairs)) if pairs else (len(num_seeds), 2 * len(num_seeds))
        self._widening = stats.t.ppf((1 + LEVEL) / 2, freedom) / stats.norm.ppf((1 + LEVEL) / 2)
        self._seeds = [rng.integers(pool, size=(num_draws, n)) for n in num_seeds]

    def draws(self, scores: Sequence[Array], searched: Sequence[float]) -> Draws:
        """Draws for one metric from its scores: per point (seed, clip), or (seed, 1) when no clips were kept.

        `searched`: what the search saw at each point. Clips on which the metric is undefined (nan) are left out; on
        one it must be defined.
        """
        defined = np.asarray(np.isfinite(np.vstack(scores)).all(axis=0))
        kept = [np.asarray(rows)[:, defined] for rows in scores]
        clip_means = self._over_clips(np.array([rows.mean(axis=0) for rows in kept]), defined)
        deviations = self._over_clips(self._widening * _deviations(kept, searched), defined)
        draw = np.arange(len(deviations))[:, None]
        shifts = [deviations[draw, taken].mean(axis=1) for taken in self._seeds]
        return Draws(clip_means + np.stack(shifts, axis=1), clip_means)

    def _over_clips(self, rows: Array, defined: NDArray[np.bool_]) -> Array:
        """Means (draw, row) of rows (row, clip) over the clips of each draw."""
        if len(defined) != len(self._cluster):
            return np.repeat(rows.mean(axis=1)[None], len(self._taken), axis=0)
        member = np.equal.outer(self._cluster[defined], np.arange(self._taken.shape[1])).astype(np.float64)
        counts = self._taken @ member.sum(axis=0)
        taken = np.where(counts[:, None] > 0, self._taken, 1.0)  # a draw without a defined clip: all of them
        return np.asarray(taken @ (rows @ member).T / (taken @ member.sum(axis=0))[:, None])


def _deviations(scores: Sequence[Array], searched: Sequence[float]) -> Array:
    """Deviations (row, clip) of seeds from their point's mean, with the variance of a single seed."""
    repeated = [rows for rows in scores if len(rows) > 1]
    if repeated:
        return np.vstack([(rows - rows.mean(axis=0)) * np.sqrt(len(rows) / (len(rows) - 1)) for rows in repeated])
    apart = np.array([rows.mean() - seen for rows, seen in zip(scores, searched, strict=True)]) / np.sqrt(2)
    return np.repeat(np.concatenate([apart, -apart])[:, None], scores[0].shape[1], axis=1)
