"""Indicators of several fronts against each other: hypervolume, additive epsilon, coverage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from sweeps import pareto
from sweeps.comparing.evidence import Estimate, Evidence
from sweeps.definition.objectives import costs
from sweeps.fronts.front import Front

Costs = NDArray[np.float64]  # (point, objective)


@dataclass(frozen=True)
class Pair:
    """What the first front is to the other.

    hypervolume: the first's less the other's. epsilon: in shares of the range that all compared fronts span together
    in each objective, on its scale. coverage: share of the other's points. The last two jump where points change
    places, so that they have no interval.
    """

    first: int
    other: int
    hypervolume: Estimate
    epsilon: float
    coverage: float


def compared_volumes(fronts: Sequence[Front], evidence: Evidence | None) -> tuple[list[Estimate], list[Pair]]:
    """The hypervolume of each front up to the common reference point, and every ordered pair."""
    tables = [np.array(front.costs()) for front in fronts]
    corner = costs(fronts[0].objectives, fronts[0].reference_point)
    volumes = [pareto.hypervolume(table, corner) for table in tables]
    slopes = [evidence.of_hypervolume(side, front) for side, front in enumerate(fronts)] if evidence else []
    shares = [common_units(tables)(table) for table in tables]

    def less(i: int, j: int) -> Estimate:
        value = volumes[i] - volumes[j]
        return evidence.estimate(value, slopes[i] - slopes[j]) if evidence else Estimate(value)

    alone = (
        [evidence.estimate(v, s) for v, s in zip(volumes, slopes, strict=True)] if evidence else map(Estimate, volumes)
    )
    return list(alone), [
        Pair(i, j, less(i, j), pareto.additive_epsilon(shares[i], shares[j]), pareto.coverage(shares[i], shares[j]))
        for i, j in permutations(range(len(fronts)), 2)
    ]


def common_units(tables: Sequence[Costs]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """From costs to shares of the range that all fronts span together: 0 is the best of all, 1 the worst.

    An infinite cost (a size of 0 on a log scale) counts as the best or the worst finite one.
    """
    union = np.vstack(tables)
    finite = np.where(np.isfinite(union), union, np.nan)
    best, worst = np.nanmin(finite, axis=0), np.nanmax(finite, axis=0)
    span = np.where(worst > best, worst - best, 1.0)

    def shares(costs: NDArray[np.float64]) -> NDArray[np.float64]:
        tamed = np.where(np.isfinite(costs), costs, np.where(costs > 0, worst, best))
        return np.asarray((tamed - best) / span)

    return shares
