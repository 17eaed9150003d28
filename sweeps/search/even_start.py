"""The first trials of a sweep fill the space evenly, every class of size among them, before anything is learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from sweeps.search.cube import Array, Cube

MOST_VALUES = 64  # a dimension with more is taken as a range


class WholePoint(BaseSampler):
    """A sampler that proposes a whole point at once, conditions included, when its first parameter is asked for."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Nothing is drawn apart from the whole."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Nothing."""
        return {}


class EvenStart(WholePoint):
    """Trial `number` of a design that is the seed's own."""

    def __init__(self, seed: int, stream: int, number: int, cube: Cube) -> None:
        self._stream = stream
        self._params = cube.params(even_row(seed, number, cube))

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """The point's value; a uniform draw where it has none, as when a trial had been drawn in part."""
        if param_name in self._params:
            return self._params[param_name]
        return RandomSampler(self._stream).sample_independent(study, trial, param_name, param_distribution)


def even_row(seed: int, number: int, cube: Cube) -> Array:
    """Point `number` of a scrambled Sobol sequence as a row (dimension,).

    Of a dimension with L values, trials k L to (k + 1) L - 1 have each once, ordered as the sequence has them there.
    """
    from scipy.stats import qmc  # late: it takes a second, and not every sampler begins so

    blocks = [levels if levels is not None and levels <= MOST_VALUES else 1 for levels in cube.levels]
    ends = [(number // size + 1) * size for size in blocks]
    sequence = qmc.Sobol(len(blocks), rng=np.random.default_rng(seed))
    points = sequence.random(1 << (max(ends) - 1).bit_length())  # balanced for powers of two
    units = points[number].copy()
    for column, (size, end) in enumerate(zip(blocks, ends, strict=True)):
        if size > 1:
            rank = int((points[end - size : end, column] < units[column]).sum())
            units[column] = (rank + 0.5) / size
    return np.asarray(cube.rows_of(units[None])[0])
