"""A student of the user's own, named as "package.module:Class" in the config."""

from __future__ import annotations

import importlib
from inspect import Parameter, signature
from typing import Any

import torch
from pydantic_core import to_jsonable_python

from dfkd_core.errors import ConfigError
from dfkd_core.models.base import CustomStudentConfig, Student, StudentBase
from dfkd_core.signal import SAMPLE_RATE_HZ

KEY = "student.model"


def build_custom(config: CustomStudentConfig) -> Student:
    """Build the user's class with the config's other fields, and hold it to what every student offers.

    The class is a Student. It takes its own `Config`, when it names one, else the fields as keyword arguments.
    """
    kind, fields = _find(config.model), config.model_dump(exclude={"model"})
    student: Student
    if hasattr(kind, "Config"):
        student = kind(_parsed(kind, config))
    else:
        try:
            student = kind(**fields)
        except TypeError as error:
            rule = f"must accept the fields {sorted(fields)}, but {config.model!r} says: {error}"
            raise ConfigError(rule, key=KEY) from error
    if student.sample_rate_hz != SAMPLE_RATE_HZ:
        rule = f"must work at {SAMPLE_RATE_HZ} Hz, as data and teachers do, but {config.model!r} works at"
        raise ConfigError(f"{rule} {student.sample_rate_hz} Hz; resample inside its forward", key=KEY)
    _check_shape(student, config.model)
    return student


def all_fields(config: StudentBase) -> dict[str, Any]:
    """A student's fields as JSON has them; those that a config leaves out as the user's own class does."""
    said = config.model_dump(mode="json")
    if not isinstance(config, CustomStudentConfig):
        return said
    kind = _find(config.model)
    if hasattr(kind, "Config"):
        return _parsed(kind, config).model_dump(mode="json")
    fields = signature(kind).parameters.items()
    defaults = {name: field.default for name, field in fields if field.default is not Parameter.empty}
    return {**to_jsonable_python(defaults, fallback=repr), **said}


def _parsed(kind: type[Student], config: CustomStudentConfig) -> StudentBase:
    """A config as the class's own `Config`."""
    try:
        return kind.Config.parse(config.model_dump())
    except ConfigError as error:
        raise error.at(key="student") from error


def _find(name: str) -> type[Any]:
    module_name, _, class_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, TypeError, ValueError) as error:  # the last two: a relative or an empty name
        rule = f"must name an importable module, but got {name!r} ({error}); install it or add its folder to PYTHONPATH"
        raise ConfigError(rule, key=KEY) from error
    kind = getattr(module, class_name, None)
    if not (isinstance(kind, type) and issubclass(kind, Student)):
        raise ConfigError(
            f"must name a subclass of dfkd_core.models.base.Student, but got {name!r}; derive the class from it",
            key=KEY,
        )
    return kind


def _check_shape(student: Student, name: str) -> None:
    """One short signal through the student: same shape out, and finite."""
    training = student.training
    with torch.no_grad():
        noisy = torch.zeros(1, 1601)
        estimate = student.eval()(noisy)
    student.train(training)
    if estimate.shape != noisy.shape or not bool(estimate.isfinite().all()):
        raise ConfigError(
            f"must map (batch, time) to a finite (batch, time), but {name!r} maps {tuple(noisy.shape)} of silence "
            f"to {tuple(estimate.shape)}; return an estimate of the input's length",
            key=KEY,
        )
