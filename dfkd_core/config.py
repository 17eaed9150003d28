"""The experiment config: what `dfkd train` reads, `dfkd export` writes and a search space's keys name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, Union

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from dfkd_core.base.documents import read_yaml, real_path, seen_from
from dfkd_core.base.key_paths import with_overrides
from dfkd_core.base.read_when import unread
from dfkd_core.base.schema import Config
from dfkd_core.base.shipped import shipped_names
from dfkd_core.data.config import DataConfig
from dfkd_core.data.corpora import FETCHED
from dfkd_core.distillation.config import DistillationConfig
from dfkd_core.errors import ConfigError
from dfkd_core.losses.supervised import LossConfig
from dfkd_core.metrics import OPTIONAL
from dfkd_core.models import MODELS
from dfkd_core.models.base import CustomStudentConfig, StudentBase
from dfkd_core.models.dccrn import DCCRNConfig
from dfkd_core.models.learned_frames import OLD_NAMES

_log = logging.getLogger(__name__)
_TEACHER_PATHS = ("checkpoint", "estimates")  # the fields that may hold a path

Positive = Annotated[float, Field(gt=0)]
Widths = Annotated[tuple[Positive, ...], Field(min_length=1)]


def _student_tag(value: Any) -> str | None:
    """The tag of the config class that reads this `student` block."""
    name = value.get("model", "dccrn") if isinstance(value, Mapping) else getattr(value, "model", None)
    if isinstance(name, str) and ":" in name:
        return f"<{CustomStudentConfig.__name__}>"
    if not isinstance(name, str) or name not in MODELS:
        return None
    return f"<{MODELS[name].Config.__name__}>"


if TYPE_CHECKING:
    StudentConfig = StudentBase
else:
    _classes = (*(model.Config for model in MODELS.values()), CustomStudentConfig)
    _tagged = tuple(Annotated[c, Tag(f"<{c.__name__}>")] for c in _classes)
    _rule = f"model must be one of {', '.join(MODELS)}, or 'package.module:Class'"
    _by_model = Discriminator(_student_tag, custom_error_type="unknown_model", custom_error_message=_rule)
    StudentConfig = Annotated[Union[_tagged], _by_model]  # noqa: UP007 - built from the table


class SourceConfig(Config):
    """One model that teaches: at most one of the three is named."""

    checkpoint: str | None = None  # model folder, ONNX file or shipped name
    estimates: str | None = None  # folder of wavs by mixture or clip name
    pretrained: str | None = None  # a known public model, such as dtln

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        named = [name for name, value in self if value is not None]
        if len(named) > 1:
            raise ValueError(f"teacher must name one source, but got {' and '.join(named)}; set all but one to null")
        return self

    @property
    def is_named(self) -> bool:
        """Whether there is one at all."""
        return any(value is not None for _, value in self)

    def with_paths(self, resolve: Callable[[str], str]) -> Self:
        """The same source, its paths changed by `resolve`."""
        named = {key: value for key in _TEACHER_PATHS if (value := getattr(self, key)) is not None}
        return self.model_copy(update={key: resolve(value) for key, value in named.items()})


class EnsembleConfig(Config):
    """Several models that teach as one: their mean, or one of them by the SNR of the mixture.

    by_snr: `snr_db` holds the borders between the members, which stand from the noisiest mixtures to the cleanest.
    """

    members: Annotated[tuple[SourceConfig, ...], Field(min_length=2)]
    combine: Literal["mean", "by_snr"] = "mean"
    snr_db: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for index, member in enumerate(self.members):
            if not member.is_named:
                raise ValueError(
                    f"members.{index} must name a checkpoint, estimates or a pretrained model, but got none"
                )
        wanted = len(self.members) - 1 if self.combine == "by_snr" else 0
        if len(self.snr_db) != wanted:
            raise ValueError(
                f"snr_db must hold {wanted} borders for {len(self.members)} members combined {self.combine}, "
                f"but got {len(self.snr_db)}"
            )
        if any(low >= high for low, high in pairwise(self.snr_db)):
            raise ValueError(f"snr_db must rise, but got {list(self.snr_db)}; order members from noisy to clean")
        return self

    def with_paths(self, resolve: Callable[[str], str]) -> Self:
        """The same ensemble, its members' paths changed by `resolve`."""
        return self.model_copy(update={"members": tuple(member.with_paths(resolve) for member in self.members)})


class TeacherConfig(SourceConfig):
    """At most one source; all null means no teacher."""

    ensemble: EnsembleConfig | None = None

    def with_paths(self, resolve: Callable[[str], str]) -> Self:
        """The same teacher, its paths changed by `resolve`."""
        alone = super().with_paths(resolve)
        if alone.ensemble is None:
            return alone
        return alone.model_copy(update={"ensemble": alone.ensemble.with_paths(resolve)})


class OptimizerConfig(Config):
    """AdamW and its learning-rate schedule."""

    learning_rate: Positive = 1.0e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    gradient_clip: Positive | None = 5.0
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_steps: Annotated[int, Field(ge=0)] = 0


