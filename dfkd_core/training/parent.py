"""The trained model that a student begins with, by the name that `training.start_from` gives it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import BRING_BACK, ConfigError
from dfkd_core.models import build_student
from dfkd_core.models.base import StudentBase
from dfkd_core.models.custom import all_fields
from dfkd_core.teachers.trained_model import model_place, shipped_names
from dfkd_core.trained.model_folder import model_sha256, read_model_config
from dfkd_core.training.slicing import Cut, in_parent, scores_by_order

KEY = "training.start_from"
TEACHER = "teacher"


@dataclass(frozen=True)
class Parent:
    """The model that a student begins with: its folder, the student there, and whether only a slice of it is wanted."""

    folder: Path
    student: StudentBase
    is_wider: bool

    @cached_property
    def sha256(self) -> str:
        """Identity of what it computes."""
        return model_sha256(self.folder)


def find_parent(config: ExperimentConfig) -> Parent | None:
    """The model that `training.start_from` names, None for null; nothing is loaded.

    ConfigError: there is no such model, the student can begin neither as it nor as a slice of it, or there is none
    and norms are to keep its statistics. CheckpointError: what is named is no model folder.
    """
    start = config.training.start_from
    if start is None:
        if config.training.norms == "freeze":
            rule = (
                "must be train or null where weights are drawn from the seed, but got freeze: no statistics are known"
            )
            raise ConfigError(f"{rule}; set it to null, or name a model in {KEY}", key="training.norms")
        return None
    named = _teacher(config) if start == TEACHER else start
    place = model_place(named)
    if not place.exists():
        rule = f"must be {TEACHER}, a model folder or a shipped name ({', '.join(shipped_names())})"
        raise ConfigError(f"{rule}, but there is no {named}; {BRING_BACK}; `dfkd train` makes a folder", key=KEY)
    student = read_model_config(place).student
    return Parent(place, student, _is_wider(config.student, student, named))


def _teacher(config: ExperimentConfig) -> str:
    """The teacher's model folder or shipped name; ConfigError where it has no weights that a student can take."""
    teacher = config.teacher
    named = teacher.checkpoint or (teacher.pretrained if teacher.pretrained in shipped_names() else None)
    if named is not None and Path(named).suffix.lower() != ".onnx":
        return named
    kinds = {
        f"the teacher is an ONNX file ({named})": named,
        f"the teacher's estimates are wavs ({teacher.estimates})": teacher.estimates,
        f"the teacher is no model of ours ({teacher.pretrained})": teacher.pretrained,
        "the teacher is an ensemble": teacher.ensemble,
    }
    fact = next((kind for kind, value in kinds.items() if value), "there is no teacher")
    ways = f"name a model folder or a shipped name ({', '.join(shipped_names())}), or set it to null"
    raise ConfigError(f"must be a model whose weights a student can take, but {fact}; {ways}", key=KEY)


def _is_wider(wanted: StudentBase, found: StudentBase, start: str) -> bool:
    """Whether a student has more channels or layers than the one wanted, which then takes but a part of its weights.

    ConfigError: it differs in anything else, or none can be taken.
    """
    same = wanted.model == found.model
    asked, got = (all_fields(one) if same else {"model": one.model} for one in (wanted, found))
    if asked == got:
        return False
    student = build_student(wanted)
    for name in {**asked, **got}:
        if asked.get(name) != got.get(name) and name not in student.resizable:
            has, wants = (said.get(name, getattr(one, name, None)) for said, one in ((got, found), (asked, wanted)))
            rule = f"must name a model of the same student, or a wider one, but {start} has {name} {has}"
            raise ConfigError(f"{rule}, not {wants}; name another, or set student.{name}", key=KEY)
    other = build_student(found)
    try:
        if student.slices(other) is not None:
            return True
        narrow, wide, theirs = student.channels(), other.channels(), in_parent(student, other)
        if narrow is None or wide is None:
            rule = f"must name a model of the very same student, since {type(student).__name__} declares no channels"
            raise ConfigError(f"{rule}, but {start} is another; see docs/models.md")
        for group, members in narrow.groups.items():
            if theirs(group) not in wide.groups:
                rule = f"must name a model at least as deep as the student, but {start} has nothing for its {group}"
                raise ConfigError(f"{rule}; name a deeper one, or lower the student's number of blocks")
            has = wide.groups[theirs(group)]
            if has < members:
                rule = f"must name a model at least as wide as the student, but {theirs(group)} of {start} has {has}"
                fields = " or ".join(f"student.{name}" for name in asked if name in student.resizable)
                raise ConfigError(f"{rule} channels, not {members}; name a wider one, or lower {fields}")
        Cut.of(other, student, scores_by_order(other))
    except ConfigError as error:
        raise error.at(key=KEY) from error
    return narrow.groups != wide.groups or student.state_dict().keys() != other.state_dict().keys()
