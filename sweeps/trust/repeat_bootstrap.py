"""Draws of what the mean scores of repeated points could have been: with other clips, and with other seeds."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dfkd_core.scoring.confidence import LEVEL, NUM_DRAWS, cluster_numbers, draw_clusters

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Draws:
    """Means (draw, point) of one metric: over other clips and seeds, and over other clips alone."""

    means: Array
    clip_means: Array


class RepeatBootstrap:
    """One set of draws for all points and metrics, so that differences of points and of metrics are seen as they are.

    Every point was scored on the same clips: a draw takes clusters of clips with replacement, the same for all
    points. Seeds shake all points about equally: a draw gives each point as many deviations as it has seeds, taken
    from those of all points together (three seeds of one point say little about their spread). The deviation of seed
    s of point p, which has n_p seeds, from its mean is multiplied by sqrt(n_p / (n_p - 1)), so that the pool's
    variance is unbiased, and by t / z, the quantiles of Student's distribution for the pool's sum of n_p - 1 and of
    the normal one, so that a small pool is not trusted too much. Where no point has two seeds, d_p / sqrt(2) and its
    negative stand in, d_p the difference between its one repeat and what the search saw.

    Points of one group start from the same weights with the same seed, and may gain and lose together. With u drawn
    for each seed of a group and v for each seed of a point, the deviation is sqrt(r) u + sqrt(1 - r) v, so r falls out
    of differences within the group. r = 1 - s / S: S is the pool's variance, s that of deviations from the group's
    mean with the same seed, times (t / z)^2 for its degrees of freedom; r is 0 where s is the larger. The pool has
    fewer degrees of freedom then: of a group that shares all, those of one point.
    """

    def __init__(
        self,
        seeds: Sequence[Sequence[int]],
        clusters: Sequence[Hashable] = (),
        num_draws: int = NUM_DRAWS,
        groups: Sequence[Hashable] = (),
    ) -> None:
        rng = np.random.default_rng(0)
        self._cluster = cluster_numbers(clusters)
        self._taken = draw_clusters(int(self._cluster.max(initial=0)) + 1, num_draws, rng)
        self._seeds, self._groups = seeds, members(groups)
        num_seeds = [len(found) for found in seeds]
        pairs = [n for n in num_seeds if n > 1]
        freedom, pool = (sum(pairs) - len(pairs), sum(pairs)) if pairs else (len(num_seeds), 2 * len(num_seeds))
        self._freedom = freedom
        self._own = [rng.integers(pool, size=(num_draws, n)) for n in num_seeds]
        self._shared = {
            point: rows
            for group in self._groups
            for point, rows in _shared_rows(group, seeds, pool, num_draws, rng).items()
        }

    def draws(self, scores: Sequence[Array], searched: Sequence[float]) -> Draws:
        """Draws for one metric from its scores: per point (seed, clip), or (seed, 1) when no clips were kept.

        `searched`: what the search saw at each point. Clips on which the metric is undefined (nan) are left out; on
        one it must be defined.
        """
        defined = np.asarray(np.isfinite(np.vstack(scores)).all(axis=0))
        kept = [np.asarray(rows)[:, defined] for rows in scores]
        clip_means = self._over_clips(np.array([rows.mean(axis=0) for rows in kept]), defined)
        spread = _deviations(kept, searched)
        together = self._share(kept, float(np.square(spread.mean(axis=1)).mean()))
        deviations = self._over_clips(self._widening(together) * spread, defined)
        shifts = [self._shift(point, together, deviations) for point in range(len(kept))]
        return Draws(clip_means + np.stack(shifts, axis=1), clip_means)

    def _widening(self, together: float) -> float:
        """The pool's t / z; where groups share all, each is worth one of its points."""
        freedoms = [[max(0, len(self._seeds[point]) - 1) for point in group] for group in self._groups]
        spare = sum(sum(of_points) - max(of_points) for of_points in freedoms)
        return widening(self._freedom - together * spare)

    def _shift(self, point: int, together: float, deviations: Array) -> Array:
        """By how much other seeds would move a point's mean (draw,), from deviations (draw, row)."""
        draw = np.arange(len(deviations))[:, None]
        own: Array = deviations[draw, self._own[point]].mean(axis=1)
        if not together or point not in self._shared:
            return own
        shared: Array = deviations[draw, self._shared[point]].mean(axis=1)
        return np.asarray(np.sqrt(together) * shared + np.sqrt(1 - together) * own)

    def _share(self, scores: Sequence[Array], variance: float) -> float:
        """The share r of the seeds' variance that the points of a group have in common."""
        apart = [self._apart(group, scores) for group in self._groups]
        squares, freedom = (sum(column) for column in zip(*apart, strict=True)) if apart else (0.0, 0)
        if not freedom or not variance:
            return 0.0
        return max(0.0, 1.0 - squares / freedom * widening(freedom) ** 2 / variance)

    def _apart(self, group: Sequence[int], scores: Sequence[Array]) -> tuple[float, int]:
        """The sum of squares of what the points of a group do not share under one seed, and its degrees of freedom."""
        repeated = [point for point in group if len(self._seeds[point]) > 1]
        common = set.intersection(*(set(self._seeds[point]) for point in repeated)) if repeated else set()
        if len(repeated) < 2 or len(common) < 2:
            return 0.0, 0
        of_seed = [dict(zip(self._seeds[point], scores[point].mean(axis=1), strict=True)) for point in repeated]
        rows = np.array([[means[seed] for seed in sorted(common)] for means in of_seed])
        rows = rows - rows.mean(axis=1, keepdims=True)
        return float(np.square(rows - rows.mean(axis=0)).sum()), (len(repeated) - 1) * (len(common) - 1)

    def _over_clips(self, rows: Array, defined: NDArray[np.bool_]) -> Array:
        """Means (draw, row) of rows (row, clip) over the clips of each draw."""
        if len(defined) != len(self._cluster):
            return np.repeat(rows.mean(axis=1)[None], len(self._taken), axis=0)
        member = np.equal.outer(self._cluster[defined], np.arange(self._taken.shape[1])).astype(np.float64)
        counts = self._taken @ member.sum(axis=0)
        taken = np.where(counts[:, None] > 0, self._taken, 1.0)  # a draw without a defined clip: all of them
        return np.asarray(taken @ (rows @ member).T / (taken @ member.sum(axis=0))[:, None])


