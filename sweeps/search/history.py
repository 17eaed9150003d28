"""What a model of the search may learn from: every trial of a study as a row of the unit cube, with its curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from search_spaces.space import Space
from sweeps import pareto
from sweeps.search.cube import Array, Cube, same_rows
from sweeps.search.extrapolation import expected_finals
from sweeps.search.gaussian_process import Scales
from sweeps.search.recall import Recall, RecalledStudy

Curves = Mapping[int, tuple[float, ...]]  # epoch -> costs, NaN for what is not known yet; 0: before training
GROWTH = 1.25  # what was fitted is fitted anew when there are so many times as many trials
FIRST = 4
COUNTED = 1 << 14  # configurations: a space that holds more is not gone through


Point = frozenset[tuple[str, object]]  # values by parameter


def given(trial: FrozenTrial) -> dict[str, Any]:
    """What a trial was given, also where it still waits."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def point_of(params: Mapping[str, Any]) -> Point:
    """Values by parameter as one thing that can be looked up; 1, 1.0 and True are one value, as they are in a list."""
    return frozenset((name, value if isinstance(value, Hashable) else repr(value)) for name, value in params.items())


def trial_at(study: Study, number: int) -> FrozenTrial:
    """One trial of a study; a list of all of them costs more with every trial. KeyError where there is none yet."""
    storage = study._storage
    return storage.get_trial(storage.get_trial_id_from_study_id_trial_number(study._study_id, number))


@dataclass
class Turnout:
    """Which trials of a study have come and which have ended, without going again through those that had."""

    num_seen: int = 0
    unfinished: set[int] = field(default_factory=set)

    def ended(self, study: Study) -> list[FrozenTrial]:
        """The trials that have ended since the last call."""
        with suppress(KeyError):
            while True:
                trial_at(study, self.num_seen)
                self.unfinished.add(self.num_seen)
                self.num_seen += 1
        ended = [trial for n in sorted(self.unfinished) if (trial := trial_at(study, n)).state.is_finished()]
        self.unfinished.difference_update(trial.number for trial in ended)
        return ended


@dataclass(frozen=True)
class Lesson:
    """One trial: its row, costs by epoch, state and by how much it breaks each constraint."""

    number: int
    row: Array
    curves: Curves
    state: TrialState
    violations: Mapping[str, float]
    ended: datetime | None


