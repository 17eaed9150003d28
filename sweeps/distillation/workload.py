"""Distillation as a workload: the trainer of `dfkd_core`, one epoch a step."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dfkd_core.base.key_paths import with_overrides
from dfkd_core.base.progress import Progress
from dfkd_core.config import ExperimentConfig, absolute_paths, fit_architecture, key_paths, placed, with_paths
from dfkd_core.errors import ConfigError
from dfkd_core.metrics import KNOWN, OPTIONAL
from dfkd_core.scoring.clip_table import ClipTable
from sweeps.workload import Domain, Workload

log = logging.getLogger(__name__)
LAST_EPOCHS = "values and weights are the last epoch's"
SCORES = ("val", "val_teacher")  # against clean speech; against the teacher, for recordings of which none is known
SIZES = (
    "model/params",
    "model/macs_per_s",
    "model/bytes",
    "model/state_bytes",
    "model/look_ahead_ms",
    "model/latency_ms",
    "model/runtime",
)
SPEED = ("model/rtf_cpu", "model/rtf_cpu_spread")  # measured by the trial, once
SPLIT = tuple(f"distillation/{name}" for name in ("split_hz_p10", "split_hz_p50", "split_hz_p90"))


class DistillationDomain(Domain[ExperimentConfig]):
    """What the engine may ask about experiment configs."""

    metrics = frozenset({*(f"{g}/{name}" for g in SCORES for name in KNOWN), "train/loss", *SIZES, *SPEED, *SPLIT})
    objectives = metrics - {f"{g}/{name}" for g in SCORES for name, metric in KNOWN.items() if metric.goal == "zero"}

    def resolve(self, config: Mapping[str, Any], base: Path) -> dict[str, Any]:
        """Every default filled in, every path absolute; of the student what was said, for a search may change it."""
        parsed = absolute_paths(ExperimentConfig.parse(config), base)
        said = parsed.student.model_dump(mode="json", exclude_unset=True)
        return {**parsed.model_dump(mode="json"), "student": {"model": parsed.student.model, **said}}

    def resolve_value(self, key: str, value: Any, base: Path) -> Any:
        """The paths of corpora, teacher and start."""
        return placed(key, value, base)

    def added_metrics(self, config: Mapping[str, Any]) -> frozenset[str]:
        """The scores of each probe."""
        probes = (config.get("data") or {}).get("probes") or {}
        return frozenset(f"probe/{probe}/{name}" for probe in probes for name in KNOWN)

    def added_objectives(self, config: Mapping[str, Any]) -> frozenset[str]:
        """Those that more or less of is better."""
        return frozenset(
            metric for metric in self.added_metrics(config) if KNOWN[metric.rpartition("/")[2]].goal != "zero"
        )

    def known_keys(self, config: Mapping[str, Any]) -> frozenset[str]:
        """The key paths of the experiment config's schema."""
        return key_paths(config)

    def static_metrics(self, workload: type[Workload], config: ExperimentConfig) -> dict[str, float]:
        """Sizes of the student; ConfigError where training cannot begin as its config says.

        A workload that counts otherwise brings a domain of its own.
        """
        from dfkd_core.models import build_student
        from dfkd_core.models.complexity import complexity
        from dfkd_core.training.initial_student import require_beginning

        require_beginning(config)
        sizes = complexity(build_student(config.student))
        return {f"model/{name}": float(value) for name, value in asdict(sizes).items()}

    def require_measured(self, config: ExperimentConfig, metrics: Iterable[str]) -> None:
        """Optional metrics are measured where `training.metrics` names them."""
        named = config.training.metrics
        for metric in metrics:
            name = metric.rpartition("/")[2]
            if name in OPTIONAL and name not in named:
                rule = f"must hold {name}, which an objective or a constraint uses, but is {list(named)}; add it"
                raise ConfigError(rule, key="config.training.metrics")

    def trial_config(self, config: Mapping[str, Any], epochs: int) -> ExperimentConfig:
        """Validated, with `training.epochs` as the sweep's budget says and the drawn architecture's fields alone."""
        return ExperimentConfig.parse(fit_architecture(with_overrides(config, {"training.epochs": epochs})))

    def dump(self, config: ExperimentConfig) -> dict[str, Any]:
        """Every field, the defaults too."""
        return config.model_dump(mode="json")

    def require_inputs(self, configs: Sequence[ExperimentConfig], progress: Progress) -> None:
        """Corpora, teachers and starts, each looked at once."""
        from sweeps.distillation.required_inputs import require_inputs

        require_inputs(configs, progress)

    def prepare(self, config: ExperimentConfig, progress: Progress) -> dict[str, str | None]:
        """Decoded audio, listed mixtures and teacher estimates, shared by all trials; a damaged start is refused."""
        from dfkd_core.training.trainer import prepare
        from sweeps.distillation.required_inputs import require_start

        require_start(config)
        return prepare(config, progress) | {"start_hash": self.start_hash(config)}

    def hashes(self, config: ExperimentConfig) -> dict[str, str | None]:
        """Of decoded audio, teacher and start; nothing but the audio is computed ahead."""
        from dfkd_core.training.signals import Signals
        from dfkd_core.training.total_loss import TotalLoss

        signals = Signals(config, needs_teacher=TotalLoss(config).needs_teacher)
        return signals.hashes | {"start_hash": self.start_hash(config)}

    def input_files(self, config: ExperimentConfig) -> Mapping[str, Mapping[str, Path]]:
        """Of corpora what training and validation read, of teacher and start what does not come with the package."""
        from dfkd_core.training.input_files import input_files

        return input_files(config)

    def fetches(self, config: ExperimentConfig) -> bool:
        """Corpora that are known by name."""
        from dfkd_core.data.corpora import FETCHED

        return any(corpus in FETCHED for corpus in (config.data.corpus, *config.data.probes.values()))

    def cached_files(self, config: ExperimentConfig) -> Iterable[Path]:
        """Public models that were fetched, and the teacher's estimates."""
        from dfkd_core.training.input_files import cached_files

        return cached_files(config)

    def moved(self, config: ExperimentConfig, places: Mapping[str, str]) -> ExperimentConfig:
        """Corpora, teacher and start at other places."""
        return with_paths(config, lambda key, value: places.get(value, value))

    def input_key(self, config: ExperimentConfig) -> str:
        """`data`, `teacher`, and what decides whether a teacher is heard."""
        asked, method = config.model_dump(mode="json"), config.distillation
        return json.dumps([asked["data"], asked["teacher"], method.method, method.target, method.weight > 0])

    def start_hash(self, config: ExperimentConfig) -> str | None:
        """Of the model that `training.start_from` names."""
        from dfkd_core.training.parent import find_parent

        parent = find_parent(config)
        return parent.sha256 if parent else None

    def require_reported(self, config: ExperimentConfig, metrics: Iterable[str]) -> None:
        """Scores against clean speech need it, and those against the teacher stand where there is none."""
        from dfkd_core.training.signals import Signals

        known = Signals(config, needs_teacher=False).validation.reference == "clean"
        reported, other = SCORES if known else SCORES[::-1]
        for metric in metrics:
            group, _, name = metric.partition("/")
            if group == other:
                rule = f"{metric} is not measured, since the validation split has {'' if known else 'no '}clean speech"
                raise ConfigError(f"{rule}; use {reported}/{name}", key="objectives")

    def epoch_seconds(self, config: ExperimentConfig) -> float | None:
        """A few steps of the student on noise, scaled to an epoch."""
        from dfkd_core.training.pace import epoch_seconds

        return epoch_seconds(config)

    def device_bytes(self, config: ExperimentConfig) -> float:
        """Weights, optimiser and what one forward pass keeps for the backward one, scaled to a batch."""
        from dfkd_core.training.footprint import training_bytes

        return training_bytes(config)

    def start_name(self, config: ExperimentConfig) -> str:
        """`training.start_from`, or random weights."""
        return str(config.training.start_from or "random weights")

    def start_seconds(self, config: ExperimentConfig) -> float | None:
        """A few passes of the student on noise, scaled to what the start asks for."""
        from dfkd_core.training.pace import start_seconds

        return start_seconds(config)

    def publish(self, checkpoint: Path, folder: Path, config: ExperimentConfig, result: Mapping[str, Any]) -> None:
        """Make the trial's folder a model folder, whose card says where its start was better."""
        from dfkd_core.trained.model_folder import publish_checkpoint
        from dfkd_core.training.train_run import harm_done

        metrics = dict(result["metrics"])
        start = {name.removeprefix("start/"): value for name, value in metrics.items() if name.startswith("start/")}
        harm = harm_done(start, metrics)
        publish_checkpoint(checkpoint, folder, config, metrics, f"{harm}; {LAST_EPOCHS}" if harm else "")

    def train_fully(self, config: Mapping[str, Any], folder: Path) -> str:
        """As `dfkd train` does, with a run in MLflow below the sweep's."""
        from dfkd_core.training.train_run import train_model
        from sweeps.tracking.model_runs import tracked_training

        parsed = ExperimentConfig.parse(config)
        with tracked_training(folder, parsed.model_dump(mode="json")) as run:
            return str(train_model(parsed, folder, on_epoch=run.epoch))

    def record_sounds(self, folder: Path, trials: Sequence[int], config: ExperimentConfig) -> None:
        """A few validation mixtures through the models of these trials."""
        from sweeps.distillation.sounds import record_sounds

        record_sounds(folder, trials, config)

    def measure_own_teacher(self, folder: Path, config: ExperimentConfig) -> None:
        """The teacher's scores on the validation mixtures."""
        from sweeps.distillation.references import measure_own_teacher

        measure_own_teacher(folder, config)

    def measure_references(self, folder: Path, names: Sequence[str], config: ExperimentConfig) -> Iterator[str]:
        """Scores of other models on the validation mixtures."""
        from sweeps.distillation.references import measure_references

        for model in measure_references(folder, names, config):
            yield str(model)


