"""Closed-form families: quality of a width and of settings around an optimum that moves with it, learning curves.

    final(w, x) = base(w) (1 - 0.7 loss(x, w)),   loss = 1 - exp(-sum_i a_i (x_i - o_i(w))^2)
    curve(e)    = final (1 - exp(-rate e)) + noise N(0, sd),   size = 1e6 w^2

Settings x_i lie in [0, 1] after the distribution's own scale is taken out. `base` makes the front concave, convex or
disconnected; `rate` may fall with width (large models learn slowly) or rise with a setting that costs in the end
(rankings that change between early and late epochs).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.search.problem import Array, Point, cost

WIDTHS = (0.0625, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1.0)
LARGEST = 1e6
WIDTH, WEIGHT, RATE = "student.width", "distillation.weight", "optimizer.learning_rate"
BETA, LOW, HIGH = "distillation.beta", "distillation.min_cutoff_hz", "distillation.max_cutoff_hz"
SPLIT, TEMPERATURE = "distillation.split", "distillation.temperature"

WIDTH_VALUES: dict[str, Any] = {"values": list(WIDTHS)}
FIVE: dict[str, Any] = {
    WIDTH: WIDTH_VALUES,
    WEIGHT: {"min": 0.03, "max": 30, "log": True},
    RATE: {"min": 3e-4, "max": 5e-3, "log": True},
    LOW: {"min": 100, "max": 800, "log": True},
    HIGH: {"min": 1000, "max": 7000, "log": True},
    BETA: {"min": 0, "max": 1},
}
CONDITIONAL: dict[str, Any] = {
    WIDTH: WIDTH_VALUES,
    WEIGHT: {"min": 0.03, "max": 30, "log": True},
    RATE: {"min": 3e-4, "max": 5e-3, "log": True},
    BETA: {"min": 0, "max": 1},
    SPLIT: {"values": ["literal", "dynamic", "fixed"]},
    "distillation.cutoff_hz": {"min": 500, "max": 4000, "log": True, "when": {SPLIT: "fixed"}},
    LOW: {"min": 100, "max": 800, "log": True, "when": {SPLIT: "dynamic"}},
    HIGH: {"min": 1000, "max": 7000, "log": True, "when": {SPLIT: "dynamic"}},
    TEMPERATURE: {"values": [0.25, 0.5, 1, 2, 4]},
}
SPLITS = {"literal": 0.3, "fixed": 0.1, "dynamic": 0.0}  # what the choice itself costs


def concave(w: float) -> float:
    """Quality saturates with size: most of the volume lies with small models."""
    return w**0.25


def convex(w: float) -> float:
    """Quality rises late: most of the volume lies with large models."""
    return 0.15 + 0.85 * w**1.5


def disconnected(w: float) -> float:
    """Two steps: between them a larger model is hardly better."""
    return 0.3 + 0.3 / (1 + math.exp(-40 * (w - 0.18))) + 0.4 / (1 + math.exp(-40 * (w - 0.7))) + 0.01 * w


@dataclass(frozen=True)
class Family:
    """One family; `drift` moves the optimum with the width, `slow` and `greedy` shape the rate of learning."""

    name: str
    space: Mapping[str, Any]
    base: Callable[[float], float]
    num_epochs: int = 9
    noise: float = 0.01
    sharpness: float = 3.0
    drift: float = 0.3
    slow: float = 0.0  # how much of its rate the largest model loses
    greedy: float = 0.0  # how much faster a high learning rate learns, at what it costs in the end
    reference: tuple[float, float] = (0.0, LARGEST * 1.1)

    def curve(self, point: Point, draw: np.random.Generator) -> Array:
        """Quality after each epoch."""
        w, units = point[WIDTH], self._units(point)
        rate = 0.5 * (1 - self.slow * w) * (1 + self.greedy * (units.get(RATE, 0.5) - 0.5))
        epochs = np.arange(1, self.num_epochs + 1)
        shape = (1 - np.exp(-rate * epochs)) / (1 - math.exp(-rate * self.num_epochs))
        return np.asarray(self.final(point) * shape + self.noise * draw.standard_normal(self.num_epochs))

    def final(self, point: Point) -> float:
        """Quality after the last epoch."""
        w, units = point[WIDTH], self._units(point)
        square = sum(
            self.sharpness / (1 + index / 2) * (x - self._optimum(key, w)) ** 2
            for index, (key, x) in enumerate(units.items())
        )
        square += SPLITS[point[SPLIT]] if SPLIT in point else 0.0
        return self.base(w) * (1 - 0.7 * (1 - math.exp(-square)))

    def size(self, point: Point) -> float:
        """Number of parameters."""
        return float(round(LARGEST * point[WIDTH] ** 2))

    def epoch_s(self, point: Point) -> float:
        """Seconds of an epoch: a part that every model pays, and one that grows with it."""
        return 5.0 + 15.0 * float(point[WIDTH])

    def ideal(self) -> Array:
        """The best settings at each width."""
        return self._front

    def ideal_seconds(self) -> Array:
        """By width."""
        return np.array([self.num_epochs * self.epoch_s({WIDTH: w}) for w in WIDTHS])

    @cached_property
    def _front(self) -> Array:
        qualities = [self.base(w) * (1 - 0.7 * (1 - math.exp(-self._floor(w)))) for w in WIDTHS]
        return np.array([cost(q, self.size({WIDTH: w})) for q, w in zip(qualities, WIDTHS, strict=True)])

    def _floor(self, w: float) -> float:
        """The least square that a setting with few values leaves."""
        if TEMPERATURE not in self.space:
            return 0.0
        index = len(self._keys_of("dynamic")) - 1
        left = min((step / 4 - self._optimum(TEMPERATURE, w)) ** 2 for step in range(5))
        return self.sharpness / (1 + index / 2) * left

    def _keys_of(self, split: str) -> list[str]:
        gone = ["distillation.cutoff_hz"] if split == "dynamic" else [LOW, HIGH]
        return [key for key in self.space if key not in (WIDTH, SPLIT, *gone)]

    def _units(self, point: Point) -> dict[str, float]:
        """Numeric settings in [0, 1], in the space's order."""
        return {key: _unit(self.space[key], point[key]) for key in self.space if key in point and _is_setting(key)}

    def _optimum(self, key: str, w: float) -> float:
        start = 0.25 + 0.5 * ((sum(key.encode()) * 37 % 101) / 100)
        side = 1 if sum(key.encode()) % 2 else -1
        return start + side * self.drift * (w - 0.5) * 0.5


def _is_setting(key: str) -> bool:
    return key not in (WIDTH, SPLIT)


def _unit(entry: Mapping[str, Any], value: float) -> float:
    if "values" in entry:
        return float(entry["values"].index(value)) / (len(entry["values"]) - 1)
    low, high = entry["min"], entry["max"]
    if entry.get("log"):
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _first(number: int) -> dict[str, Any]:
    return dict(list(FIVE.items())[:number])


FAMILIES = {
    family.name: family
    for family in (
        Family("concave", FIVE, concave),
        Family("convex", FIVE, convex, noise=0.02, slow=0.5),
        Family("disconnected", FIVE, disconnected, noise=0.01, slow=0.3, drift=0.6),
        Family("crossing", FIVE, concave, noise=0.02, slow=0.5, greedy=1.6),
        Family("conditional", CONDITIONAL, concave, noise=0.01, slow=0.3),
        Family("plane", _first(2), concave, noise=0.01, sharpness=5.0),
        Family("solid", _first(3), convex, noise=0.02, slow=0.3, drift=0.6),
    )
}
