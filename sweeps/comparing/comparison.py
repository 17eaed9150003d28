"""Fronts of several sweeps against each other, as far as seeds and clips can tell them apart."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.comparing.compared_fronts import ComparedFront
from sweeps.comparing.evidence import FEWEST_SEEDS, Estimate, Evidence
from sweeps.comparing.front_pairs import Pair, compared_volumes
from sweeps.comparing.size_classes import Contest, contests, size_and_judge


@dataclass(frozen=True)
class Comparison:
    """What page, table and JSON tell."""

    fronts: tuple[ComparedFront, ...]
    hypervolumes: tuple[Estimate, ...]
    pairs: tuple[Pair, ...]
    contests: tuple[Contest, ...]
    no_interval: str | None  # why there are no intervals
    drawn: str | None  # what the intervals are over

    @property
    def labels(self) -> list[str]:
        """What the fronts are called."""
        return [compared.label for compared in self.fronts]

    def to_json(self) -> dict[str, Any]:
        """Plain values; an interval or a winner that nothing vouches for is null."""
        first = self.fronts[0].front
        return {
            "objectives": [objective.model_dump() for objective in first.objectives],
            "reference_point": first.reference_point,
            "fronts": [
                {
                    "label": one.label,
                    "folder": str(one.folder),
                    "sweep_id": one.front.sweep_id,
                    "state": one.state,
                    "trials": one.front.trials,
                    "budget": one.spec.budget.model_dump(),
                    "confirmed": one.front.confirmed,
                    **one.hashes,
                    "points": len(one.front.points),
                    "hypervolume": _estimate_json(volume),
                }
                for one, volume in zip(self.fronts, self.hypervolumes, strict=True)
            ],
            "pairs": [
                {
                    "first": self.labels[pair.first],
                    "other": self.labels[pair.other],
                    "hypervolume_difference": _estimate_json(pair.hypervolume),
                    "additive_epsilon": pair.epsilon,
                    "coverage": pair.coverage,
                }
                for pair in self.pairs
            ],
            "size_classes": [self._contest_json(contest) for contest in self.contests],
            "no_interval": self.no_interval,
            "intervals_drawn": self.drawn,
        }

    def _contest_json(self, contest: Contest) -> dict[str, Any]:
        size, judge = size_and_judge(self.fronts[0].front) or (None, None)
        return {
            "metric": size and size.metric,
            "from": contest.size.low,
            "to": contest.size.high,
            "judged_by": judge and judge.metric,
            "best": dict(zip(self.labels, contest.best, strict=True)),
            "leader": None if contest.leader is None else self.labels[contest.leader],
            "p_value": contest.p_value,
            "winner": None if contest.winner is None else self.labels[contest.winner],
        }


def compare(fronts: Sequence[ComparedFront]) -> Comparison:
    """Compare fronts that may be compared (`sweeps.comparing.compared_fronts.read_fronts`)."""
    reason = _no_interval(fronts)
    evidence = None if reason else Evidence(fronts)
    own = [compared.front for compared in fronts]
    volumes, pairs = compared_volumes(own, evidence)
    drawn = evidence.words() if evidence else None
    return Comparison(
        tuple(fronts),
        tuple(volumes),
        tuple(pairs),
        tuple(contests(own, evidence)),
        reason,
        drawn,
    )


def _no_interval(fronts: Sequence[ComparedFront]) -> str | None:
    for compared in fronts:
        place = shlex.quote(str(compared.folder))
        if not compared.front.confirmed or not compared.repeated:
            return f"{compared.label} was not trained again with fresh seeds; `dfkd front confirm {place}` does it"
        if min(len(trial.seeds) for trial in compared.repeated) < FEWEST_SEEDS:
            return f"{compared.label} has one fresh seed a point; `dfkd front confirm {place} --seeds 3` adds more"
    return None


def _estimate_json(estimate: Estimate) -> dict[str, Any]:
    bounds = None if estimate.interval is None else list(estimate.interval)
    return {"value": estimate.value, "interval_95": bounds, "p_value": estimate.p_value}