class DistillationWorkload:
    """Train and validate one student."""

    domain = DistillationDomain()

    def __init__(self, config: Mapping[str, Any]) -> None:
        from dfkd_core.training.trainer import Trainer

        self.trainer = Trainer(ExperimentConfig.parse(config))
        self._speed: dict[str, float] = {}
        self._clips: ClipTable | None = None  # of the last epoch

    @property
    def device(self) -> str:
        """What the trial trains on."""
        return str(self.trainer.device)

    @property
    def tags(self) -> dict[str, str]:
        """The identity of the model that training began with, where there was one."""
        return {key: value for key, value in self.trainer.start.origin.items() if key == "start_hash"}

    @classmethod
    def static_metrics(cls, config: Mapping[str, Any]) -> dict[str, float]:
        """Sizes of the student."""
        return cls.domain.static_metrics(cls, ExperimentConfig.parse(config))

    def step(self) -> dict[str, float]:
        """Train one epoch, then validate; of a trained start, the scores that it had before are told, too."""
        from dfkd_core.training.train_run import harm_done

        if not self._speed:  # on this machine's CPU, of a copy whose buffers nobody trains
            from dfkd_core.models import build_student
            from dfkd_core.models.real_time import real_time_factor

            measured = asdict(real_time_factor(build_student(self.trainer.config.student)))
            self._speed = {f"model/{name}": value for name, value in measured.items()}
        if not self.trainer.epoch:
            self.trainer.score_start()
        trained = self.trainer.train_epoch()
        scored = self.trainer.evaluate()
        self._clips = scored.table("val")
        scores = scored.metrics("val")
        for prefix, probed in self.trainer.evaluate_probes().items():
            scores |= probed.metrics(prefix)
        start = {f"start/{name}": value for name, value in self.trainer.start_scores.items()}
        is_last = self.trainer.epoch == self.trainer.config.training.epochs
        if is_last and (harm := harm_done(self.trainer.start_scores, scores)):
            log.warning("%s; %s", harm, LAST_EPOCHS)
        return trained | scores | start | self._speed

    def save(self, directory: Path) -> None:
        """Write weights, training state and the scores of every validation clip."""
        self.trainer.save(directory)
        if self._clips is not None:
            self._clips.write(directory)

    def load(self, directory: Path) -> None:
        """Go on from saved weights and training state."""
        self.trainer.load(directory)
