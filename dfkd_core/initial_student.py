"""The student that training begins with: drawn from the seed, or a model that was trained before."""

from __future__ import annotations

from pathlib import Path

from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.model_folder import load_model, model_sha256
from dfkd_core.models import build_student
from dfkd_core.models.base import Student

KEY = "training.start_from"


def initial_student(config: ExperimentConfig) -> Student:
    """The student of a config; with `training.start_from` it has that model's weights.

    ConfigError: that model is another student. CheckpointError: it is no model folder, or a damaged one.
    """
    student = build_student(config.student)
    if config.training.start_from is None:
        return student
    trained, other = load_model(Path(config.training.start_from))
    if other.student != config.student:
        raise ConfigError(
            f"must be a model of the same `student` block, but {config.training.start_from} is {other.student!r}; "
            "name another, or set student to its",
            key=KEY,
        )
    student.load_state_dict(trained.state_dict())
    return student


def initial_origin(config: ExperimentConfig) -> dict[str, str]:
    """The identity of the model that training began with, for the card; empty where there was none."""
    start = config.training.start_from
    return {"start_hash": model_sha256(Path(start))} if start else {}
