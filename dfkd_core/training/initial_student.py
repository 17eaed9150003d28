"""The student that training begins with: drawn from the seed, or a model that was trained before."""

from __future__ import annotations

from pathlib import Path

from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.models import build_student
from dfkd_core.models.base import Student, StudentBase
from dfkd_core.trained.model_folder import load_model, model_sha256

KEY = "training.start_from"


def initial_student(config: ExperimentConfig) -> Student:
    """The student of a config; with `training.start_from` it has that model's weights.

    ConfigError: that model is another student. CheckpointError: it is no model folder, or a damaged one.
    """
    student, start = build_student(config.student), config.training.start_from
    if start is None:
        return student
    trained, other = load_model(Path(start))
    _require_same(config.student, other.student, start)
    student.load_state_dict(trained.state_dict())
    return student


def initial_origin(config: ExperimentConfig) -> dict[str, str]:
    """The identity of the model that training began with, for the card; empty where there was none."""
    start = config.training.start_from
    return {"start_hash": model_sha256(Path(start))} if start else {}


def _require_same(wanted: StudentBase, found: StudentBase, start: str) -> None:
    """ConfigError naming the first field in which two students differ."""
    asked, got = wanted.model_dump(mode="json"), found.model_dump(mode="json")
    for name in {**asked, **got}:
        if asked.get(name) != got.get(name):
            rule = f"must name a model of the same student, but {start} has {name} {got.get(name)}"
            raise ConfigError(f"{rule}, not {asked.get(name)}; name another, or set student.{name}", key=KEY)
