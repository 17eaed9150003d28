"""The literal table of samplers. A sampler's randomness is a function of (seed, trial number) alone.

TPE and the front sampler learn from COMPLETE and PRUNED trials, NSGA-II and GP from COMPLETE ones only; FAILED ones
are seen by none.
So a trial that broke a static constraint teaches TPE (through its recorded constraint), not the others.
"""

from __future__ import annotations

import math
import re
import warnings
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.samplers._tpe.sampler import _split_trials, default_gamma, default_gamma_multiobjective
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as StudyState

from dfkd_core.base.schema import nearest
from dfkd_core.errors import ConfigError
from sweeps.search.even_start import EvenStart
from sweeps.search.fresh_draws import FreshSampler
from sweeps.search.front_sampler import FrontSampler
from sweeps.search.history import Outlook
from sweeps.search.priors import PriorSampler


@dataclass(frozen=True)
class Experience:
    """What a sampler's settings depend on: the budget, and how many trials it knows and how many are complete."""

    num_trials: int
    num_known: int
    num_complete: int

    @property
    def num_startup(self) -> int:
        """Random trials before a model: a quarter of the budget, between 4 and 10 (Optuna's 10 is 42 % of 24)."""
        return min(10, max(4, self.num_trials // 4))


@dataclass(frozen=True)
class Draw:
    """One proposal: the sweep's seed, one of the trial's own, its number, and the sweep as a model sees it."""

    seed: int
    stream: int
    number: int
    outlook: Outlook


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


class RecallingTPE(TPESampler):
    """Optuna's TPE over what is recalled of a long sweep, which is split into good and other trials once a proposal."""

    def __init__(self, outlook: Outlook, **options: Any) -> None:
        super().__init__(**options)
        self._outlook = outlook
        self._recalled: Study | None = None
        self._split: tuple[list[FrozenTrial], list[FrozenTrial]] | None = None

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As TPE's own."""
        return super().sample_relative(self._of(study), trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As TPE's own."""
        return super().sample_independent(self._of(study), trial, param_name, param_distribution)

    def _sample(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        """The same values as TPE's own, which splits all trials again for each parameter."""
        if self._split is None:
            states = [StudyState.COMPLETE, StudyState.PRUNED, *([StudyState.RUNNING] if self._constant_liar else [])]
            others = [t for t in study.get_trials(deepcopy=False, states=states) if t.number != trial.number]
            usual = default_gamma_multiobjective if len(study.directions) > 1 else default_gamma
            num_good = (self._gamma or usual)(sum(t.state.is_finished() for t in others))
            self._split = _split_trials(study, others, num_good)
        good = self._build_parzen_estimator(study, search_space, self._split[0], handle_below=True)
        other = self._build_parzen_estimator(study, search_space, self._split[1], handle_below=False)
        drawn = good.sample(self._rng.rng, self._n_ei_candidates)
        best = self._compare(drawn, self._compute_acquisition_func(drawn, good, other))
        return {name: kind.to_external_repr(best[name]) for name, kind in search_space.items()}

    def _of(self, study: Study) -> Study:
        """Looked up once: a sampler makes one proposal."""
        if self._recalled is None:
            self._recalled = self._outlook.recalled(study)
        return self._recalled


def _tpe(draw: Draw, known: Experience, options: Mapping[str, Any]) -> BaseSampler:
    """Multi-objective TPE.

    It calls the best tenth of all trials good, complete ones before stopped ones. Stopped trials count for the
    start-up as well: waiting for as many complete ones costs half of what the sampler gains (docs/log.md). Each
    dimension is drawn by itself: drawn jointly (`multivariate`, `group`), fronts come later or not at all.
    """
    defaults = {"multivariate": False, "group": False, "constant_liar": True, "n_startup_trials": 1}
    if known.num_known < options.get("n_startup_trials", known.num_startup) or not known.num_complete:
        return EvenStart(draw.seed, draw.stream, draw.number, draw.outlook.cube)
    return RecallingTPE(draw.outlook, seed=draw.stream, **{**defaults, **options})


def _nsga2(draw: Draw, known: Experience, options: Mapping[str, Any]) -> BaseSampler:
    """NSGA-II with a population that a small budget can fill three times over."""
    population = max(4, min(50, known.num_trials // 3))
    return NSGAIISampler(seed=draw.stream, **{"population_size": population, **options})


def _gp(draw: Draw, known: Experience, options: Mapping[str, Any]) -> BaseSampler:
    """Gaussian process; random for conditional parameters, 1-2 s a suggestion."""
    return GPSampler(seed=draw.stream, **{"n_startup_trials": known.num_startup, **options})


def _front(draw: Draw, known: Experience, options: Mapping[str, Any]) -> BaseSampler:
    """Where the front is expected to grow most, by a model of every objective."""
    chosen = {"n_startup_trials": known.num_startup, **options}
    return FrontSampler(draw.seed, draw.stream, draw.number, draw.outlook, **chosen)


SAMPLERS: dict[str, Callable[[Draw, Experience, Mapping[str, Any]], BaseSampler]] = {
    "tpe": _tpe,
    "nsga2": _nsga2,
    "gp": _gp,
    "front": _front,
    "random": lambda draw, known, options: UniformSampler(draw.stream, **options),
}


def build_sampler(
    name: str, seed: int, number: int, known: Experience, options: Mapping[str, Any], outlook: Outlook
) -> BaseSampler:
    """The sampler that proposes trial `number`, nothing twice; an option it does not take is a ConfigError."""
    stream = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            sampler = SAMPLERS[name](Draw(seed, stream, number, outlook), known, options)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"must be options of the {name} sampler, but {error}", key="sampler.options") from error
    return FreshSampler(PriorSampler(sampler, outlook.space, number - outlook.num_others, stream), outlook, stream)


def require_options(name: str, options: Mapping[str, Any], outlook: Outlook) -> None:
    """ConfigError for options that a sampler does not take, and for values of another kind than its constructor says.

    Optuna looks at most of them only when it proposes, and takes `yes` for 1.
    """
    known = Experience(1, 100, 100)
    built = SAMPLERS[name](Draw(0, 0, 0, outlook), known, {})
    constructors = (vars(kind).get("__init__") for kind in type(built).__mro__)
    said: Mapping[str, Any] = ChainMap(*(getattr(one, "__annotations__", {}) for one in constructors))
    kinds = {option: set(re.findall(r"\w+", str(annotation))) for option, annotation in said.items()}
    plain = [o for o, words in kinds.items() if words & {"int", "float", "bool"} and "Callable" not in words]
    taken = [option for option in plain if option not in ("seed", "stream", "number")]
    for option, value in options.items():
        if option not in taken:
            remedy = nearest(option, taken) if taken else "it has none; leave it out"
            raise ConfigError(f"is no option of the {name} sampler; {remedy}", key=f"sampler.options.{option}")
        words, least = kinds[option], 0 if option == "n_startup_trials" else 1
        if "bool" in words:
            fits, rule = isinstance(value, bool), "true or false"
        elif "int" in words:
            fits, rule = type(value) is int and value >= least, f"a whole number of at least {least}"
        else:
            fits, rule = type(value) in (int, float) and 0 <= value < math.inf, "a number of at least 0"
        if not fits and not (value is None and "None" in words):
            rule = f"must be {rule}, but got {value!r}; leave it out for the default"
            raise ConfigError(rule, key=f"sampler.options.{option}")
    build_sampler(name, 0, 0, known, options, outlook)
