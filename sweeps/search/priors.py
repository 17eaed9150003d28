"""Where good values lie, as the space says: early trials are drawn there, and ever fewer of the later ones.

Trial n is drawn near the priors with probability

    TRIALS / (TRIALS + n),

so that the first is, and of the first 30 about 13; a prior that misleads costs those and nothing after. Keys without a
prior are the sampler's own, so that every size is still tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from search_spaces.space import Space
from sweeps.search.cube import is_nominal, reflected, unit_of, value_of

TRIALS = 8
SPREAD = 0.1  # standard deviation around a prior, of the dimension's range on its own scale


class PriorSampler(BaseSampler):
    """Another sampler's proposals, drawn near the space's priors where it is a trial's turn."""

    def __init__(self, sampler: BaseSampler, space: Space, number: int, stream: int) -> None:
        self._sampler, self._stream = sampler, stream
        near = np.random.default_rng(stream).random() < TRIALS / (TRIALS + number)
        self._near = {d.name: d for d in space.dimensions if d.prior} if near else {}

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As the sampler's own, without what is drawn near a prior."""
        found = self._sampler.infer_relative_search_space(study, trial)
        return {name: distribution for name, distribution in found.items() if name not in self._near}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the sampler's own."""
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A value around one of the priors, else the sampler's own."""
        if param_name not in self._near:
            return self._sampler.sample_independent(study, trial, param_name, param_distribution)
        dimension = self._near[param_name]
        draw = np.random.default_rng([self._stream, *param_name.encode()])
        code = dimension.prior[int(draw.integers(len(dimension.prior)))]
        if is_nominal(dimension.distribution):
            return code
        unit = np.array([unit_of(dimension.distribution, code) + SPREAD * draw.standard_normal()])
        return value_of(dimension.distribution, float(reflected(unit)[0]))

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """As the sampler's own."""
        self._sampler.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """As the sampler's own."""
        self._sampler.after_trial(study, trial, state, values)