class TrainingConfig(Config):
    """How long, on what and how."""

    epochs: Annotated[int, Field(ge=1)] = 6
    start_from: str | None = None  # teacher, a model folder or a shipped name; null: weights drawn from the seed
    slice_by: Literal["activation", "weight", "first"] = "weight"  # which channels stay of a wider start
    # whether batch norms keep the start's statistics; null: they do where all of its weights are taken
    norms: Literal["train", "freeze"] | None = None
    # widths of slices that train with the student; at null no dump names it, so that hashes hold
    slimmable: Annotated[Widths | None, Field(exclude_if=lambda value: value is None)] = None
    batch_size: Annotated[int, Field(ge=1)] = 8
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    patience: Annotated[int, Field(ge=1)] | None = None
    device: str = "auto"
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    metrics: tuple[str, ...] = ()  # optional ones that validation measures, too: dnsmos

    @field_validator("metrics")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in OPTIONAL:
                raise ValueError(f"metrics must hold optional metrics ({', '.join(OPTIONAL)}), but got {name!r}")
        return value


class ExperimentConfig(Config):
    """One training run, complete: with the data it names, it determines the weights."""

    seed: Annotated[int, Field(ge=0)] = 0
    student: StudentConfig = Field(default_factory=DCCRNConfig)
    teacher: TeacherConfig = TeacherConfig()
    distillation: DistillationConfig = DistillationConfig()
    loss: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    training: TrainingConfig = TrainingConfig()
    data: DataConfig = DataConfig()
    provenance: dict[str, Any] = {}


def load_config(path: str | Path, overrides: Mapping[str, Any] | None = None) -> ExperimentConfig:
    """Read an experiment config; its relative paths become absolute, seen from its own folder.

    A key that was set and changes nothing there is worth a warning, but not in what was exported from a sweep, whose
    base serves all roads of its space.
    """
    try:
        config = ExperimentConfig.parse(with_overrides(read_yaml(path), overrides or {}))
        absolute = absolute_paths(config, real_path(path).parent)
    except ConfigError as error:
        raise error.at(file=error.file or path) from error
    for sentence in (
        [] if config.provenance else unread(config.model_dump(mode="json"), ExperimentConfig().model_dump(mode="json"))
    ):
        _log.warning("%s: %s", path, sentence)
    return absolute


def absolute_paths(config: ExperimentConfig, base: Path) -> ExperimentConfig:
    """The same config, with the paths of corpora, teacher and start resolved against `base`."""
    return with_paths(config, lambda key, value: place(key, value, base))


def with_paths(config: ExperimentConfig, change: Callable[[str, str], str]) -> ExperimentConfig:
    """The same config, with the paths and names of corpora, teacher and start changed by `change(key, value)`."""
    data, start = config.data, config.training.start_from
    corpora = {
        "corpus": change("data.corpus", data.corpus),
        "probes": {name: change(f"data.probes.{name}", corpus) for name, corpus in data.probes.items()},
    }
    begun = {"start_from": start and change("training.start_from", start)}
    return config.model_copy(
        update={
            "data": data.model_copy(update=corpora),
            "teacher": config.teacher.with_paths(lambda value: change("teacher.checkpoint", value)),
            "training": config.training.model_copy(update=begun),
        }
    )


def place(key: str, value: str, base: Path) -> str:
    """The text of a config's field as it holds anywhere: a path, seen from `base`, becomes absolute; names stay.

    What could be the name of a shipped model is a path where there is such a one.
    """
    is_start = key == "training.start_from"
    if key == "data.corpus" or key.startswith("data.probes."):
        is_name = value in FETCHED
    elif is_start or (key.startswith("teacher.") and key.endswith(_TEACHER_PATHS)):
        is_shipped = value in shipped_names() and not (base / value).exists()
        is_name = is_shipped or (is_start and value == "teacher")
    else:
        is_name = True
    return value if is_name else str(real_path(seen_from(base, value, key)))


def placed(key: str, value: Any, base: Path) -> Any:
    """The value of a field or of a whole block, with every text in it as `place` has it; ConfigError names the key."""
    if isinstance(value, Mapping):
        return {name: placed(f"{key}.{name}", below, base) for name, below in value.items()}
    if isinstance(value, list):
        return [placed(f"{key}.{index}", below, base) for index, below in enumerate(value)]
    return place(key, value, base) if isinstance(value, str) else value


def key_paths(config: Mapping[str, Any]) -> frozenset[str]:
    """Every key path that the schema knows, with the fields of all architectures, and those of `config` itself."""
    blocks: dict[str, Any] = {name: field.annotation for name, field in ExperimentConfig.model_fields.items()}
    found = {"seed"}
    for name, block in blocks.items():
        if name not in ("seed", "student", "provenance"):
            found |= {f"{name}.{key}" for key in block.model_fields}
    for model in MODELS.values():
        found |= {f"student.{key}" for key in model.Config.model_fields}
    return frozenset(found | {f"student.{key}" for key in (*config.get("student", {}), *OLD_NAMES)})


def fit_architecture(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config without student fields that only other architectures have, for a search that changes the model.

    Unknown fields stay, to be refused.
    """
    student = config.get("student", {})
    if student.get("model") not in MODELS:
        return dict(config)
    own = MODELS[student["model"]].Config.model_fields
    others = {key for model in MODELS.values() for key in model.Config.model_fields} - own.keys()
    return {**config, "student": {key: value for key, value in student.items() if key not in others}}
