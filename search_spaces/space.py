"""A search space: which config keys may vary, and how. One code path for sampling, replay and export."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import combinations
from pathlib import Path
from typing import Any, Protocol

from dfkd_core.base.documents import seen_from
from dfkd_core.base.key_paths import value_at, with_overrides
from dfkd_core.base.read_when import READ_WHEN, condition_text, is_among
from dfkd_core.base.schema import nearest
from dfkd_core.errors import ConfigError
from search_spaces.distributions import FIELDS, Distribution, Range, parse_distribution

SPACES = Path(__file__).parent


class Suggests(Protocol):
    """What a trial must offer: Optuna's own method names."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Suggest a real number in [low, high]."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Suggest an integer in [low, high]."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Suggest one of the choices."""


DECIDED = {"training.epochs": "budget.epochs_per_trial", "training.patience": "scheduler"}  # and what decides


@dataclass(frozen=True)
class Dimension:
    """One key's distribution under one condition; `name` is its parameter in the study.

    `prior` holds the study's parameters around which good values are expected, most often none.
    """

    key: str
    name: str
    distribution: Distribution
    when: Mapping[str, tuple[Any, ...]]
    prior: tuple[Any, ...] = ()

    def is_active(self, overrides: Mapping[str, Any]) -> bool:
        """True when every parent has been given one of the values asked for."""
        return all(parent in overrides and overrides[parent] in values for parent, values in self.when.items())

    def holds(self, value: Any) -> bool:
        """True when the value lies in this dimension's distribution."""
        try:
            self.distribution.encode(value, self.key)
        except ConfigError:
            return False
        return True


@dataclass(frozen=True)
class Space:
    """Dimensions in an order in which parents come before the keys that depend on them."""

    dimensions: tuple[Dimension, ...]

    @classmethod
    def parse(cls, mapping: Mapping[str, Any], file: str | Path | None = None) -> Space:
        """Check a mapping of key path to distribution (or a list of alternatives); errors name the key."""
        if not mapping:
            raise ConfigError("must name at least one key to search", key="space", file=file)
        found = [dimension for key, entry in mapping.items() for dimension in _dimensions(key, entry, file)]
        return cls(tuple(_parents_first(found, file)))

    def suggest(self, trial: Suggests) -> dict[str, Any]:
        """Ask the trial for every active dimension; returns {key path: value}."""
        overrides: dict[str, Any] = {}
        for dimension in self.dimensions:
            if dimension.is_active(overrides):
                overrides[dimension.key] = dimension.distribution.suggest(trial, dimension.name)
        return overrides

    def encode(self, overrides: Mapping[str, Any], where: str = "evaluate_first") -> dict[str, Any]:
        """The study's parameters for a given point; a value outside the space is refused."""
        encoded: dict[str, Any] = {}
        for dimension in self.dimensions:
            if dimension.key in overrides and dimension.is_active(overrides):
                encoded[dimension.name] = dimension.distribution.encode(
                    overrides[dimension.key], f"{where}.{dimension.key}"
                )
        unknown = sorted(set(overrides) - {d.key for d in self.dimensions if d.name in encoded})
        if unknown:
            raise ConfigError(
                f"is not an active key of the space; {nearest(unknown[0], self.keys)}", key=f"{where}.{unknown[0]}"
            )
        return encoded

    def covers(self, overrides: Mapping[str, Any]) -> bool:
        """True when a point has a value for every dimension that is active for it."""
        return all(d.key in overrides for d in self.dimensions if d.is_active(overrides))

    def num_free(self, overrides: Mapping[str, Any]) -> int:
        """How many dimensions are active at a point and leave a choice; a single value is none."""
        active = (d for d in self.dimensions if d.is_active(overrides))
        return sum(any(v != d.distribution.extremes()[0] for v in d.distribution.extremes()) for d in active)

    @property
    def keys(self) -> list[str]:
        """The key paths that vary, each once."""
        return list(dict.fromkeys(dimension.key for dimension in self.dimensions))

    def check(
        self, base: Mapping[str, Any], known: Collection[str], validate: Callable[[Mapping[str, Any]], object]
    ) -> None:
        """Every key must exist in the config's schema and be read wherever it is drawn, and every value be valid.

        `validate` raises ConfigError for a config that breaks a rule; ranges are judged at both ends and in between.
        """
        for dimension in self.dimensions:
            if known and dimension.key not in known:
                remedy = nearest(dimension.key, sorted(known))
                raise ConfigError(f"is not a key of the experiment config; {remedy}", key=f"space.{dimension.key}")
            if known and dimension.key in DECIDED:
                rule = f"is decided by the sweep file's {DECIDED[dimension.key]}; leave it out of the space"
                raise ConfigError(rule, key=f"space.{dimension.key}")
            if known:
                self._refuse_unread(dimension, base)
        for dimension in self.dimensions:
            ends = dimension.distribution.extremes()
            for value in (*ends, *dimension.distribution.between()):
                overrides = {**self._parents(dimension), dimension.key: value}
                try:
                    validate(with_overrides(base, overrides))
                except ConfigError as error:
                    rule = f"holds {value!r}, which the config refuses: {error.key or dimension.key} {error.rule}"
                    rule += "" if value in ends else "; `int: true` draws whole numbers"
                    raise ConfigError(rule, key=f"space.{dimension.key}") from error

    def _refuse_unread(self, dimension: Dimension, base: Mapping[str, Any]) -> None:
        """A dimension that is drawn where nothing reads it would be searched for nothing."""
        for other, wanted in READ_WHEN.get(dimension.key, {}).items():
            above = [d for d in self.dimensions if d.key == other]
            if above:
                values = dimension.when.get(other) or [v for d in above for v in d.distribution.extremes()]
            else:
                values = [value_at(base, other)]
            wrong = [value for value in values if not is_among(value, wanted)]
            if wrong:
                where = f"{other} may be {wrong[0]}" if above else f"{other} is {wrong[0]}"
                remedy = f"give it `when: {{{other}: ...}}`" if above else "change that, or leave it out of the space"
                rule = f"is read only with {condition_text(other, wanted)}, but {where}; {remedy}"
                raise ConfigError(rule, key=f"space.{dimension.key}")

    def _parents(self, dimension: Dimension) -> dict[str, Any]:
        """Values of the parents, and of theirs, that make the dimension active."""
        found: dict[str, Any] = {}
        for parent, values in dimension.when.items():
            above = next(d for d in self.dimensions if d.key == parent and d.holds(values[0]))
            found |= {**self._parents(above), parent: values[0]}
        return found


