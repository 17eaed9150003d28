"""What repeated scores say about a front: who is on it, who is told from whom, and which differences could be told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from dfkd_core.scoring.confidence import LEVEL
from sweeps import pareto
from sweeps.trust.repeated_scores import RepeatedScores, Spread

Array = NDArray[np.float64]

POWER = 0.8  # share of cases in which a difference is to be told
NUM_DRAWS = 2000  # of worlds in which a difference is told or not
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
    """By metric the difference of two points that is told in POWER of cases; and with any number of seeds.

    Worlds that vary as this one are drawn, and the test is done in each: the difference that it needs is its bound less
    what luck adds. Formulas for its power (t, noncentral t) know neither that degrees of freedom are estimated nor that
    a small variance comes with many of them, and are short by a tenth of the difference. The level is 5 % over the
    number of tests that are still open (those that tell nothing, one at least). A metric without noise, and a single
    point, have none.
    """
    if not scores.metrics or scores.means.shape[1] < 2:
        return {}, {}
    level = (1 - LEVEL) / 2 / max(1, int((~_tells_apart(scores)).sum()))
    with_seeds, of_clips = (
        {m: _needed(scores.pairs_drawn_again(m, NUM_DRAWS, with_seeds=flag), level) for m in scores.metrics}
        for flag in (True, False)
    )
    return {m: d for m, d in with_seeds.items() if d > 0}, {m: d for m, d in of_clips.items() if d > 0}


def _needed(drawn: Spread, level: float) -> float:
    """The difference that a test at this level (one-sided) tells in POWER of the draws of two equal points."""
    bound = stdtrit(np.minimum(drawn.freedom, LARGE), 1 - level) * drawn.deviation
    return float(np.quantile(np.concatenate([bound - drawn.values, bound + drawn.values]), POWER))


def _tells_apart(scores: RepeatedScores) -> NDArray[np.bool_]:
    """Which metric tells which pair apart, (metric, pair)."""
    p_values = np.array([scores.of_pairs(metric).p_values() for metric in scores.metrics])
    return np.asarray(holm(p_values.ravel()) < 1 - LEVEL).reshape(p_values.shape)
