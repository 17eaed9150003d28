"""How a point of a front is chosen: by its number, at the knee, by a metric within bounds, one per decade of size.

A confirmed front is judged by the means over fresh seeds; the chosen point is the search's all the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dfkd_core.errors import ConfigError
from sweeps import pareto
from sweeps.definition.metric_facts import goal_of
from sweeps.definition.objectives import Objective, across_and_up, costs
from sweeps.fronts.front import Front, FrontPoint, has_point

NEAR_BEST = 0.1  # share of the front's range of quality that a point may be worse than the best


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


def choose_trial(front: Front, trial: int) -> Choice:
    """The point of one trial: of the front, or any other complete one, which is then said."""
    if any(point.trial == trial for point in front.points):
        return Choice(front.point(trial), f"Trial {trial} was named.")
    record = next((record for record in front.records() if record.number == trial), None)
    if record is None or not has_point(record, front.objectives):
        known = ", ".join(str(point.trial) for point in front.points) or "none"
        state = "" if record is None else f" ({record.state})"
        raise ConfigError(f"must be a complete trial, but got {trial}{state}; on the front: {known}")
    point = next(point for point in front.complete() if point.trial == trial)
    return Choice(point, f"Trial {trial} was named; {beside_the_front(front, point)}.")


def knee_of(front: Front) -> FrontPoint | None:
    """The knee of a front (`sweeps.pareto.knee`), by means over fresh seeds where it is confirmed; None without one."""
    found = pareto.knee(front.at_means().costs()) if front.points else None
    return None if found is None else front.points[found]


def choose_knee(front: Front) -> Choice:
    """The knee; of a front without one the smallest of its good points (`_small_and_good`), which is then said."""
    _refuse_empty(front)
    if len(front.points) == 1:
        return Choice(front.points[0], f"Trial {front.points[0].trial} is the front's only point.")
    point = knee_of(front)
    if point is None:
        return _small_and_good(front)
    size, quality = across_and_up(front.objectives)
    if len(front.objectives) > 2:
        where = "furthest beyond the mixtures of the extremes"
    else:
        where = f"furthest {'above' if quality.goal == 'maximize' else 'below'} the line between the extremes"
    return Choice(
        point,
        f"Trial {point.trial} is the knee: of the front's {len(front.points)} points it lies {where} "
        f"({quality.metric} over {size.metric}){_by_means(front)}.",
    )


def _small_and_good(front: Front) -> Choice:
    """The least size among the points whose quality is within NEAR_BEST of its range from the best, on the scales."""
    size, quality = across_and_up(front.objectives)
    points = front.at_means().points
    loss = [quality.cost(point.values[quality.metric]) for point in points]
    span = max(loss) - min(loss)
    limit = min(loss) + (NEAR_BEST * span + pareto.ROUNDING if math.isfinite(span) else 0.0)
    near = [point for point, lost in zip(points, loss, strict=True) if lost <= limit]
    chosen = min(near, key=lambda p: (size.cost(p.values[size.metric]), quality.cost(p.values[quality.metric])))
    best = f"the best {size.metric} ({_number(chosen, size.metric)})" if size != quality else "the best"
    return Choice(
        front.point(chosen.trial),
        f"No knee: no point lies beyond the line between the extremes. Trial {chosen.trial} has {best} "
        f"within a tenth of the front's range of {quality.metric} from its best{_by_means(front)}.",
    )


def choose_best(
    front: Front,
    metric: str,
    *,
    at_most: Mapping[str, float] | None = None,
    at_least: Mapping[str, float] | None = None,
) -> Choice:
    """The point with the best `metric` among those within the bounds, by metric; ConfigError when none is.

    The front holds the best for bounds on objectives. A bound on anything else is a question to all complete trials:
    one that the front's points beat in every objective may be the only one to meet it.
    """
    _refuse_empty(front)
    bounds = Bounds(at_most or {}, at_least or {})
    beyond = bounds.asks_beyond(front)
    field = front.complete() if beyond else front.points
    for name in (metric, *bounds.metrics):
        _refuse_unmeasured(field, name, every=not beyond)
    judged = best_first(front, field, metric)
    allowed = [point for point in judged if bounds.admit(point)]
    if not allowed:
        raise ConfigError(bounds.refusal(judged, "there is no complete trial" if beyond else "the front has none"))
    chosen = next(point for point in field if point.trial == allowed[0].trial)
    where = f"of all {len(field)} complete trials" if beyond else "on the front"
    why = f"Trial {chosen.trial} has the best {metric} ({_number(allowed[0], metric)}) {where}{bounds.said()}"
    if beyond and chosen not in front.points:
        why += f"; {beside_the_front(front, chosen)}"
    return Choice(chosen, f"{why}{_by_means(front)}.")


def best_first(front: Front, points: Iterable[FrontPoint], metric: str) -> list[FrontPoint]:
    """The points that measured `metric`, the best first; of equal ones the smaller cost in the objectives.

    Those of a confirmed front are told, and judged, at the means of their fresh seeds. ConfigError when nothing says
    where better lies.
    """
    goal = goal_of(metric, front.objectives)
    judged = [point.at_mean() if front.confirmed else point for point in points]
    measured = [point for point in judged if point.measured(metric) is not None]
    cost = {"maximize": lambda value: -value, "minimize": lambda value: value, "zero": abs}[goal]
    return sorted(measured, key=lambda p: (cost(_value(p, metric)), costs(front.objectives, p.values), p.trial))


def beaten(front: Front, points: Iterable[FrontPoint]) -> dict[int, int]:
    """By trial, the first trial on the front that beats it in the objectives; what is on the front is absent."""
    best = np.array(front.costs()).reshape(-1, len(front.objectives))
    found: dict[int, int] = {}
    for point in points:
        cost = np.array(costs(front.objectives, point.values))
        better = np.flatnonzero(np.all(best <= cost, axis=1) & np.any(best < cost, axis=1))
        if len(better):
            found[point.trial] = front.points[better[0]].trial
    return found


def beside_the_front(front: Front, point: FrontPoint) -> str:
    """Why a complete trial is not on the front."""
    better = beaten(front, [point]).get(point.trial)
    return "it is not on the front" + ("" if better is None else f": trial {better} beats it in the objectives")


def choose_per_decade(front: Front) -> list[Choice]:
    """The best point in each decade of the first minimised log objective, judged by the first other objective."""
    _refuse_empty(front)
    size = decade_objective(front)
    if size is None:
        raise ConfigError("must have a minimised objective with scale log to be cut into decades; use --best instead")
    judge = next((o for o in front.objectives if o.metric != size.metric), size)
    decades: dict[int, list[FrontPoint]] = {}
    for point in front.at_means().points:
        if point.values[size.metric] <= 0:
            rule = f"must be above 0 to lie in a decade, but is {point.values[size.metric]:g} in trial {point.trial}"
            raise ConfigError(f"{rule}; use --best instead", key=size.metric)
        decades.setdefault(math.floor(math.log10(point.values[size.metric])), []).append(point)
    choices = []
    for decade, points in sorted(decades.items()):
        best = min(points, key=lambda p: judge.cost(p.values[judge.metric]))
        why = (
            f"Trial {best.trial} has the best {judge.metric} ({_number(best, judge.metric)}) of the {len(points)} "
            f"front points with {size.metric} from 1e{decade} to 1e{decade + 1}{_by_means(front)}."
        )
        choices.append(Choice(front.point(best.trial), why))
    return choices


def decade_objective(front: Front) -> Objective | None:
    """The objective that is cut into decades: the first that is minimised on a log scale."""
    return next((o for o in front.objectives if o.goal == "minimize" and o.scale == "log"), None)


@dataclass(frozen=True)
class Bounds:
    """Limits by metric, in the metrics' own units."""

    at_most: Mapping[str, float]
    at_least: Mapping[str, float]

    @property
    def metrics(self) -> list[str]:
        """What is bounded."""
        return [*self.at_most, *self.at_least]

    def asks_beyond(self, front: Front) -> bool:
        """True when a bound is on what is no objective, so that a dominated trial may be the answer."""
        return not {objective.metric for objective in front.objectives}.issuperset(self.metrics)

    def excess(self, point: FrontPoint) -> float:
        """The largest relative distance past a bound; <= 0 inside, infinite where a metric was not measured."""
        over = [(_value(point, m) - limit) / (abs(limit) or 1.0) for m, limit in self.at_most.items()]
        under = [(limit - _value(point, m)) / (abs(limit) or 1.0) for m, limit in self.at_least.items()]
        return max((math.inf if math.isnan(past) else past for past in over + under), default=0.0)

    def admit(self, point: FrontPoint) -> bool:
        """True inside all bounds."""
        return self.excess(point) <= 0

    def said(self) -> str:
        """The bounds in words, with a space before; empty without any."""
        parts = [f"{m} <= {limit:g}" for m, limit in self.at_most.items()]
        parts += [f"{m} >= {limit:g}" for m, limit in self.at_least.items()]
        return f" with {' and '.join(parts)}" if parts else ""

    def refusal(self, points: Sequence[FrontPoint], none: str) -> str:
        """Why nothing can be chosen, and what comes nearest."""
        nearest = min(points, key=self.excess)
        has = ", ".join(f"{m} {_number(nearest, m)}" for m in dict.fromkeys(self.metrics))
        return f"must leave a point, but {none}{self.said()}; the nearest is trial {nearest.trial} with {has}"