def _dimensions(key: str, entry: Any, file: str | Path | None) -> Iterator[Dimension]:
    alternatives = entry if isinstance(entry, list) else [entry]
    if not alternatives:
        raise ConfigError("must hold at least one alternative, but got []", key=f"space.{key}", file=file)
    for index, alternative in enumerate(alternatives):
        where = f"space.{key}" + (f"[{index}]" if len(alternatives) > 1 else "")
        if not isinstance(alternative, Mapping):
            raise ConfigError(f"must be {{min, max}} or {{values}}, but got {alternative!r}", key=where, file=file)
        rest = {name: value for name, value in alternative.items() if name not in ("when", "prior")}
        name = f"{key}#{index}" if len(alternatives) > 1 else key
        when = {} if alternative.get("when") is None else alternative["when"]
        if not isinstance(when, Mapping):
            rule = f"must map a parent's key to a value or a list, but got {when!r}"
            raise ConfigError(rule, key=f"{where}.when", file=file)
        conditions = {str(parent): tuple(v) if isinstance(v, list) else (v,) for parent, v in when.items()}
        distribution = parse_distribution(rest, where, file)
        try:
            prior = _encoded(alternative["prior"], distribution) if "prior" in alternative else ()
        except ConfigError as error:
            raise error.at(file, f"{where}.prior") from error
        yield Dimension(key, name, distribution, conditions, prior)


def _encoded(prior: Any, distribution: Distribution) -> tuple[Any, ...]:
    """One value, or a list of them, as the study's parameters; each must lie in the distribution."""
    if prior == []:
        raise ConfigError("must hold at least one value, but got []; leave it out")
    try:
        return tuple(distribution.encode(value, "") for value in (prior if isinstance(prior, list) else [prior]))
    except ConfigError as error:
        raise ConfigError(f"must hold values that the space may draw, but: {error.rule}") from error