def members(groups: Sequence[Hashable]) -> list[list[int]]:
    """The points of each group that has two or more."""
    found: dict[Hashable, list[int]] = {}
    for point, group in enumerate(groups):
        found.setdefault(group, []).append(point)
    return [points for points in found.values() if len(points) > 1]


def _shared_rows(
    group: Sequence[int], seeds: Sequence[Sequence[int]], pool: int, num_draws: int, rng: np.random.Generator
) -> dict[int, NDArray[np.int64]]:
    """Rows of the pool (draw, seed) for each point of a group, the same for each seed."""
    drawn = {seed: rng.integers(pool, size=num_draws) for seed in sorted({s for p in group for s in seeds[p]})}
    return {point: np.stack([drawn[seed] for seed in seeds[point]], axis=1) for point in group}


def widening(freedom: float) -> float:
    """Student's quantile for so many degrees of freedom over the normal one."""
    return float(stats.t.ppf((1 + LEVEL) / 2, freedom) / stats.norm.ppf((1 + LEVEL) / 2))


def _deviations(scores: Sequence[Array], searched: Sequence[float]) -> Array:
    """Deviations (row, clip) of seeds from their point's mean, with the variance of a single seed."""
    repeated = [rows for rows in scores if len(rows) > 1]
    if repeated:
        return np.vstack([(rows - rows.mean(axis=0)) * np.sqrt(len(rows) / (len(rows) - 1)) for rows in repeated])
    apart = np.array([rows.mean() - seen for rows, seen in zip(scores, searched, strict=True)]) / np.sqrt(2)
    return np.repeat(np.concatenate([apart, -apart])[:, None], scores[0].shape[1], axis=1)
