"""What repeated scores say about a front: who is on it, who is told from whom, and which differences could be told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

from dfkd_core.scoring.confidence import LEVEL
from sweeps import pareto
from sweeps.trust.repeated_scores import RepeatedScores

Array = NDArray[np.float64]

POWER = 0.8  # share of cases in which a difference is to be told
LARGE = 1e6  # degrees of freedom, from which Student's t is as good as normal


def front_probability(costs: Array) -> Array:
    """Share (point,) of the draws in which a point is on the front; costs are (draw, point, objective)."""
    return np.asarray(np.mean([pareto.non_dominated(draw) for draw in costs], axis=0))


def holm(p_values: Array) -> Array:
    """P values (test,), so enlarged that one below 1 - LEVEL is false in 5 % of the families of tests at most.

    Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    order = np.argsort(p_values, kind="stable")
    enlarged = np.maximum.accumulate(np.sort(p_values) * np.arange(len(p_values), 0, -1))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(enlarged, 1.0)
    return adjusted


def alike(scores: RepeatedScores) -> NDArray[np.bool_]:
    """Pairs (point, point) that no metric tells apart, with all pairs and metrics as one family of tests.

    Without a metric nothing is alike.
    """
    num_points = scores.means.shape[1]
    same = np.zeros((num_points, num_points), dtype=np.bool_)
    if scores.metrics and num_points > 1:
        same[np.triu_indices(num_points, k=1)] = ~_tells_apart(scores).any(axis=0)
    return same | same.T


def smallest_differences(scores: RepeatedScores) -> tuple[dict[str, float], dict[str, float]]:
    """By metric the difference that is told in POWER of cases, the median over pairs; and with any number of seeds.

    d times the difference's standard deviation, d the noncentrality at which Student's t with its degrees of freedom is
    over the test's bound in POWER of cases, the level 5 % over the number of tests that are still open (those that tell
    nothing, one at least). A standard deviation is estimated too small in more than half of cases: it is divided by
    what the median estimate is, sqrt(median of chi^2 / degrees of freedom). A metric without noise, and a single point,
    have none.
    """
    if not scores.metrics or scores.means.shape[1] < 2:
        return {}, {}
    pairs = {metric: scores.of_pairs(metric) for metric in scores.metrics}
    alone = (1 - LEVEL) / 2 / max(1, int((~_tells_apart(scores)).sum()))

    def smallest(deviation: Array, freedom: Array) -> float:
        unbiased = deviation / np.sqrt(stats.chi2.median(freedom) / freedom)
        return float(np.median(unbiased)) * noncentrality(alone, min(float(np.median(freedom)), LARGE))

    return (
        {m: smallest(s.deviation, s.freedom) for m, s in pairs.items() if s.deviation.any()},
        {m: smallest(s.clip_deviation, s.clip_freedom) for m, s in pairs.items() if s.clip_deviation.any()},
    )


def noncentrality(level: float, freedom: float) -> float:
    """The difference, in standard deviations, that a one-sided t test at this level tells in POWER of cases."""
    bound = float(stats.t.isf(level, freedom))
    return float(brentq(lambda d: stats.nct.sf(bound, freedom, d) - POWER, 0.0, 2 * bound + 10))


def _tells_apart(scores: RepeatedScores) -> NDArray[np.bool_]:
    """Which metric tells which pair apart, (metric, pair)."""
    p_values = np.array([scores.of_pairs(metric).p_values() for metric in scores.metrics])
    return np.asarray(holm(p_values.ravel()) < 1 - LEVEL).reshape(p_values.shape)
