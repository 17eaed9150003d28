"""How a point of a front is chosen: by its number, at the knee, by a metric within bounds, one per decade of size.

A confirmed front is judged by the means over fresh seeds; the chosen point is the search's all the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dfkd_core.errors import ConfigError
from sweeps import pareto
from sweeps.definition.metric_facts import goal_of
from sweeps.definition.objectives import Objective
from sweeps.fronts.front import Front, FrontPoint, front_point, has_point
from sweeps.record.trials import TrialRecord


@dataclass(frozen=True)
class Choice:
    """A point and one sentence that says why it was chosen."""

    point: FrontPoint
    why: str


@dataclass(frozen=True)
class Rules:
    """What a user asked for: exactly one of the first four, with bounds for `best`."""

    trial: int | None = None
    knee: bool = False
    best: str | None = None
    per_decade: bool = False
    at_most: Mapping[str, float] = field(default_factory=dict)
    at_least: Mapping[str, float] = field(default_factory=dict)


def choose(front: Front, rules: Rules) -> list[Choice]:
    """The points that the rules name; ConfigError when they name none or contradict each other."""
    asked = [rules.trial is not None, rules.knee, rules.best is not None, rules.per_decade]
    if sum(asked) != 1:
        raise ConfigError("must be told how to choose: one of --trial N, --knee, --best METRIC, --per-decade")
    if rules.best is not None:
        return [choose_best(front, rules.best, at_most=rules.at_most, at_least=rules.at_least)]
    if rules.at_most or rules.at_least:
        raise ConfigError("--max and --min go with --best METRIC")
    if rules.trial is not None:
        return [choose_trial(front, rules.trial)]
    return [choose_knee(front)] if rules.knee else choose_per_decade(front)


def choose_trial(front: Front, trial: int, records: Iterable[TrialRecord] = ()) -> Choice:
    """The point of one trial; with the sweep's records at hand any complete trial can be named."""
    found = next((r for r in records if r.number == trial and has_point(r, front.objectives)), None)
    if found is None or any(point.trial == trial for point in front.points):
        return Choice(front.point(trial), f"Trial {trial} was named.")
    return Choice(front_point(found, front.objectives, None), f"Trial {trial} was named; it is not on the front.")


def choose_knee(front: Front) -> Choice:
    """The point furthest below the line between the extremes, on the objectives' scales (`sweeps.pareto.knee`)."""
    _refuse_empty(front)
    point = front.points[pareto.knee(front.at_means().costs())]
    if len(front.points) == 1:
        return Choice(point, f"Trial {point.trial} is the front's only point.")
    return Choice(
        point,
        f"Trial {point.trial} is the knee: of the front's {len(front.points)} points it lies furthest below "
        f"the line between the extremes{_by_means(front)}.",
    )


def choose_best(
    front: Front,
    metric: str,
    *,
    at_most: Mapping[str, float] | None = None,
    at_least: Mapping[str, float] | None = None,
) -> Choice:
    """The point with the best `metric` among those within the bounds, by metric; ConfigError when none is."""
    _refuse_empty(front)
    bounds = _Bounds(at_most or {}, at_least or {})
    for name in (metric, *bounds.metrics):
        _refuse_unmeasured(front, name)
    judged = front.at_means()
    allowed = [point for point in judged.points if bounds.admit(point)]
    if not allowed:
        raise ConfigError(bounds.refusal(judged))
    goal = goal_of(metric, front.objectives)
    point = min(allowed, key=lambda p: _badness(p, metric, goal))
    best = f"Trial {point.trial} has the best {metric} ({_number(point, metric)}) on the front"
    return Choice(front.point(point.trial), f"{best}{bounds.said()}{_by_means(front)}.")


def choose_per_decade(front: Front) -> list[Choice]:
    """The best point in each decade of the first minimised log objective, judged by the first other objective."""
    _refuse_empty(front)
    size = decade_objective(front)
    if size is None:
        raise ConfigError("must have a minimised objective with scale log to be cut into decades; use --best instead")
    judge = next((o for o in front.objectives if o.metric != size.metric), size)
    decades: dict[int, list[FrontPoint]] = {}
    for point in front.at_means().points:
        decades.setdefault(math.floor(math.log10(point.values[size.metric])), []).append(point)
    return [_best_of_decade(front, decade, decades[decade], size, judge) for decade in sorted(decades)]


def decade_objective(front: Front) -> Objective | None:
    """The objective that is cut into decades: the first that is minimised on a log scale."""
    return next((o for o in front.objectives if o.goal == "minimize" and o.scale == "log"), None)


@dataclass(frozen=True)
class _Bounds:
    at_most: Mapping[str, float]
    at_least: Mapping[str, float]

    @property
    def metrics(self) -> list[str]:
        return [*self.at_most, *self.at_least]

    def excess(self, point: FrontPoint) -> float:
        """The largest relative distance past a bound; <= 0 inside."""
        over = [(_value(point, m) - limit) / (abs(limit) or 1.0) for m, limit in self.at_most.items()]
        under = [(limit - _value(point, m)) / (abs(limit) or 1.0) for m, limit in self.at_least.items()]
        return max(over + under, default=0.0)

    def admit(self, point: FrontPoint) -> bool:
        return self.excess(point) <= 0

    def said(self) -> str:
        parts = [f"{m} <= {limit:g}" for m, limit in self.at_most.items()]
        parts += [f"{m} >= {limit:g}" for m, limit in self.at_least.items()]
        return f" with {' and '.join(parts)}" if parts else ""

    def refusal(self, front: Front) -> str:
        nearest = min(front.points, key=self.excess)
        has = ", ".join(f"{m} {_number(nearest, m)}" for m in dict.fromkeys(self.metrics))
        return (
            f"must leave a point, but the front has none{self.said()}; the nearest is trial {nearest.trial} with {has}"
        )


def _best_of_decade(
    front: Front, decade: int, points: Sequence[FrontPoint], size: Objective, judge: Objective
) -> Choice:
    point = min(points, key=lambda p: judge.cost(p.values[judge.metric]))
    return Choice(
        front.point(point.trial),
        f"Trial {point.trial} has the best {judge.metric} ({_number(point, judge.metric)}) of the {len(points)} "
        f"front points with {size.metric} from 1e{decade} to 1e{decade + 1}{_by_means(front)}.",
    )


def _by_means(front: Front) -> str:
    return ", by the means of its fresh seeds" if front.confirmed else ""


def _refuse_empty(front: Front) -> None:
    if not front.points:
        counted = ", ".join(f"{n} {state}" for state, n in front.trials.items() if n) or "no trials"
        raise ConfigError(f"must have a complete trial to choose from, but has {counted}; resume the sweep first")


def _refuse_unmeasured(front: Front, metric: str) -> None:
    if any(point.measured(metric) is None for point in front.points):
        known = sorted(set.intersection(*({*p.values, *p.metrics} for p in front.points)))
        raise ConfigError(f"must be a metric of every point, but got {metric!r}; measured are {', '.join(known)}")


def _badness(point: FrontPoint, metric: str, goal: str) -> float:
    value = _value(point, metric)
    return {"maximize": -value, "minimize": value, "zero": abs(value)}[goal]


def _value(point: FrontPoint, metric: str) -> float:
    value = point.measured(metric)
    return math.nan if value is None else value


def _number(point: FrontPoint, metric: str) -> str:
    return f"{_value(point, metric):.6g}"
