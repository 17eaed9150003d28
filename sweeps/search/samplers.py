"""The literal table of samplers. A sampler's randomness is a function of (seed, trial number) alone.

TPE learns from COMPLETE and PRUNED trials, NSGA-II and GP from COMPLETE ones only; FAILED ones are seen by none.
So a trial that broke a static constraint teaches TPE (through its recorded constraint), not the others.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from dfkd_core.errors import ConfigError


@dataclass(frozen=True)
class Progress:
    """What a sampler's settings depend on: the budget, and how many trials it knows and how many are complete."""

    num_trials: int
    num_known: int
    num_complete: int

    @property
    def num_startup(self) -> int:
        """Random trials before a model: a quarter of the budget, between 4 and 10 (Optuna's 10 is 42 % of 24)."""
        return min(10, max(4, self.num_trials // 4))


class UniformSampler(RandomSampler):
    """Uniform draws, each a function of (seed, parameter) alone.

    So a trial that was drawn in part when its driver died is drawn on as it would have been.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._seed = seed

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw the parameter from a stream of its own."""
        stream = np.random.SeedSequence([self._seed, *param_name.encode()]).generate_state(1)[0]
        return RandomSampler(int(stream)).sample_independent(study, trial, param_name, param_distribution)


def _tpe(seed: int, progress: Progress, options: Mapping[str, Any]) -> BaseSampler:
    """Multi-objective TPE.

    It calls the best tenth of all trials good, complete ones before stopped ones. Stopped trials count for the
    start-up as well: waiting for as many complete ones costs half of what the sampler gains (docs/log.md). Each
    dimension is drawn by itself: drawn jointly (`multivariate`, `group`), fronts come later or not at all.
    """
    defaults = {"multivariate": False, "group": False, "constant_liar": True, "n_startup_trials": 1}
    if progress.num_known < options.get("n_startup_trials", progress.num_startup) or not progress.num_complete:
        return UniformSampler(seed)
    return TPESampler(seed=seed, **{**defaults, **options})


def _nsga2(seed: int, progress: Progress, options: Mapping[str, Any]) -> BaseSampler:
    """NSGA-II with a population that a small budget can fill three times over."""
    population = max(4, min(50, progress.num_trials // 3))
    return NSGAIISampler(seed=seed, **{"population_size": population, **options})


def _gp(seed: int, progress: Progress, options: Mapping[str, Any]) -> BaseSampler:
    """Gaussian process; random for conditional parameters, 1-2 s a suggestion."""
    return GPSampler(seed=seed, **{"n_startup_trials": progress.num_startup, **options})


def _random(seed: int, progress: Progress, options: Mapping[str, Any]) -> BaseSampler:
    """Uniform over the space."""
    return UniformSampler(seed, **options)


SAMPLERS: dict[str, Callable[[int, Progress, Mapping[str, Any]], BaseSampler]] = {
    "tpe": _tpe,
    "nsga2": _nsga2,
    "gp": _gp,
    "random": _random,
}


def build_sampler(name: str, seed: int, number: int, progress: Progress, options: Mapping[str, Any]) -> BaseSampler:
    """The sampler that proposes trial `number`; an option it does not take is a ConfigError."""
    stream = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            return SAMPLERS[name](stream, progress, options)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"must be options of the {name} sampler, but {error}", key="sampler.options") from error
