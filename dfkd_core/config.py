"""The experiment config: what `dfkd train` reads, `dfkd export` writes and a search space's keys name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import Discriminator, Field, Tag, field_validator

from dfkd_core.data.config import DataConfig
from dfkd_core.distillation.config import DistillationConfig
from dfkd_core.errors import ConfigError
from dfkd_core.losses.config import LossConfig
from dfkd_core.metrics import OPTIONAL
from dfkd_core.models import MODELS
from dfkd_core.models.base import CustomStudentConfig, StudentBase
from dfkd_core.models.dccrn import DCCRNConfig
from dfkd_core.schema import Config
from dfkd_core.teachers.config import TeacherConfig
from dfkd_core.user_paths import seen_from
from dfkd_core.yaml_files import read_yaml

Positive = Annotated[float, Field(gt=0)]


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
    start_from: str | None = None  # a model folder whose weights training begins with; null: drawn from the seed
    batch_size: Annotated[int, Field(ge=1)] = 8
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    patience: Annotated[int, Field(ge=1)] | None = None
    device: str = "auto"
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False
    threads: Annotated[int, Field(ge=1)] = 1
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
    """Read an experiment config; its relative paths become absolute, seen from its own folder."""
    mapping = with_overrides(read_yaml(path), overrides or {})
    return absolute_paths(ExperimentConfig.parse(mapping, path), Path(path).resolve().parent)


def with_overrides(mapping: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a nested mapping with key paths (`student.width`) set to new values."""
    result = {k: dict(v) if isinstance(v, Mapping) else v for k, v in mapping.items()}
    for key, value in overrides.items():
        *parents, last = key.split(".")
        node = result
        for parent in parents:
            child = node.get(parent)
            if child is not None and not isinstance(child, Mapping):
                raise ConfigError(f"has no keys below {parent!r}, which holds {child!r}", key=key)
            node[parent] = dict(child or {})
            node = node[parent]
        node[last] = value
    return result


def absolute_paths(config: ExperimentConfig, base: Path) -> ExperimentConfig:
    """The same config, with corpus and teacher paths resolved against `base`."""
    corpus = _resolve(config.data.corpus, base, keep=lambda name: name == "demo")
    teacher = config.teacher.with_paths(
        lambda value: _resolve(value, base, keep=lambda name: "/" not in name and not (base / name).exists())
    )
    start = config.training.start_from and _resolve(config.training.start_from, base, keep=lambda name: False)
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"corpus": corpus}),
            "teacher": teacher,
            "training": config.training.model_copy(update={"start_from": start}),
        }
    )


def _resolve(value: str, base: Path, keep: Callable[[str], bool]) -> str:
    """A path seen from `base`, made absolute; names for which `keep` holds stay names."""
    return value if keep(value) else str(seen_from(base, value).resolve())


def key_paths(config: Mapping[str, Any]) -> frozenset[str]:
    """Every key path that the schema knows, with the fields of all architectures, and those of `config` itself."""
    blocks: dict[str, Any] = {name: field.annotation for name, field in ExperimentConfig.model_fields.items()}
    found = {"seed"}
    for name, block in blocks.items():
        if name not in ("seed", "student", "provenance"):
            found |= {f"{name}.{key}" for key in block.model_fields}
    for model in MODELS.values():
        found |= {f"student.{key}" for key in model.Config.model_fields}
    return frozenset(found | {f"student.{key}" for key in config.get("student", {})})


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
