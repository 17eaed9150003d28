"""No configuration twice: a training repeats bit for bit, so a second one of the same values tells nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from sweeps.search.cube import Array
from sweeps.search.even_start import WholePoint
from sweeps.search.history import Outlook, given

MAX_REDRAWS = 40  # a small space may hold nothing else


class FreshSampler(WholePoint):
    """Another sampler's proposals; one that repeats a trial of the study gives way to a neighbour of it.

    In a space without ranges that is an untried configuration which differs in as few values as any. Elsewhere each
    value is drawn uniformly with a probability that grows from redraw to redraw (asked again, TPE would answer the
    same). What a trial has been given already, by `evaluate_first` or before its driver
    died, stays. Trials of a warm start do not count: they are another sweep's, and stand on no front of this one.
    """

    def __init__(self, sampler: BaseSampler, outlook: Outlook, stream: int) -> None:
        self._sampler, self._outlook, self._stream = sampler, outlook, stream
        self._params: dict[str, Any] | None = None

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """As the sampler's own."""
        self._sampler.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """As the sampler's own."""
        self._sampler.after_trial(study, trial, state, values)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """The proposal's value for this parameter."""
        if self._params is None:
            self._params = self._proposal(study, trial)
        return self._params[param_name]

    def _proposal(self, study: Study, trial: FrozenTrial) -> dict[str, Any]:
        rng, uniform = np.random.default_rng(self._stream), RandomSampler(self._stream)
        for redraw in range(MAX_REDRAWS):
            draft = _Draft(self._sampler, uniform, redraw / (MAX_REDRAWS - 1), rng, study, trial)
            self._outlook.space.suggest(draft)
            if not self._outlook.is_taken(draft.params, study, trial.number):
                break
            left = self._outlook.untried(study, trial.number)
            if left is not None:
                return self._nearest(draft.params, left, rng)
        return draft.params

    def _nearest(self, params: dict[str, Any], left: Array, rng: np.random.Generator) -> dict[str, Any]:
        """Of configurations (point, dimension) one with as few other values as can be; `params` where none is left."""
        cube = self._outlook.cube
        if not len(left):
            return params
        num_other = (~np.isclose(left, cube.row(params), equal_nan=True)).sum(axis=1)
        return cube.params(left[rng.choice(np.flatnonzero(num_other == num_other.min()))])


class _Draft:
    """A trial that is not written down: asked for values, it asks the sampler as a study's trial does.

    With probability `looseness` a value is the uniform sampler's.
    """

    def __init__(
        self,
        sampler: BaseSampler,
        uniform: BaseSampler,
        looseness: float,
        rng: np.random.Generator,
        study: Study,
        trial: FrozenTrial,
    ) -> None:
        self._sampler, self._uniform, self._looseness, self._rng = sampler, uniform, looseness, rng
        self._study, self._trial = study, trial
        self._given = given(trial)
        self._relative = sampler.sample_relative(study, trial, sampler.infer_relative_search_space(study, trial))
        self.params: dict[str, Any] = {}

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """A real number."""
        return float(self._suggest(name, FloatDistribution(low, high, log=log, step=step)))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """An integer."""
        return int(self._suggest(name, IntDistribution(low, high, log=log, step=step)))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices."""
        return self._suggest(name, CategoricalDistribution(choices))

    def _suggest(self, name: str, distribution: BaseDistribution) -> Any:
        if name in self._given:
            value = self._given[name]
        elif isinstance(distribution, CategoricalDistribution) and distribution.single():
            value = distribution.choices[0]
        elif isinstance(distribution, FloatDistribution | IntDistribution) and distribution.single():
            value = distribution.low
        elif self._rng.random() < self._looseness:
            value = self._uniform.sample_independent(self._study, self._trial, name, distribution)
        elif name in self._relative:
            value = self._relative[name]
        else:
            value = self._sampler.sample_independent(self._study, self._trial, name, distribution)
        self.params[name] = value
        return value
