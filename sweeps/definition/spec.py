"""The sweep file as types; what is wrong in it is said in one line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from cluster.object_store import check_url
from cluster.resources import bundle
from dfkd_core.base.documents import read_yaml, real_path, seen_from, typed_path
from dfkd_core.base.key_paths import with_overrides
from dfkd_core.base.schema import Config, NameIn, nearest
from dfkd_core.errors import ConfigError
from search_spaces.space import find_space, with_settings
from sweeps.definition.constraints import Constraint
from sweeps.definition.objectives import Objective, costs
from sweeps.definition.url_passwords import refuse_passwords

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
NonNegative = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
FEW = 500  # configurations


def _samplers() -> Iterable[str]:
    from sweeps.search.samplers import SAMPLERS  # late: it brings optuna along

    return SAMPLERS


def _schedulers() -> Iterable[str]:
    from sweeps.search.schedulers import SCHEDULERS

    return SCHEDULERS


class Budget(Config):
    """How much may be tried: a number of trials, which count in every state, or hours alone, or whichever ends first.

    Hours add up over resumes, and running trials finish.
    """

    trials: Count | None = None
    epochs_per_trial: Count
    hours: Positive | None = None

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.trials is None and self.hours is None:
            raise ValueError("must have trials or hours, else the sweep never ends; add `trials: 24` or `hours: 8`")
        return self

    @property
    def most_trials(self) -> int:
        """After how many trials the sweep ends; more than there will ever be where hours alone end it."""
        return sys.maxsize if self.trials is None else self.trials

    def goes_through(self, num_points: int | None) -> bool:
        """Whether it may go through a whole space of so many configurations, which are few; None: an endless space."""
        return num_points is not None and num_points <= min(FEW, self.most_trials)

    def __str__(self) -> str:
        """In words: 24 trials x 6 epochs, or 8 h of trials x 6 epochs."""
        hours = "" if self.hours is None else f"{self.hours:g} h"
        if self.trials is None:
            return f"{hours} of trials x {self.epochs_per_trial} epochs"
        within = f" within {hours}" if hours else ""
        return f"{self.trials} trials x {self.epochs_per_trial} epochs{within}"


class SamplerConfig(Config):
    """Optuna's sampler and its seed; `options` go to its constructor."""

    name: Annotated[str, NameIn(_samplers)] = "front"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0  # as numpy takes them
    options: dict[str, Any] = {}


class SchedulerConfig(Config):
    """Early stopping: none, or Pareto-aware asynchronous successive halving."""

    name: Annotated[str, NameIn(_schedulers)] = "none"
    reduction_factor: Annotated[float, Field(ge=1.01)] = 3.0  # below, rungs without number lie between two epochs
    min_epochs: Count = 1


LEAST_SHARE = 1e-4  # of a CPU or a GPU, as finely as Ray divides them


class Resources(Config):
    """What one trial asks for."""

    cpus_per_trial: Annotated[float, Field(ge=0)] = 1
    gpus_per_trial: Annotated[float, Field(ge=0)] = 0
    max_concurrent: Count | None = None
    accelerator_type: str | None = None
    price_per_hour: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        asked = {"cpus_per_trial": self.cpus_per_trial, "gpus_per_trial": self.gpus_per_trial}
        for name, share in asked.items():
            if 0 < share < LEAST_SHARE:
                raise ValueError(f"{name} must be 0 or at least {LEAST_SHARE:g}, but got {share:g}; set it to 1")
        if not any(asked.values()):
            raise ValueError("cpus_per_trial and gpus_per_trial must not both be 0; set cpus_per_trial to 1")
        return self

    @property
    def bundle(self) -> dict[str, float]:
        """What a trial asks of Ray."""
        return bundle(self.cpus_per_trial, self.gpus_per_trial, self.accelerator_type)


class Failures(Config):
    """How much may go wrong before a trial, or the sweep, is given up."""

    max_retries: NonNegative = 1
    max_lost_nodes: NonNegative = 10
    max_failed_share: Share = 0.5
    trial_timeout_s: Positive | None = None


class StorageConfig(Config):
    """Where the record, the sweep folder's copy and runs are kept; URLs here carry no password."""

    ledger: str = "journal"
    shared: str | None = None
    tracking_uri: str | None = None

    @field_validator("ledger")
    @classmethod
    def _known_ledger(cls, value: str) -> str:
        if value != "journal" and not re.match(r"postgresql(\+psycopg2?)?://", value):
            raise ValueError("must be 'journal' or postgresql://user@host/db")
        return value

    @field_validator("shared")
    @classmethod
    def _known_store(cls, value: str | None) -> str | None:
        try:
            return None if value is None else check_url(value)
        except ValueError as error:
            raise ValueError(str(error)) from None


