"""The literal table of architectures: a new model is one file and one line here."""

from __future__ import annotations

from typing import Any

from dfkd_core.base.schema import nearest
from dfkd_core.errors import ConfigError
from dfkd_core.models.base import CustomStudentConfig, Student, StudentBase
from dfkd_core.models.conv_tasnet import ConvTasNet
from dfkd_core.models.custom import build_custom
from dfkd_core.models.dccrn import DCCRN
from dfkd_core.models.dptnet import DPTNet
from dfkd_core.models.gtcrn import GTCRN
from dfkd_core.models.room import built_within_memory

MODELS: dict[str, type[Student]] = {
    "dccrn": DCCRN,
    "conv_tasnet": ConvTasNet,
    "dptnet": DPTNet,
    "gtcrn": GTCRN,
}


def build_model(model: str, **fields: Any) -> Student:
    """Build a student by name: `build_model("dccrn", width=0.25)`; forward maps (batch, time) to (batch, time)."""
    if model not in MODELS:
        raise ConfigError(f"is not a known architecture; {nearest(model, list(MODELS))}", key="student.model")
    return build_student(MODELS[model].Config.parse({"model": model, **fields}))


def build_student(config: StudentBase) -> Student:
    """Build the student that a config describes: one of MODELS, or a class of the user's own.

    ConfigError: this machine has no memory for training it; of a class of the user's own that is not asked.
    """
    if isinstance(config, CustomStudentConfig):
        return build_custom(config)
    return built_within_memory(lambda: MODELS[config.model](config))