def _by_means(front: Front) -> str:
    return ", by the means of its fresh seeds" if front.confirmed else ""


def _refuse_empty(front: Front) -> None:
    if not front.points:
        counted = ", ".join(f"{n} {state}" for state, n in front.trials.items() if n) or "no trials"
        raise ConfigError(f"must have a complete trial to choose from, but has {counted}; resume the sweep first")


def _refuse_unmeasured(points: Sequence[FrontPoint], metric: str, *, every: bool) -> None:
    if not points:
        rule = "must have complete trials with the front's objectives, but has none; its front.json is another sweep's"
        raise ConfigError(f"{rule}, or was edited: `dfkd sweep sync` writes it anew")
    having = [point.measured(metric) is not None for point in points]
    if not (all(having) if every else any(having)):
        names = [{*p.values, *p.metrics} for p in points]
        known = sorted(set.intersection(*names) if every else set.union(*names))
        whose = "every point" if every else "a complete trial"
        raise ConfigError(f"must be a metric of {whose}, but got {metric!r}; measured are {', '.join(known)}")


def _value(point: FrontPoint, metric: str) -> float:
    value = point.measured(metric)
    return math.nan if value is None else value


def _number(point: FrontPoint, metric: str) -> str:
    return f"{_value(point, metric):.6g}"
