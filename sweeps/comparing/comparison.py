"""Fronts of several sweeps against each other, on the clips that all of them were scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.comparing.compared_fronts import ComparedFront
from sweeps.comparing.front_pairs import Pair, hypervolumes, pairs
from sweeps.comparing.resampling import Estimate, clip_weights, drawn_costs, is_scored, repeated_costs
from sweeps.comparing.size_classes import Contest, contests, size_and_judge
from sweeps.definition.objectives import costs


@dataclass(frozen=True)
class Comparison:
    """What page, table and JSON tell."""

    fronts: tuple[ComparedFront, ...]
    hypervolumes: tuple[Estimate, ...]
    pairs: tuple[Pair, ...]
    contests: tuple[Contest, ...]
    no_interval: str | None  # why there are no intervals

    @property
    def labels(self) -> list[str]:
        """What the fronts are called."""
        return [compared.label for compared in self.fronts]

    def to_json(self) -> dict[str, Any]:
        """Plain values; an interval that could not be had is null."""
        first = self.fronts[0].front
        return {
            "objectives": [objective.model_dump() for objective in first.objectives],
            "reference_point": first.reference_point,
            "fronts": [_front_json(*row) for row in zip(self.fronts, self.hypervolumes, strict=True)],
            "pairs": [self._pair_json(pair) for pair in self.pairs],
            "size_classes": [self._contest_json(contest) for contest in self.contests],
            "no_interval": self.no_interval,
        }

    def _pair_json(self, pair: Pair) -> dict[str, Any]:
        return {
            "first": self.labels[pair.first],
            "other": self.labels[pair.other],
            "hypervolume_difference": _estimate_json(pair.hypervolume),
            "additive_epsilon": _estimate_json(pair.epsilon),
            "coverage": _estimate_json(pair.coverage),
        }

    def _contest_json(self, contest: Contest) -> dict[str, Any]:
        size, judge = size_and_judge(self.fronts[0].front) or (None, None)
        return {
            "metric": size and size.metric,
            "from": contest.size.low,
            "to": contest.size.high,
            "judged_by": judge and judge.metric,
            "best": dict(zip(self.labels, contest.best, strict=True)),
            "winner": None if contest.winner is None else self.labels[contest.winner],
            "share_of_draws": contest.share,
        }


def compare(fronts: Sequence[ComparedFront]) -> Comparison:
    """Compare fronts that may be compared (`sweeps.comparing.compared_fronts.read_fronts`)."""
    reason = _no_interval(fronts)
    draws = None if reason else _draws(fronts)
    tables = [np.array(compared.front.costs()) for compared in fronts]
    first = fronts[0].front
    corner = costs(first.objectives, first.reference_point)
    return Comparison(
        fronts=tuple(fronts),
        hypervolumes=tuple(hypervolumes(tables, draws, corner)),
        pairs=tuple(pairs(tables, draws, corner)),
        contests=tuple(contests([compared.front for compared in fronts], draws)),
        no_interval=reason,
    )


def _no_interval(fronts: Sequence[ComparedFront]) -> str | None:
    if not any(is_scored(objective) for objective in fronts[0].front.objectives):
        return "no objective is a mean over validation clips"
    for compared in fronts:
        missing = [point.trial for point in compared.front.points if point.trial not in compared.tables]
        if missing and not compared.repeated:
            return f"{compared.label} keeps no scores per clip of trial {missing[0]}"
    names = {table.names for compared in fronts for table in compared.tables.values()}
    return None if len(names) <= 1 else "the fronts were scored on different clips"


def _draws(fronts: Sequence[ComparedFront]) -> list[NDArray[np.float64]]:
    return [
        repeated_costs(compared.front, compared.repeated)
        if compared.repeated
        else drawn_costs(compared.front, compared.tables, clip_weights(next(iter(compared.tables.values())).clusters))
        for compared in fronts
    ]


def _front_json(compared: ComparedFront, hypervolume: Estimate) -> dict[str, Any]:
    return {
        "label": compared.label,
        "folder": str(compared.folder),
        "sweep_id": compared.front.sweep_id,
        "state": compared.state,
        "trials": compared.front.trials,
        "budget": {"trials": compared.spec.budget.trials, "epochs_per_trial": compared.spec.budget.epochs_per_trial},
        "confirmed": compared.front.confirmed,
        **compared.hashes,
        "points": len(compared.front.points),
        "hypervolume": _estimate_json(hypervolume),
    }


def _estimate_json(told: Estimate) -> dict[str, Any]:
    return {"value": told.value, "interval_95": None if told.interval is None else list(told.interval)}
