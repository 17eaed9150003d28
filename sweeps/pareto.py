"""Pareto mathematics on arrays of costs: everything is minimised, one row a point, one column an objective.

Costs are the objectives' values on their own scales with the sign of a minimisation
(`sweeps.definition.objectives.costs`), so a log objective enters as its natural logarithm and volumes, distances and
ranks are taken there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

Costs = NDArray[np.float64]  # (point, objective)

ROUNDING = 1e-12  # differences of normalised costs that decide nothing


def as_costs(costs: ArrayLike) -> Costs:
    """The costs as a float array (point, objective); NaN has no place in an order and raises ValueError."""
    array = np.asarray(costs, dtype=np.float64)
    if array.ndim != 2 or np.isnan(array).any():
        raise ValueError(f"costs must be (point, objective) without NaN, but got shape {array.shape}")
    return array


def _finite_order(costs: ArrayLike) -> Costs:
    """The same order without infinities, which the sorting library does not expect."""
    return np.nan_to_num(as_costs(costs))


def non_dominated(costs: ArrayLike) -> NDArray[np.bool_]:
    """Mask (point,) of the points that no other point beats; equal vectors are all kept.

    a dominates b when a_i <= b_i for every objective i and a_i < b_i for one.
    """
    ordered = _finite_order(costs)
    if not len(ordered):
        return np.zeros(0, dtype=np.bool_)
    return np.asarray(moocore.is_nondominated(ordered, keep_weakly=True), dtype=np.bool_)


def ranks(costs: ArrayLike) -> NDArray[np.int64]:
    """Rank (point,) by non-dominated sorting: 0 is the front, 1 the front of what is left, and so on.

    Source: Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", 2002.
    """
    ordered = _finite_order(costs)
    if not len(ordered):
        return np.zeros(0, dtype=np.int64)
    return np.asarray(moocore.pareto_rank(ordered), dtype=np.int64)


def _inside(costs: Costs, reference: Costs) -> NDArray[np.bool_]:
    """Mask of the finite points better than the reference in every objective: the others span no volume."""
    return np.asarray(np.isfinite(costs).all(axis=1) & (costs < reference).all(axis=1))


def hypervolume(costs: ArrayLike, reference: ArrayLike) -> float:
    """Volume of what the points dominate up to the reference (objective,), in the product of the cost units.

    Points that do not beat the reference in every objective, or whose cost is infinite, contribute nothing.
    """
    array, corner = as_costs(costs), np.asarray(reference, dtype=np.float64)
    array = array[_inside(array, corner)] if len(array) else array
    return float(moocore.hypervolume(array, ref=corner)) if len(array) else 0.0


def hypervolume_contributions(costs: ArrayLike, reference: ArrayLike) -> Costs:
    """Per point (point,), the volume that would be lost without it; 0 for dominated and for repeated points."""
    array = as_costs(costs)
    lost, whole = np.zeros(len(array)), hypervolume(array, reference)
    for index in np.flatnonzero(non_dominated(array)):
        lost[index] = whole - hypervolume(np.delete(array, index, axis=0), reference)
    return lost


class GrowingFront:
    """The hypervolume of a front that grows by one point at a time, without starting over for each.

    A new point p adds its own box less what the front already covers of it:
    prod(reference - p) - hypervolume({max(q, p) : q on the front}).
    """

    def __init__(self, reference: ArrayLike) -> None:
        self.reference = np.asarray(reference, dtype=np.float64)
        self.hypervolume = 0.0
        self._front: Costs = np.empty((0, len(self.reference)))
        self._labels: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        """Number of points on the front so far, equal ones and those beyond the reference among them."""
        return len(self._front)

    @property
    def labels(self) -> list[int]:
        """What the points on the front were called when they were added."""
        return [int(label) for label in self._labels]

    def add(self, cost: ArrayLike, label: int = -1) -> float:
        """Take one more point (objective,) and return the hypervolume with it."""
        point = as_costs(np.atleast_2d(cost))
        no_better = (point >= self._front).all(axis=1)
        equal = (point == self._front).all(axis=1)
        if not (no_better & ~equal).any():
            if _inside(point, self.reference)[0] and not equal.any():
                covered = hypervolume(np.maximum(self._front, point), self.reference)
                self.hypervolume += float(np.prod(self.reference - point)) - covered
            stays = equal | (self._front < point).any(axis=1)
            self._front = np.vstack([self._front[stays], point])
            self._labels = np.append(self._labels[stays], label)
        return self.hypervolume


def hypervolume_history(costs: Sequence[ArrayLike | None], reference: ArrayLike) -> list[float]:
    """The hypervolume after each finished trial; None stands for a trial that ended without a point."""
    front = GrowingFront(reference)
    return [front.hypervolume if cost is None else front.add(cost) for cost in costs]


def additive_epsilon(costs: ArrayLike, others: ArrayLike) -> float:
    """The least amount by which every cost must fall until each of `others` is equalled or beaten; <= 0 when it is.

    max_b min_a max_i (a_i - b_i), a over `costs`, b over `others`.
    Source: Zitzler et al., "Performance assessment of multiobjective optimizers", 2003.
    """
    return float(moocore.epsilon_additive(as_costs(costs), ref=as_costs(others)))


def coverage(costs: ArrayLike, others: ArrayLike) -> float:
    """Share of `others` that some point of `costs` equals or beats in every objective.

    Source: Zitzler and Thiele, "Multiobjective evolutionary algorithms: a comparative case study", 1999.
    """
    points, beaten = as_costs(costs), as_costs(others)
    return float((points[:, None] <= beaten[None]).all(axis=2).any(axis=0).mean())


def normalised(costs: ArrayLike) -> Costs:
    """Costs scaled so that each objective runs from 0 (its best) to 1 (its worst); a constant objective is 0."""
    array = as_costs(costs)
    best, worst = array.min(axis=0), array.max(axis=0)
    span = np.where(worst > best, worst - best, 1.0)
    return np.asarray((array - best) / span)


def knee(costs: ArrayLike) -> int | None:
    """Index of the front's point that lies furthest beyond what its extremes promise; None where none does.

    With z the costs of what is not dominated, normalised (0 best, 1 worst), and e_k its extremes (the best in each
    objective that varies, of equal ones the least sum of z), a point's distance t is how far it lies below mixtures,

        t(z) = max over l >= 0, sum_k l_k = 1 of min_i (sum_k l_k e_ki - z_i),

    with two objectives (1 - z_1 - z_2) / 2: below the line between the extremes. The knee has the largest t, if that is
    over ROUNDING and the point is not itself the best in an objective; among equals the first wins.
    """
    array = as_costs(costs)
    if not len(array):
        raise ValueError("a knee needs at least one point")
    kept = np.flatnonzero(non_dominated(array))
    z = normalised(array[kept])[:, np.ptp(array[kept], axis=0) > 0] if np.isfinite(array).all() else np.zeros((0, 0))
    if z.shape[1] < 2:
        return None
    extremes = z[[np.lexsort((z.sum(axis=1), column))[0] for column in z.T]]
    distance = extremes.mean(axis=1).max() - z.mean(axis=1)  # t is no larger, and equal to it with two objectives
    if z.shape[1] > 2:
        best = 0.0
        for index in np.argsort(-distance):
            if distance[index] > best - ROUNDING:
                distance[index] = _below_mixtures(extremes, z[index])
                best = max(best, distance[index])
    found = int(np.argmax(distance >= distance.max() - ROUNDING))
    return int(kept[found]) if distance[found] > ROUNDING and z[found].all() else None


def _below_mixtures(extremes: Costs, z: Costs) -> float:
    """The t of `knee`, a linear program in l and t."""
    from scipy.optimize import linprog

    weights, margin = np.append(np.ones(len(extremes)), 0.0), np.append(np.zeros(len(extremes)), -1.0)
    below = np.column_stack([-extremes.T, np.ones(len(z))])
    free = [(0, None)] * len(extremes) + [(None, None)]
    solved: Any = linprog(margin, A_ub=below, b_ub=-z, A_eq=weights[None], b_eq=[1.0], bounds=free)
    return float(-solved.fun)
