"""What the engine runs: the Workload protocol, and what it may ask about a workload's configs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from dfkd_core.base.progress import Progress, silent
from dfkd_core.errors import ConfigError

C = TypeVar("C")  # a trial's config as its domain parses it


@runtime_checkable
class Workload(Protocol):
    """One trial's work; lives in the worker process."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Begin from the trial's resolved, nested config."""

    @classmethod
    def static_metrics(cls, config: Mapping[str, Any]) -> dict[str, float]:
        """Metrics known before training, such as sizes; may be empty."""

    def step(self) -> dict[str, float]:
        """Do one epoch and return its metrics: every objective every time, for a trial may be judged at any epoch.

        What `static_metrics` tells need not be told again.
        """

    def save(self, directory: Path) -> None:
        """Write all that `load` needs into an empty directory."""

    def load(self, directory: Path) -> None:
        """Go on from what `save` wrote."""


class Domain(ABC, Generic[C]):
    """What the engine may ask about a workload's configs, each parsed once and handed on as `C`.

    A workload whose configs are more than free mappings says so with a class attribute `domain`.
    """

    metrics: frozenset[str] | None = None  # names that constraints may use; None: any
    objectives: frozenset[str] | None = None  # of these, the ones that more or less of is better; None: any

    @abstractmethod
    def trial_config(self, config: Mapping[str, Any], epochs: int) -> C:
        """The config as a trial runs it: validated, with the sweep's number of epochs; ConfigError for a bad one."""

    @abstractmethod
    def dump(self, config: C) -> dict[str, Any]:
        """The config as plain values, which the worker's Workload and the trial's config.yaml get."""

    def resolve(self, config: Mapping[str, Any], base: Path) -> dict[str, Any]:
        """The config with defaults filled in and paths made absolute; ConfigError when it breaks a rule."""
        return dict(config)

    def resolve_value(self, key: str, value: Any, base: Path) -> Any:
        """What a space or a point of it has for a key path, with paths made absolute."""
        return value

    def added_metrics(self, config: Mapping[str, Any]) -> frozenset[str]:
        """Names that a config adds to `metrics`."""
        return frozenset()

    def added_objectives(self, config: Mapping[str, Any]) -> frozenset[str]:
        """Of these, the ones that it adds to `objectives`."""
        return self.added_metrics(config)

    def known_keys(self, config: Mapping[str, Any]) -> frozenset[str]:
        """Key paths that a search space may name; empty: any."""
        return frozenset()

    def static_metrics(self, workload: type[Workload], config: C) -> dict[str, float]:
        """Metrics known before training."""
        return workload.static_metrics(self.dump(config))

    def require_measured(self, config: C, metrics: Iterable[str]) -> None:
        """ConfigError when trials of this config would not report one of these metrics."""

    def require_inputs(self, configs: Sequence[C], progress: Progress) -> None:
        """The errors of trials of these configs that lie in what they read, absent or unfit, and not in themselves."""

    def prepare(self, config: C, progress: Progress) -> dict[str, str | None]:
        """Build what all trials share, once; returns the hashes that make results comparable."""
        return {}

    def hashes(self, config: C) -> dict[str, str | None]:
        """What this machine has of what results depend on, named as by `prepare`; every node of a sweep is asked.

        Whatever it raises means that something is lacking.
        """
        return self.prepare(config, silent)

    def input_files(self, config: C) -> Mapping[str, Mapping[str, Path]]:
        """The files that trials of this config read, by their path below a place that the config calls so.

        "" is the path of a place that is a file itself. A node that lacks them is given them; where none are told it
        gets no trials.
        """
        return {}

    def fetches(self, config: C) -> bool:
        """Whether `input_files` may first bring what the config names from elsewhere, which a plan never does."""
        return False

    def cached_files(self, config: C) -> Iterable[Path]:
        """Files below the cache folder, there or not, that a node had better be given than make for itself."""
        return ()

    def moved(self, config: C, places: Mapping[str, str]) -> C:
        """The config as a node reads it to which `input_files` were given: where each place lies there."""
        return config

    def input_key(self, config: C) -> str:
        """What of a config decides `hashes`, the start apart: trials of one key read the same data and teacher."""
        return ""

    def start_hash(self, config: C) -> str | None:
        """Identity of the model that a trial begins with; None where it begins with none."""
        return None

    def require_reported(self, config: C, metrics: Iterable[str]) -> None:
        """ConfigError when trials on the prepared data would not report one of these metrics."""

    def epoch_seconds(self, config: C) -> float | None:
        """About how long one epoch of a trial takes on one thread, when that can be told without training."""
        return None

    def device_bytes(self, config: C) -> float | None:
        """About how much memory a trial takes on its GPU; None when that cannot be told without training."""
        return None

    def start_name(self, config: C) -> str:
        """What a trial begins with, where trials differ in that."""
        return ""

    def start_seconds(self, config: C) -> float | None:
        """About how long that takes before a trial's first epoch; None when there is nothing to tell."""
        return None

    def publish(self, checkpoint: Path, folder: Path, config: C, result: Mapping[str, Any]) -> None:
        """Turn a trial's last checkpoint into files for people, such as a model folder."""

    def train_fully(self, config: Mapping[str, Any], folder: Path) -> str:
        """Train an exported config to its own last epoch, into a model folder, or go on there; returns what it gave."""
        raise ConfigError("is known of sweeps over distillation alone", key="--full-budget")

    def record_sounds(self, folder: Path, trials: Sequence[int], config: C) -> None:
        """Keep what these trials of the sweep in `folder` sound like, for the front's page."""

    def measure_own_teacher(self, folder: Path, config: C) -> None:
        """Measure what trials of the sweep in `folder` learn from, for the front's page."""

    def measure_references(self, folder: Path, names: Sequence[str], config: C) -> Iterator[str]:
        """Measure models from elsewhere for the front of `folder`; yields a line for each."""
        raise ConfigError("can be measured for sweeps over distillation alone", key="references")


class FreeDomain(Domain[dict[str, Any]]):
    """Takes any mapping as it is."""

    def trial_config(self, config: Mapping[str, Any], epochs: int) -> dict[str, Any]:
        """The mapping itself."""
        return dict(config)

    def dump(self, config: dict[str, Any]) -> dict[str, Any]:
        """The mapping itself."""
        return config


def domain_of(workload: type[Workload]) -> Domain[Any]:
    """The workload's own domain, else the one that takes anything."""
    domain = getattr(workload, "domain", None)
    return domain if isinstance(domain, Domain) else FreeDomain()
