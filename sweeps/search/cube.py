"""A search space as a unit cube: a point is a row, one column a dimension, NaN where the dimension is not active.

Ranges run from 0 to 1 on their own scale, ordered choices by rank, and other choices hold the index of their value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.distributions import Distribution, OneOf, Range
from search_spaces.space import Space

Array = NDArray[np.float64]
STEPS = (0.03, 0.1, 0.3)  # how far a changed number moves, one of these drawn for each point
CHANGED = 0.4  # share of a point's dimensions that change


class Cube:
    """Codes points of a space as rows (dimension,), and draws new ones."""

    def __init__(self, space: Space) -> None:
        self.dimensions = space.dimensions
        self.levels = [_num_levels(dimension.distribution) for dimension in space.dimensions]
        self._is_nominal = [is_nominal(dimension.distribution) for dimension in space.dimensions]
        self._by_key: dict[str, list[int]] = {}
        for index, dimension in enumerate(space.dimensions):
            self._by_key.setdefault(dimension.key, []).append(index)

    def row(self, params: Mapping[str, Any]) -> Array:
        """A study's parameters as a row; those that are missing are taken as not active."""
        return np.array(
            [
                unit_of(dimension.distribution, params[dimension.name]) if dimension.name in params else math.nan
                for dimension in self.dimensions
            ]
        )

    def params(self, row: Array) -> dict[str, Any]:
        """The study's parameters that a row stands for."""
        return {
            dimension.name: value_of(dimension.distribution, float(unit))
            for dimension, unit in zip(self.dimensions, row, strict=True)
            if not math.isnan(unit)
        }

    def rows_of(self, units: Array) -> Array:
        """Points of the space from numbers in [0, 1) (point, dimension), each as likely as under uniform draws."""
        rows = np.empty_like(units)
        for column, levels in enumerate(self.levels):
            rows[:, column] = self._snapped(column, units[:, column], levels)
        return self._only_active(rows)

    def random(self, num_points: int, rng: np.random.Generator) -> Array:
        """Uniform draws (point, dimension)."""
        return self.rows_of(rng.random((num_points, len(self.dimensions))))

    def all_rows(self, most: int) -> Array | None:
        """Every point of the space (point, dimension); None where a range makes them endless or they are above `most`.

        Combinations that only differ in what is not active count towards `most`, and are given once.
        """
        levels = [size for size in self.levels if size is not None]
        if len(levels) < len(self.levels) or math.prod(levels) > most:
            return None
        index = np.indices(levels).reshape(len(levels), -1).T
        rows = self.rows_of((index + 0.5) / np.array(levels))
        once = np.unique(np.nan_to_num(rows, nan=-1.0), axis=0)
        return np.asarray(np.where(once < 0, math.nan, once))

    def changed(self, rows: Array, rng: np.random.Generator) -> Array:
        """Each row with some of its dimensions moved, or drawn anew."""
        fresh = rng.random(rows.shape)
        change = rng.random(rows.shape) < CHANGED
        change[np.arange(len(rows)), rng.integers(rows.shape[1], size=len(rows))] = True
        size = rng.choice(STEPS, size=(len(rows), 1))
        step = size * rng.standard_normal(rows.shape)
        moved = np.empty_like(rows)
        for column, levels in enumerate(self.levels):
            old, new = rows[:, column], fresh[:, column]
            drawn = self._snapped(column, new, levels)
            if self._is_nominal[column]:
                near = drawn
            elif levels is None:
                near = reflected(old + step[:, column])
            else:
                jump = np.sign(step[:, column]) * np.maximum(1, np.round(np.abs(step[:, column]) * (levels - 1)))
                near = reflected(old + jump / (levels - 1)) if levels > 1 else old
            moved[:, column] = np.where(np.isnan(old), drawn, np.where(change[:, column], near, old))
        return self._only_active(moved)

    def features(self, rows: Array) -> tuple[Array, NDArray[np.int64]]:
        """What a model sees: (point, feature), and which dimension each feature belongs to.

        Numbers stand for themselves, in the middle where they are not active; other choices become one feature a value.
        """
        columns, owners = [], []
        for index, units in enumerate(rows.T):
            if self._is_nominal[index]:
                size = self.levels[index] or 1
                columns += [np.where(units == value, math.sqrt(0.5), 0.0) for value in range(size)]
                owners += [index] * size
            else:
                columns.append(np.where(np.isnan(units), 0.5, units))
                owners.append(index)
        return np.column_stack(columns), np.array(owners)

    def _snapped(self, column: int, units: Array, levels: int | None) -> Array:
        if levels is None:
            return units
        index = np.minimum(np.floor(units * levels), levels - 1)
        return index if self._is_nominal[column] else index / max(1, levels - 1)

    def _only_active(self, rows: Array) -> Array:
        """Rows with NaN wherever a dimension's condition is not met; parents come first."""
        for column, dimension in enumerate(self.dimensions):
            for parent, values in dimension.when.items():
                met = np.zeros(len(rows), dtype=np.bool_)
                for above in self._by_key[parent]:
                    met |= self._holds(above, rows[:, above], values)
                rows[~met, column] = math.nan
        return rows

    def _holds(self, column: int, units: Array, values: Sequence[Any]) -> NDArray[np.bool_]:
        """Which units of a column stand for one of these values."""
        distribution = self.dimensions[column].distribution
        wanted = [unit_of(distribution, code) for value in values if (code := self._code(column, value)) is not None]
        return np.asarray(
            np.isclose(units[:, None], np.array(wanted)[None] if wanted else np.empty((1, 0))).any(axis=1)
        )

    def _code(self, column: int, value: Any) -> Any:
        dimension = self.dimensions[column]
        return dimension.distribution.encode(value, dimension.key) if dimension.holds(value) else None