class SweepSpec(Config):
    """One sweep, complete: config and space are inlined, whatever the file said."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=200)]  # the name of folders and files, too
    experiment: Annotated[str, Field(min_length=1)] = "dfkd"
    config: dict[str, Any]
    space: dict[str, Any]
    objectives: Annotated[tuple[Objective, ...], Field(min_length=1)]
    reference_point: dict[str, float] = {}
    constraints: tuple[Constraint, ...] = ()
    budget: Budget
    sampler: SamplerConfig = SamplerConfig()
    evaluate_first: tuple[dict[str, Any], ...] = ()
    warm_start: tuple[str, ...] = ()
    scheduler: SchedulerConfig = SchedulerConfig()
    resources: Resources = Resources()
    failures: Failures = Failures()
    storage: StorageConfig = StorageConfig()

    _files: dict[str, Path] = PrivateAttr(default_factory=dict)

    def file_of(self, key: str) -> Path | None:
        """The file in which a key stands, which may be the one that `config` or `space` names; None: in none."""
        return self._files.get(key.partition(".")[0], self._files.get(""))

    def base_of(self, key: str) -> Path:
        """The folder from which relative paths below a key are seen: that of the file in which they stand."""
        file = self.file_of(key)
        return Path.cwd() if file is None else real_path(file).parent

    @classmethod
    def load(cls, path: str | Path, overrides: Mapping[str, Any] | None = None) -> Self:
        """Read a sweep file; `overrides` maps key paths to values that beat the file's.

        `budget.trials` is a key of the file itself, `config.data.corpus` one of the config that it names.
        """
        path = typed_path(path)
        searched = {k: v for k, v in (overrides or {}).items() if k.startswith("space.")}
        inner = {k: v for k, v in (overrides or {}).items() if k.startswith("config.")}
        outer = {k: v for k, v in (overrides or {}).items() if k not in inner and k not in searched}
        try:
            mapping, files = _inline(with_overrides(read_yaml(path), outer), real_path(path).parent)
            if searched and isinstance(mapping.get("space"), Mapping):
                mapping["space"] = with_settings(mapping["space"], searched)
            spec = cls.parse(with_overrides(mapping, inner), path)
        except ConfigError as error:
            raise error if error.file else error.at(file=path) from error
        spec._files = {"": path, **files}
        return spec

    @model_validator(mode="before")
    @classmethod
    def _inlined(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        refuse_passwords(values)
        inlined = _inline(values, Path.cwd())[0]
        refuse_passwords(inlined)
        return inlined

    @field_validator("config")
    @classmethod
    def _plain_config(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            return dict(json.loads(json.dumps(value)))  # as workers and a resume will see it
        except (TypeError, ValueError, RecursionError) as error:
            rule = "config must hold text, numbers, true, false, null, lists and mappings"
            raise ValueError(f"{rule} alone, but got another type: {error}") from error

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [objective.metric for objective in self.objectives]
        if len(set(names)) < len(names):
            raise ValueError(f"objectives must name each metric once, but got {names}")
        for name in names:
            if name not in self.reference_point:
                raise ValueError(
                    f"reference_point must hold every objective, but {name!r} is missing; add `{name}: ...`"
                )
        for name in self.reference_point:
            if name not in names:
                raise ValueError(f"reference_point.{name} must be an objective; {nearest(name, names)}")
        for objective in self.objectives:
            value = self.reference_point[objective.metric]
            if objective.scale == "log" and value <= 0:
                raise ValueError(
                    f"reference_point.{objective.metric} must be above 0 on a log scale, but got {value:g}"
                )
        if len(self.evaluate_first) > self.budget.most_trials:
            raise ValueError(
                "evaluate_first must hold at most budget.trials points, "
                f"but got {len(self.evaluate_first)} and {self.budget.trials}"
            )
        if self.scheduler.name != "none" and self.scheduler.min_epochs >= self.budget.epochs_per_trial:
            raise ValueError(
                "scheduler.min_epochs must be below budget.epochs_per_trial, "
                f"but got {self.scheduler.min_epochs} and {self.budget.epochs_per_trial}"
            )
        return self

    @property
    def description(self) -> str:
        """What is searched, for what and with how much, in Markdown."""
        goals = [f"{o.goal} `{o.metric}`{' (log)' if o.scale == 'log' else ''}" for o in self.objectives]
        bounds = [f"`{constraint}`" for constraint in self.constraints]
        lines = [
            f"- objectives: {', '.join(goals)}{', within ' + ', '.join(bounds) if bounds else ''}",
            f"- budget: {self.budget}",
            f"- searched: {', '.join(f'`{key}`' for key in self.space)}",
            "- the front: artifact `front/front.html`; the sweep file: `sweep.yaml`",
        ]
        return "\n".join(lines)

    @property
    def metrics(self) -> tuple[str, ...]:
        """What objectives and constraints are about."""
        return (*(o.metric for o in self.objectives), *(c.metric for c in self.constraints))

    @property
    def reference_costs(self) -> tuple[float, ...]:
        """The reference point in minimised form, on the objectives' scales."""
        return costs(self.objectives, self.reference_point)


def _inline(values: Mapping[str, Any], base: Path) -> tuple[dict[str, Any], dict[str, Path]]:
    """Read the files that `config` and `space` name, seen from `base`; returns the file behind each, too."""
    inlined, files = dict(values), dict[str, Path]()
    for key in ("config", "space"):
        name = values.get(key)
        if isinstance(name, str):
            path = find_space(name, base) if key == "space" else seen_from(base, name, key)
            inlined[key], files[key] = read_yaml(path), path
    return inlined, files
