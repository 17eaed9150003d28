"""Indicators of several fronts against each other: hypervolume, additive epsilon, coverage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweeps import pareto
from sweeps.comparing.resampling import Estimate, estimate

Costs = NDArray[np.float64]  # (point, objective)
Draws = NDArray[np.float64]  # (draw, point, objective)
Indicator = Callable[[ArrayLike, ArrayLike], float]


@dataclass(frozen=True)
class Pair:
    """What the first front is to the other.

    hypervolume: the first's less the other's. epsilon: in shares of the range that all compared fronts span together
    in each objective, on its scale. coverage: share of the other's points.
    """

    first: int
    other: int
    hypervolume: Estimate
    epsilon: Estimate
    coverage: Estimate


def hypervolumes(tables: Sequence[Costs], draws: Sequence[Draws] | None, corner: Sequence[float]) -> list[Estimate]:
    """The hypervolume of each front up to the corner (objective,)."""
    drawn = _drawn_volumes(tables, draws, corner)
    return [estimate(pareto.hypervolume(table, corner), again) for table, again in zip(tables, drawn, strict=True)]


def pairs(tables: Sequence[Costs], draws: Sequence[Draws] | None, corner: Sequence[float]) -> list[Pair]:
    """Every ordered pair of fronts."""
    volumes, drawn = [pareto.hypervolume(table, corner) for table in tables], _drawn_volumes(tables, draws, corner)
    scaled = common_units(tables)
    shares = [scaled(table) for table in tables]
    share_draws = [None] * len(tables) if draws is None else [scaled(draw) for draw in draws]

    def against(indicator: Indicator, i: int, j: int) -> Estimate:
        return estimate(indicator(shares[i], shares[j]), _each(indicator, share_draws[i], share_draws[j]))

    return [
        Pair(
            first=i,
            other=j,
            hypervolume=estimate(volumes[i] - volumes[j], _difference(drawn[i], drawn[j])),
            epsilon=against(pareto.additive_epsilon, i, j),
            coverage=against(pareto.coverage, i, j),
        )
        for i, j in permutations(range(len(tables)), 2)
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


def _drawn_volumes(
    tables: Sequence[Costs], draws: Sequence[Draws] | None, corner: Sequence[float]
) -> list[NDArray[np.float64] | None]:
    if draws is None:
        return [None] * len(tables)
    return [np.array([pareto.hypervolume(points, corner) for points in front]) for front in draws]


def _difference(first: NDArray[np.float64] | None, other: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    return None if first is None or other is None else first - other


def _each(indicator: Indicator, first: Draws | None, other: Draws | None) -> NDArray[np.float64] | None:
    if first is None or other is None:
        return None
    return np.array([indicator(a, b) for a, b in zip(first, other, strict=True)])
