"""Classes of size, and which of several fronts offers the most in each.

A class runs from one edge to the next: thirds of a decade (at 1, 2 and 5) or, where those would be many, decades. What
a front offers in a class is its best value among all points up to the class's upper edge: a smaller model that is
better than what others have in the class wins there, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from dfkd_core.scoring.confidence import LEVEL
from sweeps.comparing.evidence import Evidence
from sweeps.definition.objectives import Objective
from sweeps.fronts.choose import decade_objective
from sweeps.fronts.front import Front, FrontPoint
from sweeps.trust.membership import holm

MOST_THIRDS = 9  # more classes than that, and they are decades
MANTISSAS = (1.0, 2.0, 5.0)


@dataclass(frozen=True)
class SizeClass:
    """Sizes from `low` up to, but not including, `high`."""

    low: float
    high: float


@dataclass(frozen=True)
class Contest:
    """What each front offers in a class (None: nothing so small), and who offers most (None: equal).

    p_value: of so large a lead by luck, the largest over all others, enlarged for the number of classes
    (`sweeps.trust.membership.holm`); None where seeds were not repeated, or nobody else offers anything.
    """

    size: SizeClass
    best: tuple[float | None, ...]
    leader: int | None
    p_value: float | None = None

    @classmethod
    def between(
        cls, offers: Sequence[FrontPoint | None], size: SizeClass, judge: Objective, evidence: Evidence | None
    ) -> Contest:
        """The contest of what each front offers in a class; without evidence no lead is told from luck."""
        costs = [math.inf if point is None else judge.cost(point.values[judge.metric]) for point in offers]
        best = tuple(None if point is None else point.values[judge.metric] for point in offers)
        leaders = [side for side, cost in enumerate(costs) if cost == min(costs)]
        if len(leaders) > 1:
            return cls(size, best, None)
        leader = leaders[0]
        others = [side for side, point in enumerate(offers) if point is not None and side != leader]
        if evidence is None or not others:
            return cls(size, best, leader)

        points = [(side, point) for side, point in enumerate(offers) if point is not None]
        slopes = {side: evidence.of_point(side, point.trial, judge.metric) for side, point in points}
        value = {side: point.values[judge.metric] for side, point in points}
        # the probability of so large a lead by luck, over each of the others
        leads = [evidence.estimate(value[leader] - value[side], slopes[leader] - slopes[side]) for side in others]
        return cls(size, best, leader, max(lead.p_value or 0.0 for lead in leads))

    @property
    def is_unopposed(self) -> bool:
        """True where one front alone has something so small."""
        return sum(best is not None for best in self.best) == 1

    @property
    def winner(self) -> int | None:
        """The leader, where seeds and clips can tell its lead from luck."""
        return self.leader if self.p_value is not None and self.p_value < 1 - LEVEL else None


def size_and_judge(front: Front) -> tuple[Objective, Objective] | None:
    """The objective that is cut into classes and the first other one, which decides in them; None without either."""
    size = decade_objective(front)
    judge = next((o for o in front.objectives if size and o.metric != size.metric), None)
    return (size, judge) if size and judge else None


def contests(fronts: Sequence[Front], evidence: Evidence | None) -> list[Contest]:
    """Every class that holds a point of a front."""
    chosen = size_and_judge(fronts[0])
    if chosen is None:
        return []
    size, judge = chosen
    classes = size_classes([point.values[size.metric] for front in fronts for point in front.points])
    offers = [[best_offer(front, size, judge, c) for front in fronts] for c in classes]
    found = [Contest.between(row, c, judge, evidence) for c, row in zip(classes, offers, strict=True)]
    judged = [n for n, contest in enumerate(found) if contest.p_value is not None]
    enlarged = holm(np.array([found[n].p_value for n in judged], dtype=np.float64))
    for n, p_value in zip(judged, enlarged.tolist(), strict=True):
        found[n] = replace(found[n], p_value=p_value)
    return found


def best_offer(front: Front, size: Objective, judge: Objective, size_class: SizeClass) -> FrontPoint | None:
    """The front's best point up to the class's upper edge; None where nothing is that small."""
    small = [point for point in front.points if point.values[size.metric] < size_class.high]
    return min(small, key=lambda point: judge.cost(point.values[judge.metric]), default=None)


def size_classes(sizes: Sequence[float]) -> list[SizeClass]:
    """The classes that hold at least one of the sizes, smallest first; a size of 0 is in none."""
    thirds = _occupied(sizes, MANTISSAS)
    return thirds if len(thirds) <= MOST_THIRDS else _occupied(sizes, MANTISSAS[:1])


def _occupied(sizes: Sequence[float], mantissas: Sequence[float]) -> list[SizeClass]:
    positive = [size for size in sizes if size > 0]
    if not positive:
        return []
    powers = range(math.floor(math.log10(min(positive))), math.floor(math.log10(max(positive))) + 3)
    edges = [float(f"{mantissa:g}e{power}") for power in powers for mantissa in mantissas]
    classes = [SizeClass(low, high) for low, high in pairwise(edges)]
    return [c for c in classes if any(c.low <= size < c.high for size in positive)]
