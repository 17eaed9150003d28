"""Proposals where the front is expected to grow most: a model of every objective, and the volume it promises.

Start-up points fill the space evenly. Then Gaussian processes over the unit cube predict each objective at full
length: what a stopped or running trial will reach is extrapolated from its curve and enters with that much variance
(sweeps/search/extrapolation.py), and a running one without an epoch with what the model expects of it, so that many
workers do not ask for the same point. A learned objective is modelled as its distance from what is usual at its size
(sweeps/search/size_trend.py). Of random points and of neighbours of good ones, the one with the largest expected gain
in hypervolume (sweeps/search/improvement.py) times the chance that it meets the constraints is tried. A configuration
that is known at full length, at work or refused is not tried again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.samplers import RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from scipy.special import ndtr
from threadpoolctl import ThreadpoolController

from sweeps import pareto
from sweeps.search.cube import Array, same_rows
from sweeps.search.even_start import WholePoint, even_row
from sweeps.search.gaussian_process import GaussianProcess, Scales, fit_scales
from sweeps.search.history import Finals, Lesson, Outlook, most_telling, stage_of
from sweeps.search.improvement import directions, expected_improvement
from sweeps.search.size_trend import SizeTrend

NUM_RANDOM, NUM_NEAR = 256, 384  # candidates
NUM_PARENTS = 24
MODELLED, FITTED = 200, 150  # trials that a model holds, and that its scales are fitted to
NOISE, KNOWN_NOISE = 0.02, 1e-4  # of the variance of a learned and of a known objective
NUM_FULL = 2  # trials at full length without which there is no model


@cache
def blas() -> ThreadpoolController:
    """The libraries whose threads are held; looked up once, since that takes as long as a proposal."""
    return ThreadpoolController()


class FrontSampler(WholePoint):
    """One proposal: trial `number` of the sweep with this seed; `stream` seeds its own draws."""

    def __init__(self, seed: int, stream: int, number: int, outlook: Outlook, n_startup_trials: int) -> None:
        self._seed, self._stream, self._number = seed, stream, number
        self._outlook, self._num_startup = outlook, n_startup_trials
        self._params: dict[str, Any] | None = None

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """The proposal's value; a uniform draw where it has none, as when a trial had been drawn in part."""
        if self._params is None:
            lessons = self._outlook.lessons(study.get_trials(deepcopy=False), trial.number)
            with blas().limit(limits=1, user_api="blas"):  # matrices are small: a second thread would only wait
                self._params = self._outlook.cube.params(self._proposal(lessons))
        if param_name in self._params:
            return self._params[param_name]
        return RandomSampler(self._stream).sample_independent(study, trial, param_name, param_distribution)

    def _proposal(self, lessons: Sequence[Lesson]) -> Array:
        """The next point as a row (dimension,)."""
        cube, rng = self._outlook.cube, np.random.default_rng(self._stream)
        finals = Finals.of(lessons, len(self._outlook.reference), self._outlook.num_epochs)
        is_known = finals.is_known
        num_known = sum(lesson.state.is_finished() for lesson, known in zip(lessons, is_known, strict=True) if known)
        num_full = sum(lesson.state is TrialState.COMPLETE for lesson in lessons)
        if num_known < max(2, self._num_startup) or num_full < NUM_FULL:
            return even_row(self._seed, self._number, cube)
        rows = np.array([lesson.row for lesson in lessons])
        belief = Belief.of(self._outlook, lessons, rows, finals)
        parents = rows[belief.best(NUM_PARENTS)]
        near = cube.changed(parents[rng.integers(len(parents), size=NUM_NEAR)], rng)
        candidates = np.vstack([cube.random(NUM_RANDOM, rng), near])
        taken = [lesson.state is not TrialState.PRUNED for lesson in lessons]
        fresh = candidates[~same_rows(candidates, rows[taken])]
        return np.asarray(fresh[int(np.argmax(belief.gain(fresh, rng)))] if len(fresh) else candidates[0])


