"""What a search is tried on: a space, curves of quality per epoch, and sizes that are known before training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sweeps import pareto
from sweeps.definition.spec import SweepSpec

QUALITY, SIZE = "val/quality", "model/params"
Point = Mapping[str, Any]  # a configuration: searched values by key path
Array = NDArray[np.float64]


class Problem(Protocol):
    """Configurations with a learning curve each; quality is maximised, ln size minimised."""

    name: str
    space: Mapping[str, Any]  # as in a sweep file
    num_epochs: int
    reference: tuple[float, float]  # the worst quality and the worst size that count

    def curve(self, point: Point, draw: np.random.Generator) -> Array:
        """Quality after each epoch (epoch,), as one training would report it; `draw` is that training's luck."""

    def final(self, point: Point) -> float:
        """Quality after the last epoch without luck, by which a front is judged."""

    def size(self, point: Point) -> float:
        """Number of parameters."""

    def epoch_s(self, point: Point) -> float:
        """Simulated seconds that an epoch takes."""

    def ideal(self) -> Array:
        """Costs (point, objective) of the exhaustive front."""

    def ideal_seconds(self) -> Array:
        """Seconds (point,) that each of them takes at full length."""


def cost(quality: float, size: float) -> tuple[float, float]:
    """What is minimised."""
    return -quality, math.log(size)


def reference_cost(problem: Problem) -> tuple[float, float]:
    """The corner that hypervolumes are measured from."""
    return cost(*problem.reference)


def ideal_volume(problem: Problem) -> float:
    """The hypervolume of the exhaustive front."""
    return pareto.hypervolume(problem.ideal(), reference_cost(problem))


def sweep_of(problem: Problem, num_trials: int, **changes: Any) -> SweepSpec:
    """The sweep file that a user would write for this problem; `changes` replace its blocks."""
    spec = {
        "name": problem.name,
        "config": {key.split(".")[0]: {} for key in problem.space},
        "space": dict(problem.space),
        "objectives": [
            {"metric": QUALITY, "goal": "maximize"},
            {"metric": SIZE, "goal": "minimize", "scale": "log"},
        ],
        "reference_point": dict(zip((QUALITY, SIZE), problem.reference, strict=True)),
        "budget": {"trials": num_trials, "epochs_per_trial": problem.num_epochs},
        **changes,
    }
    return SweepSpec.model_validate(spec)
