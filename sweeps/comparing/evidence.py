"""What fresh seeds and other clips could have made of the points of several fronts: one set of scores for all of them.

A front without seeds has none: seeds alone move a score by more than most differences between fronts, and clips drawn
again do not show that. Who is on a front is not drawn again, nor is the search: what is told is about these points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from sweeps import pareto
from sweeps.comparing.compared_fronts import ComparedFront
from sweeps.definition.objectives import costs
from sweeps.fronts.front import Front
from sweeps.trust.confirmed_front import scores_of
from sweeps.trust.repeated_scores import RepeatedScores

Array = NDArray[np.float64]

FEWEST_SEEDS = 2  # a point, from which seeds tell their own spread
STEP = 1e-6  # of a slope, in units of the metric


@dataclass(frozen=True)
class Estimate:
    """A figure and, where seeds were repeated, its 95 % interval and the probability of such a figure by luck."""

    value: float
    interval: tuple[float, float] | None = None
    p_value: float | None = None


class Evidence:
    """The repeated scores of several fronts, and what a figure that depends on them is worth."""

    def __init__(self, fronts: Sequence[ComparedFront]) -> None:
        trials = [trial for compared in fronts for trial in compared.repeated]
        sides = [side for side, compared in enumerate(fronts) for _ in compared.repeated]
        starts = accumulate((len(compared.repeated) for compared in fronts), initial=0)
        self._scores: RepeatedScores = scores_of(trials, fronts[0].front.objectives, sides)
        self._column = {
            (side, trial.record.number): first + index
            for (side, compared), first in zip(enumerate(fronts), starts, strict=False)
            for index, trial in enumerate(compared.repeated)
        }

    def words(self) -> str:
        """What was drawn: the end of a sentence that begins with "drawn were"."""
        return self._scores.words()

    def estimate(self, value: float, slopes: Array) -> Estimate:
        """A figure with its interval, from its slopes (metric, column) in the means that it is made of."""
        spread = replace(self._scores.spread(slopes[None]), values=np.array([value]))
        low, high = spread.interval()[:, 0]
        return Estimate(value, (float(low), float(high)), float(spread.p_values()[0]))

    def of_point(self, side: int, trial: int, metric: str) -> Array:
        """The slopes of one point's mean; all zero for a metric that no seed changes."""
        slopes = np.zeros(self._scores.means.shape)
        if metric in self._scores.metrics:
            slopes[self._scores.metrics.index(metric), self._column[side, trial]] = 1.0
        return slopes

    def of_hypervolume(self, side: int, front: Front) -> Array:
        """The slopes of a front's hypervolume: what it gains where one point's mean grows by a little."""
        corner = costs(front.objectives, front.reference_point)
        slopes = np.zeros(self._scores.means.shape)
        for place, objective in enumerate(front.objectives):
            if objective.metric not in self._scores.metrics:
                continue
            for index, point in enumerate(front.points):
                volumes = []
                for step in (STEP, -STEP):
                    moved = np.array(front.costs())  # (point, objective), one value moved
                    moved[index, place] = objective.cost(point.values[objective.metric] + step)
                    volumes.append(pareto.hypervolume(moved, corner))
                slope = (volumes[0] - volumes[1]) / (2 * STEP)
                slopes += slope * self.of_point(side, point.trial, objective.metric)
        return slopes