@dataclass(frozen=True)
class Belief:
    """What is believed of every point: a process for each objective, and one for each constraint that was broken."""

    outlook: Outlook
    objectives: Sequence[GaussianProcess]
    trends: Sequence[SizeTrend | None]  # of the learned objectives
    limits: Sequence[GaussianProcess]
    costs: Array  # (trial, objective) at full length, running trials among them; NaN where nothing is believed
    static: NDArray[np.bool_]

    @classmethod
    def of(cls, outlook: Outlook, lessons: Sequence[Lesson], rows: Array, finals: Finals) -> Belief:
        """From all trials; those at work without an epoch are taken to reach what the others let expect."""
        features, owners = outlook.cube.features(rows)
        costs, variance, static = finals.mean.copy(), np.nan_to_num(finals.variance), finals.static
        at_work = np.array([not lesson.state.is_finished() for lesson in lessons]) & ~finals.is_known
        known = np.flatnonzero(finals.is_known)
        kept = known[most_telling(costs[known], MODELLED)]
        both = np.array([*kept, *np.flatnonzero(at_work)], dtype=np.int64)
        processes: dict[int, GaussianProcess] = {}
        trends: dict[int, SizeTrend | None] = {}
        for index in map(int, [*np.flatnonzero(static), *np.flatnonzero(~static)]):  # sizes first: trends need them
            trend = None if static[index] else SizeTrend(costs[kept][:, static], costs[kept, index])
            scales = fitted_scales(outlook, lessons, features, owners, index, finals)

            def process(those: NDArray[np.int64], j: int, trend: SizeTrend | None, scales: Scales) -> GaussianProcess:
                y, extra = _freed(trend, costs[those][:, static], costs[those, j], variance[those, j])
                return GaussianProcess(features[those], owners, y, extra, scales)

            late = np.flatnonzero(at_work & np.isnan(costs[:, index]))
            if len(late):
                expected = process(kept, index, trend, scales).predict(features[late])[0]
                if trend is not None:
                    mean, spread = trend.usual(costs[late][:, static])
                    expected = mean + spread * expected
                costs[late, index] = expected
            processes[index], trends[index] = process(both, index, trend, scales), trend
        order = range(len(static))
        limits = _limits(lessons, features, owners)
        return cls(outlook, [processes[i] for i in order], [trends[i] for i in order], limits, costs, static)

    def best(self, number: int) -> NDArray[np.int64]:
        """The trials that are believed to be best, by rank."""
        known = np.flatnonzero(np.isfinite(self.costs).all(axis=1))
        order = np.argsort(pareto.ranks(self.costs[known]), kind="stable")
        return np.asarray(known[order[:number]])

    def gain(self, candidates: Array, rng: np.random.Generator) -> Array:
        """Expected gain in hypervolume (point,) of candidate rows, times their chance to meet the constraints."""
        features, _ = self.outlook.cube.features(candidates)
        predicted = [process.predict(features) for process in self.objectives]
        mean, sd = np.column_stack([m for m, _ in predicted]), np.column_stack([s for _, s in predicted])
        sizes = mean[:, self.static]
        for index, trend in enumerate(self.trends):
            if trend is not None:
                usual, spread = trend.usual(sizes)
                mean[:, index] = usual + spread * mean[:, index]
                sd[:, index] *= spread
        reference = np.array(self.outlook.reference)
        known = self.costs[np.isfinite(self.costs).all(axis=1)]
        span = np.maximum(reference - known.min(axis=0), 1e-9)
        front = (known[pareto.non_dominated(known)] - reference) / span
        along = directions(len(reference), rng)
        gain = expected_improvement((mean - reference) / span, sd / span, front, along, rng)
        for limit in self.limits:
            excess, doubt = limit.predict(features)
            gain = gain * ndtr(-excess / doubt)
        return gain


def _freed(trend: SizeTrend | None, sizes: Array, costs: Array, variance: Array) -> tuple[Array, Array]:
    """Costs and variances without what is usual at their sizes."""
    if trend is None:
        return costs, variance
    usual, spread = trend.usual(sizes)
    return (costs - usual) / spread, variance / spread**2


def fitted_scales(
    outlook: Outlook,
    lessons: Sequence[Lesson],
    features: Array,
    owners: NDArray[np.int64],
    objective: int,
    finals: Finals,
) -> Scales:
    """Length scales, fitted anew whenever there are a quarter more trials.

    They are those of the trials that ended first, by nothing but themselves, so that a resumed sweep finds the same.
    """
    is_known = finals.is_known
    ended = {i: lesson.ended for i, lesson in enumerate(lessons) if lesson.ended is not None and is_known[i]}
    stage = stage_of(len(ended))
    if (objective, stage) not in outlook.fitted:
        first = sorted(ended, key=lambda i: (ended[i], lessons[i].number))[:stage]
        then = Finals.of([lessons[i] for i in first], finals.mean.shape[1], outlook.num_epochs)
        known = np.flatnonzero(then.is_known)
        if len(known) < 2:  # too few full lengths among them
            then, known = Finals(finals.mean[first], finals.variance[first], finals.static), np.arange(len(first))
        known = known[most_telling(then.mean[known], FITTED)]
        costs, sizes = then.mean[known, objective], then.mean[known][:, finals.static]
        is_static = bool(finals.static[objective])
        y, extra = _freed(None if is_static else SizeTrend(sizes, costs), sizes, costs, then.variance[known, objective])
        sd = float(y.std()) or 1.0
        chosen, noise = [first[i] for i in known], KNOWN_NOISE if is_static else NOISE
        outlook.fitted[objective, stage] = fit_scales(
            features[chosen], owners, (y - y.mean()) / sd, extra / sd**2, noise
        )
    return outlook.fitted[objective, stage]


def _limits(lessons: Sequence[Lesson], features: Array, owners: NDArray[np.int64]) -> list[GaussianProcess]:
    """Processes of the constraints that some trial broke."""
    found = []
    for name in sorted({name for lesson in lessons for name, value in lesson.violations.items() if value > 0}):
        told = [i for i, lesson in enumerate(lessons) if math.isfinite(lesson.violations.get(name, math.nan))][-FITTED:]
        values = np.array([lessons[i].violations[name] for i in told])
        known, sd = np.zeros(len(told)), float(values.std()) or 1.0
        scales = fit_scales(features[told], owners, (values - values.mean()) / sd, known, 1e-3)
        found.append(GaussianProcess(features[told], owners, values, known, scales))
    return found