@dataclass
class Outlook:
    """A sweep as its sampler sees it; `curves_of` reads costs by epoch, `stopped` names what is no real constraint."""

    space: Space
    num_epochs: int
    reference: tuple[float, ...]
    curves_of: Callable[[FrozenTrial], Curves]
    stopped: str = ""
    num_others: int = 0  # trials in front that are another sweep's
    fitted: dict[tuple[int, int], Scales] = field(default_factory=dict)  # by objective and number of trials
    _finished: dict[int, Lesson] = field(default_factory=dict)
    _taken: set[Point] = field(default_factory=set)
    _recall: Recall = field(default_factory=Recall)
    _turnout: Turnout = field(default_factory=Turnout)

    def __post_init__(self) -> None:
        self.cube = Cube(self.space)

    def is_taken(self, params: Mapping[str, Any], study: Study, asking: int) -> bool:
        """Whether another trial of the sweep was given these values, or waits with them."""
        self._look(study)
        waiting = (given(trial_at(study, n)) for n in self._turnout.unfinished if n >= self.num_others and n != asking)
        return point_of(params) in self._taken or any(params == other for other in waiting)

    def untried(self, study: Study, asking: int | None = None) -> Array | None:
        """The configurations (point, dimension) that no other trial of the sweep has; None for an endless space.

        Those for a trial that is asking have what it was given.
        """
        if self._points is None:
            return None
        self._look(study)
        own = (trial_at(study, n) for n in range(self.num_others, self._turnout.num_seen) if n != asking)
        tried = [self.cube.row(given(trial)) for trial in own]
        left = self._points[~same_rows(self._points, np.array(tried))] if tried else self._points
        fixed = self.cube.row({} if asking is None else given(trial_at(study, asking)))
        return np.asarray(left[(np.isnan(fixed) | np.isclose(left, fixed)).all(axis=1)])

    def is_used_up(self, study: Study) -> bool:
        """Whether every configuration of a space without ranges has a trial."""
        self._look(study)
        if self._points is None or self._turnout.num_seen - self.num_others < len(self._points):
            return False
        left = self.untried(study)
        return left is not None and not len(left)

    @property
    def num_points(self) -> int | None:
        """How many configurations the space has; None for an endless one."""
        return None if self._points is None else len(self._points)

    @cached_property
    def _points(self) -> Array | None:
        return self.cube.all_rows(COUNTED)

    def recalled(self, study: Study) -> RecalledStudy:
        """The study with no more finished trials than a sampler can go through quickly, and all that are at work."""
        self._look(study)
        at_work = [trial_at(study, number) for number in sorted(self._turnout.unfinished)]
        return RecalledStudy(study, [*self._recall.trials(), *at_work])

    def _look(self, study: Study) -> None:
        """Take in the trials that have ended since the last look."""
        ended = self._turnout.ended(study)
        self._recall.tell(ended)
        self._taken.update(point_of(given(trial)) for trial in ended if trial.number >= self.num_others)

    def lessons(self, trials: Sequence[FrozenTrial], asking: int) -> list[Lesson]:
        """Every trial but the one that is asking; finished ones are read once."""
        return [self._lesson(trial) for trial in trials if trial.number != asking and trial.params]

    def _lesson(self, trial: FrozenTrial) -> Lesson:
        known = self._finished.get(trial.number)
        if known is not None:
            return known
        violations = {name: value for name, value in trial.constraints.items() if name != self.stopped}
        row = self.cube.row(trial.params)
        lesson = Lesson(trial.number, row, self.curves_of(trial), trial.state, violations, trial.datetime_complete)
        if trial.state.is_finished():
            self._finished[trial.number] = lesson
        return lesson


@dataclass(frozen=True)
class Finals:
    """Expected costs at full length (trial, objective) and their variances; NaN where nothing is known."""

    mean: Array
    variance: Array
    static: NDArray[np.bool_]  # (objective,): known before training

    @classmethod
    def of(cls, lessons: Sequence[Lesson], num_objectives: int, num_epochs: int) -> Finals:
        """From the trials' curves; failed trials teach nothing."""
        mean = np.full((len(lessons), num_objectives), math.nan)
        variance = np.full_like(mean, math.nan)
        static = np.zeros(num_objectives, dtype=np.bool_)
        usable = [lesson.state is not TrialState.FAIL for lesson in lessons]
        for objective in range(num_objectives):
            curves = [
                {epoch: costs[objective] for epoch, costs in lesson.curves.items() if math.isfinite(costs[objective])}
                if use
                else {}
                for lesson, use in zip(lessons, usable, strict=True)
            ]
            static[objective] = any(0 in curve for curve in curves)
            if static[objective]:
                for index, curve in enumerate(curves):
                    if curve:
                        mean[index, objective], variance[index, objective] = next(iter(curve.values())), 0.0
            else:
                mean[:, objective], variance[:, objective] = expected_finals(curves, num_epochs)
        return cls(mean, variance, static)

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """(trial,): every objective has an expectation."""
        return np.asarray(np.isfinite(self.mean).all(axis=1))


def most_telling(costs: Array, number: int) -> NDArray[np.int64]:
    """At most `number` rows of costs (trial, objective): two thirds the best by rank, the rest from all others."""
    if len(costs) <= number:
        return np.arange(len(costs))
    order = np.argsort(pareto.ranks(costs), kind="stable")
    num_best = 2 * number // 3
    others = order[num_best:]
    spread = others[np.linspace(0, len(others) - 1, number - num_best).astype(np.int64)]
    return np.asarray(np.sort([*order[:num_best], *spread]))


def stage_of(number: int) -> int:
    """The largest of 4, 5, 6, 7, 8, 10, 12, 15 ... that is not above `number`: when to fit anew."""
    stage = FIRST
    while (following := max(stage + 1, int(stage * GROWTH))) <= number:
        stage = following
    return stage
