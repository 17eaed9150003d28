"""What the points of several fronts would have cost on other clips and seeds: a bootstrap that all of them share.

Every draw takes the same clips for every point of every front, so what they have in common cancels in differences.
Clips are drawn in clusters of speaker x noise family (`dfkd_core.confidence`); the seeds of a point that was trained
more than once are drawn, too. Who is on a front is not drawn again: points that luck has put there stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfkd_core.clip_table import ClipTable
from dfkd_core.confidence import FEWEST, LEVEL, NUM_DRAWS
from sweeps.front import Front
from sweeps.objectives import Objective

Array = NDArray[np.float64]
Runs = Sequence[ClipTable]  # of one point: a table for each seed it was trained with
SCORED = "val/"


@dataclass(frozen=True)
class Estimate:
    """A figure and, where it could be drawn again, its 95 % interval."""

    value: float
    interval: tuple[float, float] | None = None


def estimate(value: float, draws: Array | None) -> Estimate:
    """The figure with the interval of its draws (draw,)."""
    if draws is None or not np.isfinite(draws).all():
        return Estimate(value)
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, (float(low), float(high)))


def clip_weights(clusters: Sequence[str], num_draws: int = NUM_DRAWS) -> Array:
    """How often each clip is drawn, (draw, clip); whole clusters, or single clips where clusters are few."""
    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    of_clip = np.array([numbers[c] for c in clusters]) if len(numbers) >= FEWEST else np.arange(len(clusters))
    return _multiplicities(int(of_clip.max()) + 1, num_draws, seed=0)[:, of_clip]


def drawn_costs(front: Front, runs: Mapping[int, Runs], weights: Array) -> Array:
    """The front's costs in every draw, (draw, point, objective); an objective that no clip scores stays as it is."""
    costs = np.tile(np.array(front.costs()), (len(weights), 1, 1))
    for column, objective in enumerate(front.objectives):
        for row, point in enumerate(front.points):
            if is_scored(objective):
                means = _drawn_means(runs[point.trial], objective.metric, weights, point.trial)
                costs[:, row, column] = [objective.cost(mean) for mean in means]
    return costs


def is_scored(objective: Objective) -> bool:
    """True for means over the validation clips."""
    return objective.metric.startswith(SCORED)


def _drawn_means(runs: Runs, metric: str, weights: Array, trial: int) -> Array:
    """Mean over drawn clips, then over drawn seeds, (draw,); undefined scores are left out."""
    scores = np.array([table.scores[metric] for table in runs], dtype=np.float64)  # (seed, clip)
    defined = np.isfinite(scores)
    with np.errstate(invalid="ignore"):  # no drawn clip is defined: nan, and no interval
        means = (weights @ np.where(defined, scores, 0.0).T) / (weights @ defined.T.astype(np.float64))
    seeds = _multiplicities(len(runs), len(weights), seed=1 + trial)  # each point has seeds of its own
    return np.asarray((means * seeds).sum(axis=1) / len(runs))


def _multiplicities(num: int, num_draws: int, seed: int) -> Array:
    """How often each of `num` things is drawn when `num` are drawn with replacement, (draw, thing)."""
    return np.random.default_rng(seed).multinomial(num, np.full(num, 1 / num), size=num_draws).astype(np.float64)