def is_nominal(distribution: Distribution) -> bool:
    """Whether its values have no order."""
    return isinstance(distribution, OneOf) and not distribution.is_ordered


def _num_levels(distribution: Distribution) -> int | None:
    """How many values there are; None for so many that they are taken as continuous."""
    if isinstance(distribution, OneOf):
        return len(distribution.values)
    if isinstance(distribution, Range) and not distribution.log and (distribution.step or distribution.integer):
        return round((distribution.high - distribution.low) / (distribution.step or 1)) + 1
    return None


def unit_of(distribution: Distribution, code: Any) -> float:
    """A parameter of the study in [0, 1], or its index."""
    if isinstance(distribution, OneOf):
        if distribution.is_ordered:
            return float(code) / (len(distribution.values) - 1)
        return float(distribution.codes.index(code))
    if not isinstance(distribution, Range):
        raise TypeError(f"a distribution must be a range or a choice, but got {distribution!r}")
    if distribution.log:
        return math.log(code / distribution.low) / math.log(distribution.high / distribution.low)
    return (float(code) - distribution.low) / (distribution.high - distribution.low)


def value_of(distribution: Distribution, unit: float) -> Any:
    """The parameter of the study for a number in [0, 1], or for an index."""
    if isinstance(distribution, OneOf):
        return (
            round(unit * (len(distribution.values) - 1)) if distribution.is_ordered else distribution.codes[round(unit)]
        )
    if not isinstance(distribution, Range):
        raise TypeError(f"a distribution must be a range or a choice, but got {distribution!r}")
    low, high = distribution.low, distribution.high
    value = low * (high / low) ** unit if distribution.log else low + unit * (high - low)
    if distribution.step:
        value = low + round((value - low) / distribution.step) * distribution.step
    value = min(max(value, low), high)
    return round(value) if distribution.integer else value


def reflected(units: Array) -> Array:
    """Numbers that left [0, 1], folded back into it."""
    folded = np.abs(units) % 2.0
    return np.asarray(np.where(folded > 1.0, 2.0 - folded, folded))


def same_rows(rows: Array, others: Array) -> NDArray[np.bool_]:
    """Which rows (point, dimension) are also among the others; NaN equals NaN."""
    keys, known = ([row.tobytes() for row in np.round(np.nan_to_num(points, nan=-1.0), 9)] for points in (rows, others))
    taken = set(known)
    return np.array([key in taken for key in keys], dtype=np.bool_)
