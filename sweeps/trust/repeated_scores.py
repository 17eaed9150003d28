"""What the mean scores of repeated points are worth: how far other clips and other seeds could move them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfkd_core.scoring.confidence import LEVEL, Crossing, half_width, nearest_covariance, satterthwaite

Array = NDArray[np.float64]

NO_CLIPS = 1e9  # degrees of freedom of a variance that is 0


@dataclass(frozen=True)
class Spread:
    """Values (contrast,) with their standard deviations and degrees of freedom."""

    values: Array
    deviation: Array
    freedom: Array

    def interval(self) -> Array:
        """Bounds (2, contrast) of the 95 % interval."""
        reach = half_width(np.square(self.deviation), self.freedom)
        return np.stack([self.values - reach, self.values + reach])

    def p_values(self) -> Array:
        """Two-sided probability (contrast,) of so large a value where 0 is true; of an exact value 0 or 1."""
        from scipy import stats  # late: it takes a second, and most fronts have no repeats

        exact = self.deviation == 0
        ratio = np.abs(self.values) / np.where(exact, 1.0, self.deviation)
        return np.asarray(np.where(exact, self.values == 0, 2 * stats.t.sf(ratio, self.freedom)))


class RepeatedScores:
    """Means (metric, point) over seeds and clips, and the variance of what is made of them linearly.

    Every point was scored on the same clips: a contrast w of points has one score a clip, of which `Crossing` tells the
    variance over speakers and noises. Seeds shake all points about equally: the variance of a single seed comes from
    the deviations of all points together (three seeds of one point say little about their spread), each of the n_p
    seeds' deviations from its point's mean times sqrt(n_p / (n_p - 1)). What is a seed's and a clip's at once would be
    counted in both and is taken off once:

        V(w) = V_clips(w) + V_seeds(w) - V_both(w),        at least the larger of the first two

    with Satterthwaite's degrees of freedom. Where no point has two seeds, d_p / sqrt(2) and its negative stand in, d_p
    the difference between its one repeat and what the search saw.

    Points of one group start from the same weights with the same seed, and may gain and lose together. A seed's
    deviation is sqrt(r) u + sqrt(1 - r) v with u of the group and v of the point, so r falls out of differences within
    the group. r = 1 - s / S: S is the pool's variance, s that of deviations from the group's mean with the same seed,
    times (t / z)^2 for its degrees of freedom; r is 0 where s is the larger. The pool has fewer degrees of freedom
    then: of a group that shares all, those of one point.
    """

    def __init__(
        self,
        scores: Mapping[str, Sequence[Array]],
        searched: Mapping[str, Sequence[float]],
        seeds: Sequence[Sequence[int]],
        crossing: Crossing | None = None,
        groups: Sequence[Hashable] = (),
    ) -> None:
        """`scores`: per metric and point (seed, clip), or (seed, 1) of a metric that is no mean over clips.

        `searched`: what the search saw at each point. Clips on which a metric is undefined (nan) are left out.
        """
        self.metrics = tuple(scores)
        self._seeds, self._groups, self._crossing = seeds, members(groups), crossing
        self._of_seed = {m: [np.nanmean(rows, axis=1) for rows in scores[m]] for m in scores}
        means = [[rows.mean() for rows in of_points] for of_points in self._of_seed.values()]
        self.means = np.array(means, dtype=np.float64).reshape(len(self.metrics), len(seeds))
        self._clips = self._clip_columns(scores)
        strayed = [deviations(scores[metric], searched[metric]) for metric in self.metrics]
        pool = np.array([np.nanmean(rows, axis=1) for rows in strayed])  # (metric, row)
        variance = pool @ pool.T / pool.shape[1] if strayed else np.zeros((0, 0))
        shares = np.array([self._share(metric, variance[m, m]) for m, metric in enumerate(self.metrics)])
        self._seed_covariance = self._of_seeds(variance, shares)
        self._both_covariance = self._of_both(strayed)
        self._freedom = self._pool_freedom(float(shares.max(initial=0.0)))

    def spread(self, weights: Array) -> Spread:
        """Sums of means, weighted by (contrast, metric, point)."""
        flat = weights.reshape(len(weights), self.means.size)
        return self._summed(flat @ self.means.ravel(), self._clip_contrasts(flat), *self._of_seeds_in(flat))

    def of_points(self, metric: str) -> Spread:
        """The mean of every point."""
        return self.spread(self._contrasts(metric, np.eye(len(self._seeds))))

    def pairs_drawn_again(self, metric: str, num_draws: int, *, with_seeds: bool = True) -> Spread:
        """What the test of two equal points sees (draw,) in other worlds that vary as this one; the same every time.

        Speakers, noises, clips and seeds are drawn with variances that are averages over all pairs of points. The test
        estimates them anew in each world, so its deviations and degrees of freedom stray as they do in truth. What few
        levels tell of a variance is too little in most cases, in the worlds that are drawn as in this one: all is
        scaled so that the median of what worlds show, each on average over its pairs, is what this one shows (of P
        points, P - 1 pairs tell as much as all do). Without `with_seeds` any number of seeds was spent.
        """
        rng, weights = np.random.default_rng(0), self._pair_weights(metric)
        seeds, both = (float(found.mean()) for found in self._of_seeds_in(weights))
        columns, num_pairs = self._clip_contrasts(weights), len(self._seeds) - 1
        num_worlds = max(1, num_draws // num_pairs)
        drawn = np.zeros((1, num_worlds * num_pairs))
        if self._crossing is not None:
            drawn = self._crossing.drawn_alike(columns, drawn.size, rng, less=0.0 if with_seeds else both)
        values = np.nanmean(drawn, axis=0)
        if with_seeds:
            values = values + np.sqrt(max(0.0, seeds - both)) * rng.normal(size=values.size)
            pool = np.repeat(rng.chisquare(self._freedom, num_worlds) / self._freedom, num_pairs)
            found = self._summed(values, drawn, seeds * pool, both)
            shown = float(np.square(self.of_pairs(metric).deviation).mean())
        else:
            found = self._summed(values, drawn, np.zeros(values.size), 0.0)
            shown = max(0.0, float(self._of_clips(columns)[0].mean()) - both)
        of_worlds = float(np.median(np.square(found.deviation).reshape(num_worlds, num_pairs).mean(axis=1)))
        scale = np.sqrt(shown / of_worlds) if of_worlds > 0 else 1.0
        return Spread(scale * found.values, scale * found.deviation, found.freedom)

    def of_pairs(self, metric: str) -> Spread:
        """The first point's mean less the second's, of every pair as `np.triu_indices(num_points, k=1)` has them."""
        return self.spread(self._pair_weights(metric))

    def draws(self, num_draws: int) -> Array:
        """Gaussian draws (draw, metric, point) of what the means could have been; the same every time.

        Deviations are widened by t / z for the degrees of freedom of each mean.
        """
        size = self.means.size
        covariance = self._seed_covariance - self._both_covariance
        if self._crossing is not None:
            covariance = covariance + self._crossing.covariance(self._clips)
        values, vectors = np.linalg.eigh(nearest_covariance(covariance))
        normal = np.random.default_rng(0).normal(size=(num_draws, size)) * np.sqrt(np.clip(values, 0.0, None))
        freedom = self.spread(np.eye(size).reshape(size, *self.means.shape)).freedom
        drawn = self.means.ravel() + normal @ vectors.T * widening(freedom)
        return np.asarray(drawn.reshape(num_draws, *self.means.shape))

    def words(self) -> str:
        """What was drawn: the end of a sentence that begins with "drawn were"."""
        return "seeds" if self._crossing is None else f"seeds, and {self._crossing.words()}"

    def _contrasts(self, metric: str, of_points: Array) -> Array:
        """Weights (contrast, metric and point) of the points' means in one metric."""
        weights = np.zeros((len(of_points), *self.means.shape))
        weights[:, self.metrics.index(metric)] = of_points
        return weights.reshape(len(weights), self.means.size)

    def _pair_weights(self, metric: str) -> Array:
        point = np.eye(len(self._seeds))
        first, second = np.triu_indices(len(point), k=1)
        return self._contrasts(metric, point[first] - point[second])

    def _summed(self, values: Array, clip_scores: Array, seeds: Array, both: Array | float) -> Spread:
        """The spread of values of which clips (clip, contrast), seeds and what is both's tell the variance."""
        clips, clip_freedom = self._of_clips(clip_scores)
        total = np.maximum(clips + seeds - both, np.maximum(clips, seeds))
        freedom = satterthwaite(total, [(clips, clip_freedom), (seeds, self._freedom)])
        return Spread(values, np.sqrt(total), freedom)

    def _clip_contrasts(self, flat: Array) -> Array:
        """Scores (clip, contrast); nan where one that has a weight is undefined."""
        return np.where(np.isnan(self._clips) @ (flat != 0).T, np.nan, np.nan_to_num(self._clips) @ flat.T)

    def _of_clips(self, scores: Array) -> tuple[Array, Array]:
        """Variance by clips of the means of scores (clip, contrast), and its degrees of freedom."""
        if self._crossing is None:
            return np.zeros(scores.shape[1]), np.full(scores.shape[1], NO_CLIPS)
        return self._crossing.variance(scores)

    def _of_seeds_in(self, flat: Array) -> tuple[Array, Array]:
        """Variance (contrast,) by seeds, and by what is a seed's and a clip's at once."""
        seeds, both = (
            np.einsum("ki,ij,kj->k", flat, matrix, flat) for matrix in (self._seed_covariance, self._both_covariance)
        )
        return seeds, both

    def _clip_columns(self, scores: Mapping[str, Sequence[Array]]) -> Array:
        """Mean scores over seeds (clip, metric and point); a metric that is no mean over clips has one for all."""
        size = 1 if self._crossing is None else len(self._crossing)
        columns = [np.broadcast_to(rows.mean(axis=0), size) for metric in self.metrics for rows in scores[metric]]
        return np.stack(columns, axis=1) if columns else np.zeros((size, 0))

    def _of_seeds(self, variance: Array, shares: Array) -> Array:
        """Covariance of means by seeds, of every metric and point, from that of a single seed (metric, metric)."""
        num_seeds = np.array([len(own) for own in self._seeds])
        apart, together = np.diag(1.0 / num_seeds), np.diag(1.0 / num_seeds)
        for group in self._groups:
            for i in group:
                for j in group:
                    together[i, j] = len(set(self._seeds[i]) & set(self._seeds[j])) / (num_seeds[i] * num_seeds[j])
        common, own = (np.sqrt(np.outer(part, part)) * variance for part in (shares, 1.0 - shares))
        return np.asarray(np.kron(common, together) + np.kron(own, apart))

    def _of_both(self, strayed: Sequence[Array]) -> Array:
        """Covariance of means by what is a seed's and a clip's at once; 0 without clips or without repeated seeds."""
        size = len(self._clips)
        single = [rows - np.nanmean(rows, axis=1, keepdims=True) for rows in strayed]  # (row, clip)
        single = [rows if rows.shape[1] == size else np.zeros((len(rows), size)) for rows in single]
        shared = np.zeros((len(single),) * 2)
        for m, first in enumerate(single):
            for k, second in enumerate(single):
                product = first * second
                counted = np.isfinite(product).all(axis=0).sum()
                shared[m, k] = np.nansum(product) / len(product) / counted / (counted - 1) if counted > 1 else 0.0
        return np.asarray(np.kron(shared, np.diag([1.0 / len(own) for own in self._seeds])))

    def _pool_freedom(self, together: float) -> float:
        """Degrees of freedom of the pool; where groups share all, each is worth one of its points."""
        num_seeds = [len(own) for own in self._seeds]
        repeated = [n - 1 for n in num_seeds if n > 1]
        spare = 0
        for group in self._groups:
            freedoms = [max(0, num_seeds[point] - 1) for point in group]
            spare += sum(freedoms) - max(freedoms)
        return (sum(repeated) if repeated else len(num_seeds)) - together * spare

    def _share(self, metric: str, variance: float) -> float:
        """The share r of the seeds' variance that the points of a group have in common."""
        apart = [self._apart(group, self._of_seed[metric]) for group in self._groups]
        squares, freedom = (sum(column) for column in zip(*apart, strict=True)) if apart else (0.0, 0)
        if not freedom or not variance:
            return 0.0
        return max(0.0, 1.0 - squares / freedom * float(widening(freedom)) ** 2 / variance)

    def _apart(self, group: Sequence[int], of_seed: Sequence[Array]) -> tuple[float, int]:
        """The sum of squares of what the points of a group do not share under one seed, and its degrees of freedom."""
        repeated = [point for point in group if len(self._seeds[point]) > 1]
        common = set.intersection(*(set(self._seeds[point]) for point in repeated)) if repeated else set()
        if len(repeated) < 2 or len(common) < 2:
            return 0.0, 0
        by_seed = [dict(zip(self._seeds[point], of_seed[point].tolist(), strict=True)) for point in repeated]
        rows = np.array([[means[seed] for seed in sorted(common)] for means in by_seed])
        rows = rows - rows.mean(axis=1, keepdims=True)
        return float(np.square(rows - rows.mean(axis=0)).sum()), (len(repeated) - 1) * (len(common) - 1)


def members(groups: Sequence[Hashable]) -> list[list[int]]:
    """The points of each group that has two or more."""
    found: dict[Hashable, list[int]] = {}
    for point, group in enumerate(groups):
        found.setdefault(group, []).append(point)
    return [points for points in found.values() if len(points) > 1]


def widening(freedom: Array | float) -> Array:
    """Student's quantile for so many degrees of freedom over the normal one."""
    from scipy import stats  # late, as above

    level = (1 + LEVEL) / 2
    return np.asarray(stats.t.ppf(level, freedom) / stats.norm.ppf(level))


def deviations(scores: Sequence[Array], searched: Sequence[float]) -> Array:
    """Deviations (row, clip) of seeds from their point's mean, with the variance of a single seed."""
    repeated = [rows for rows in scores if len(rows) > 1]
    if repeated:
        return np.vstack([(rows - rows.mean(axis=0)) * np.sqrt(len(rows) / (len(rows) - 1)) for rows in repeated])
    apart = np.array([np.nanmean(rows) - seen for rows, seen in zip(scores, searched, strict=True)]) / np.sqrt(2)
    return np.repeat(np.concatenate([apart, -apart])[:, None], scores[0].shape[1], axis=1)
