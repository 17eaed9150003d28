"""What the points of several fronts would have cost on other clips and seeds: a bootstrap that all of them share.

Every draw takes the same clips for every point of every front, so what they have in common cancels in differences.
Clips are drawn in clusters of speaker x noise family (`dfkd_core.scoring.confidence`); the seeds of a confirmed front
are drawn as `sweeps.trust.repeat_bootstrap` does. Who is on a front is not drawn again: points that luck has put
there stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfkd_core.scoring.clip_table import ClipTable
from dfkd_core.scoring.confidence import NUM_DRAWS, cluster_numbers, draw_clusters, interval
from sweeps.definition.objectives import Objective
from sweeps.fronts.front import Front
from sweeps.trust.confirmed_front import RepeatedTrial, draws_of

Array = NDArray[np.float64]
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
    low, high = interval(draws)
    return Estimate(value, (float(low), float(high)))


def clip_weights(clusters: Sequence[str], num_draws: int = NUM_DRAWS) -> Array:
    """How often each clip is drawn, (draw, clip); whole clusters, or single clips where clusters are few."""
    of_clip = cluster_numbers(clusters)
    # the generator of sweeps.trust.repeat_bootstrap: confirmed fronts draw the same clips
    return draw_clusters(int(of_clip.max()) + 1, num_draws, np.random.default_rng(0))[:, of_clip]


def drawn_costs(front: Front, tables: Mapping[int, ClipTable], weights: Array) -> Array:
    """The front's costs in every draw, (draw, point, objective); an objective that no clip scores stays as it is."""
    means = {
        objective.metric: np.stack([_means(tables[p.trial], objective.metric, weights) for p in front.points], axis=1)
        for objective in front.objectives
        if is_scored(objective)
    }
    return _with_means(front, means, len(weights))


def repeated_costs(front: Front, trials: Sequence[RepeatedTrial]) -> Array:
    """The costs of a confirmed front in every draw of clips and seeds, (draw, point, objective)."""
    row = {trial.record.number: index for index, trial in enumerate(trials)}
    chosen = [row[point.trial] for point in front.points]
    draws = draws_of(trials, front.objectives)
    return _with_means(front, {metric: draw.means[:, chosen] for metric, draw in draws.items()}, NUM_DRAWS)


def is_scored(objective: Objective) -> bool:
    """True for means over the validation clips."""
    return objective.metric.startswith(SCORED)


def _with_means(front: Front, means: Mapping[str, Array], num_draws: int) -> Array:
    """The front's costs, those of the drawn means (draw, point) in their place."""
    costs = np.tile(np.array(front.costs()), (num_draws, 1, 1))
    for column, objective in enumerate(front.objectives):
        if objective.metric in means:
            costs[:, :, column] = np.vectorize(objective.cost)(means[objective.metric])
    return costs


def _means(table: ClipTable, metric: str, weights: Array) -> Array:
    """Mean over the drawn clips, (draw,); undefined scores are left out."""
    scores = np.array(table.scores[metric], dtype=np.float64)
    defined = np.isfinite(scores)
    with np.errstate(invalid="ignore"):  # no drawn clip is defined: nan, and no interval
        return np.asarray((weights @ np.where(defined, scores, 0.0)) / (weights @ defined.astype(np.float64)))
