"""The distributions of a search space: `{min, max, log, int, step}` or `{values}`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from dfkd_core.base.schema import nearest
from dfkd_core.errors import ConfigError

FIELDS = ("min", "max", "log", "int", "step", "values")
LARGEST = 1e15  # of numbers in a space: integers are exact up to here, and sums do not overflow


class Distribution(Protocol):
    """How one key's value is drawn."""

    def suggest(self, trial: Any, name: str) -> Any:
        """Draw a value through the trial's parameter `name`."""

    def encode(self, value: Any, key: str) -> Any:
        """The parameter that stands for a given value; a value outside is a ConfigError at `key`."""

    def extremes(self) -> tuple[Any, ...]:
        """Values to check against the config's schema: all of a list, both ends of a range."""

    def between(self) -> tuple[float, ...]:
        """A further one to check, which lies inside of a range."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    log: bool = False
    integer: bool = False
    step: float | None = None

    @property
    def is_continuous(self) -> bool:
        """True where no value is drawn twice but by chance."""
        return not self.integer and self.step is None

    def suggest(self, trial: Any, name: str) -> Any:
        """Draw a number."""
        if self.integer:
            return trial.suggest_int(name, int(self.low), int(self.high), step=int(self.step or 1), log=self.log)
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    def encode(self, value: Any, key: str) -> Any:
        """A number in range stands for itself."""
        if not _is_number(value) or not self.low <= value <= self.high:
            raise ConfigError(f"must be in [{self.low:g}, {self.high:g}], but got {value!r}", key=key)
        if self.integer and value != int(value):
            raise ConfigError(f"must be a whole number, but got {value!r}", key=key)
        steps = (value - self.low) / (self.step or 1)
        if self.step and not math.isclose(steps, round(steps), rel_tol=1e-9, abs_tol=1e-9):
            raise ConfigError(f"must be {self.low:g} plus a multiple of step {self.step:g}, but got {value!r}", key=key)
        return int(value) if self.integer else float(value)

    def extremes(self) -> tuple[Any, ...]:
        """Both ends."""
        return (int(self.low), int(self.high)) if self.integer else (self.low, self.high)

    def between(self) -> tuple[float, ...]:
        """One that is no whole number, where such are drawn."""
        inner = self.low + (self.step or (self.high - self.low) / math.pi)
        return () if self.integer or inner > self.high else (inner,)


@dataclass(frozen=True)
class OneOf:
    """One of several values. Numbers are searched by rank, so that a sampler knows which lie side by side."""

    values: tuple[Any, ...]

    @property
    def is_ordered(self) -> bool:
        """True for three numbers or more."""
        return len(self.values) > 2 and all(map(_is_number, self.values))

    @property
    def codes(self) -> list[Any]:
        """The values as a study holds them, numbers in order."""
        if self.is_ordered:
            return sorted(self.values)
        return [json.dumps(v) if isinstance(v, list | dict) else v for v in self.values]

    def suggest(self, trial: Any, name: str) -> Any:
        """Draw a value."""
        coded = self.codes
        if self.is_ordered:
            return coded[trial.suggest_int(name, 0, len(coded) - 1)]
        return self.values[coded.index(trial.suggest_categorical(name, coded))]

    def encode(self, value: Any, key: str) -> Any:
        """The value's rank, when ordered, else the value."""
        position = next((i for i, own in enumerate(self.values) if _same(own, value)), None)
        if position is None:
            raise ConfigError(f"must be one of {list(self.values)}, but got {value!r}", key=key)
        return self.codes.index(value) if self.is_ordered else self.codes[position]

    def extremes(self) -> tuple[Any, ...]:
        """All of them."""
        return self.values

    def between(self) -> tuple[float, ...]:
        """None."""
        return ()


def parse_distribution(entry: Mapping[str, Any], key: str, file: str | Path | None = None) -> Distribution:
    """Check one entry of a space; `log` excludes `step` and needs min > 0."""
    unknown = [name for name in entry if name not in FIELDS]
    if unknown:
        remedy = nearest(unknown[0], [*FIELDS, "when", "prior"])
        raise ConfigError(f"is not a known key; {remedy}", key=f"{key}.{unknown[0]}", file=file)
    rule = _choice_rule(entry) if "values" in entry else _range_rule(entry)
    if rule:
        raise ConfigError(rule, key=key, file=file)
    if "values" in entry:
        return OneOf(tuple(entry["values"]))
    low, high, step = float(entry["min"]), float(entry["max"]), entry.get("step")
    if step is not None:  # the last step that fits is the upper end, as people write it: not 0.7000000000000001
        exact = Decimal(str(step)) * math.floor((high - low) / step * (1 + 1e-12))
        high = float(Decimal(str(low)) + exact)
    return Range(low, high, entry.get("log", False), entry.get("int", False), step)


def _choice_rule(entry: Mapping[str, Any]) -> str | None:
    values = entry["values"]
    if len(entry) > 1:
        return "must hold either values or min and max, not both"
    if not isinstance(values, list) or not values:
        return f"values must be a list of at least one, but got {values!r}"
    if not all(map(_is_plain, values)):
        return (
            f"values must be text, finite numbers, true, false, null, or lists and mappings of them, but got {values!r}"
        )
    if any(value in values[:i] for i, value in enumerate(values)):
        return f"values must differ from each other, but got {values!r}"
    codes = OneOf(tuple(values)).codes
    if any(code in codes[:i] for i, code in enumerate(codes)):
        return f"values must differ as they are written, too, but got a list or mapping beside its own text: {values!r}"
    return None


def _range_rule(entry: Mapping[str, Any]) -> str | None:
    low, high, step = entry.get("min"), entry.get("max"), entry.get("step")
    if low is None or high is None or not (_is_number(low) and _is_number(high)):
        return f"must hold values, or min and max as numbers, but got min {low!r} and max {high!r}"
    if not low < high:
        return f"min must be below max, but got {low!r} and {high!r}"
    for flag in ("log", "int"):
        if not isinstance(entry.get(flag, False), bool):
            return f"{flag} must be true or false, but got {entry[flag]!r}"
    if entry.get("log") and (low <= 0 or step is not None):
        return f"log needs min > 0 and excludes step, but got min {low!r} and step {step!r}"
    return _step_rule(entry)


def _step_rule(entry: Mapping[str, Any]) -> str | None:
    low, high, step = entry["min"], entry["max"], entry.get("step")
    if step is not None and not (_is_number(step) and 0 < step <= high - low):
        return f"step must be a number above 0, and at most max - min, but got {step!r}"
    if entry.get("int") and any(x is not None and x != int(x) for x in (low, high, step)):
        return f"int needs whole numbers, but got min {low!r}, max {high!r}, step {step!r}"
    return None


def _is_number(value: Any) -> bool:
    """True for finite numbers whose differences are finite too."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_plain(value: Any) -> bool:
    """True for what JSON can hold: other types that YAML knows, such as dates, cannot be put into the ledger."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, str | bool) or _is_number(value)


def _same(first: Any, second: Any) -> bool:
    """Equal, and not a number that stands for a truth value."""
    return bool(first == second) and isinstance(first, bool) == isinstance(second, bool)