def _parents_first(dimensions: Sequence[Dimension], file: str | Path | None) -> list[Dimension]:
    """Order by dependence; unknown parents, impossible values, cycles and overlapping alternatives are refused."""
    by_key: dict[str, list[Dimension]] = {}
    for dimension in dimensions:
        by_key.setdefault(dimension.key, []).append(dimension)
    for dimension in dimensions:
        if rule := _impossible(dimension, by_key) or _unreachable(dimension, by_key):
            raise ConfigError(rule, key=f"space.{dimension.key}.when", file=file)
    for key, group in by_key.items():
        if any(_overlap(a, b) for a, b in combinations(group, 2)):
            rule = "holds alternatives whose conditions overlap; make each `when` disjoint"
            raise ConfigError(rule, key=f"space.{key}", file=file)
    graph = {key: {parent for d in group for parent in d.when} for key, group in by_key.items()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise ConfigError(f"conditions must not form a cycle, but got {cycle}", key="space", file=file) from error
    return [dimension for key in order for dimension in by_key[key]]


def _impossible(dimension: Dimension, by_key: Mapping[str, Sequence[Dimension]]) -> str | None:
    """Why a dimension would never be drawn."""
    for parent, values in dimension.when.items():
        if parent not in by_key:
            return f"must name a key of the space, but {parent!r} is not searched; {nearest(parent, list(by_key))}"
        wrong = [value for value in values if not any(above.holds(value) for above in by_key[parent])]
        if wrong or not values:
            return f"must name values of {parent}, but it is never {wrong[0] if wrong else 'one of []'!r}"
        if all(isinstance(above.distribution, Range) and above.distribution.is_continuous for above in by_key[parent]):
            return f"must name values that are drawn, but {parent} is any number of a range; give it values or a step"
    return None


def _unreachable(dimension: Dimension, by_key: Mapping[str, Sequence[Dimension]]) -> str | None:
    """Why two conditions of a dimension cannot hold at once: a parent is searched only under another value."""
    for parent, values in dimension.when.items():
        ways = [above.when for above in by_key[parent] if any(above.holds(value) for value in values)]
        for other, wanted in dimension.when.items():
            if ways and all(other in way and not set(map(repr, way[other])) & set(map(repr, wanted)) for way in ways):
                return f"can never hold: {parent} is {values[0]!r} only where {other} is {ways[0][other][0]!r}"
    return None


def _overlap(first: Dimension, second: Dimension) -> bool:
    """True unless a parent that both name must have different values for each."""
    shared = first.when.keys() & second.when.keys()
    return all(any(value in second.when[parent] for value in first.when[parent]) for parent in shared)


def setting_of(key: str) -> tuple[str, str]:
    """The key path that `space.KEY.PATH` or `space.KEY.PATH.min` speaks of, and the field of its entry, or ""."""
    path = key.removeprefix("space.")
    above, _, last = path.rpartition(".")
    return (above, last) if above and last in (*FIELDS, "when", "prior") else (path, "")


def with_settings(mapping: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping of a space with `space.KEY.PATH`, an entry, or `space.KEY.PATH.min`, a field of one, set anew.

    ConfigError: the field is one of a key that is not searched, or of several alternatives.
    """
    changed = dict(mapping)
    for key, value in settings.items():
        path, field = setting_of(key)
        entry = changed.get(path)
        if field and path not in changed:
            rule = f"must be of a key that is searched ({', '.join(map(str, changed))})"
            raise ConfigError(f"{rule}; set space.{path} as a whole to search it, too", key=key)
        if field and not isinstance(entry, Mapping):
            raise ConfigError(f"must be set as a whole where there are alternatives; set space.{path}", key=key)
        changed[path] = {**(entry or {}), field: value} if field else value
    return changed


def changed_values(mapping: Mapping[str, Any], change: Callable[[str, Any], Any]) -> dict[str, Any]:
    """The mapping of a space with every value that it lists, also as a prior or a condition, put through `change`.

    `change` is given the key path, too. What is no space stays as it is, to be refused.
    """

    def each(key: str, values: Any) -> Any:
        return [change(key, value) for value in values] if isinstance(values, list) else change(key, values)

    def changed(key: str, entry: Any) -> Any:
        if isinstance(entry, list):
            return [changed(key, alternative) for alternative in entry]
        if not isinstance(entry, Mapping):
            return entry
        found = {**entry, **{name: each(key, entry[name]) for name in ("values", "prior") if name in entry}}
        if isinstance(entry.get("when"), Mapping):
            found["when"] = {parent: each(str(parent), values) for parent, values in entry["when"].items()}
        return found

    return {key: changed(str(key), entry) for key, entry in mapping.items()}


def find_space(name: str, base: Path) -> Path:
    """The file that a sweep file's `space` means: a shipped name, or a path seen from `base`."""
    shipped = SPACES / f"{name}.yaml"
    if "/" not in name and shipped.exists():
        return shipped
    path = seen_from(base, name, "space")
    if os.path.isfile(path):  # noqa: PTH113 - is_file raises for a name that is too long
        return path
    known = sorted(p.stem for p in SPACES.glob("*.yaml"))
    raise ConfigError(
        f"must be a shipped name, a path or a mapping, but {name!r} is none; {nearest(name, known)}", key="space"
    )
