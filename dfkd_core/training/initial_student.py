"""The student that training begins with: drawn from the seed, a model that was trained before, or a slice of one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from filelock import FileLock
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.cache import cache_dir
from dfkd_core.config import ExperimentConfig
from dfkd_core.data.mixture_list import MixtureList
from dfkd_core.errors import ConfigError
from dfkd_core.models import build_student
from dfkd_core.models.base import Student, StudentBase
from dfkd_core.teachers.shipped import model_place, shipped_names
from dfkd_core.trained.model_folder import load_model, model_sha256, read_model_config
from dfkd_core.training.norm_statistics import renew_statistics
from dfkd_core.training.slicing import scores_by_activation, scores_by_order, scores_by_weight, sliced

KEY = "training.start_from"
TEACHER = "teacher"
NUM_CROPS = 1000  # by which activation is measured, or as many as an epoch has
NUM_BATCHES = 40  # for the statistics of norms
FORMAT = 1  # of what is kept: another one where a slice comes out differently

State = dict[str, Tensor]


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

    ConfigError: there is no such model, or the student can begin neither as it nor as a slice of it.
    CheckpointError: what is named is no model folder.
    """
    start = config.training.start_from
    if start is None:
        return None
    place = model_place(_teacher(config) if start == TEACHER else start)
    if not place.exists():
        rule = f"must be {TEACHER}, a model folder or a shipped name ({', '.join(shipped_names())})"
        raise ConfigError(f"{rule}, but there is no {start}; `dfkd train` makes a folder", key=KEY)
    student = read_model_config(place).student
    return Parent(place, student, _is_wider(config.student, student, start))


def initial_student(config: ExperimentConfig, parent: Parent | None, mixtures: Callable[[], MixtureList]) -> Student:
    """The student of a config: with its parent's weights or, where that is wider, with those of a slice of it.

    `mixtures` are those of the first epoch; they are asked for where a slice is to be cut. CheckpointError: the
    parent is damaged.
    """
    student = build_student(config.student)
    if parent is None:
        return student
    trained = load_model(parent.folder)[0]
    if not parent.is_wider:
        student.load_state_dict(trained.state_dict())
        return student
    crops, rule, batch = mixtures(), config.training.slice_by, config.training.batch_size
    key = f"{parent.sha256} {crops.sha256} {config.student.model_dump_json()} {rule} {batch}"

    def cut() -> State:
        student.load_state_dict(sliced(trained, student, _scores(trained, parent, rule, crops)))
        renew_statistics(student, _noisy(crops, batch, NUM_BATCHES * batch))
        return student.state_dict()

    student.load_state_dict(_kept(key, cut))
    return student


def start_origin(config: ExperimentConfig, parent: Parent | None) -> dict[str, str]:
    """What a card tells of the model that training began with; empty where weights were drawn from the seed."""
    if parent is None:
        return {}
    how = f"a slice by {config.training.slice_by}" if parent.is_wider else "the weights"
    return {"start_hash": parent.sha256, "start": f"{how} of {parent.folder.name}"}


def _teacher(config: ExperimentConfig) -> str:
    """The teacher's model folder or shipped name; ConfigError where it has no weights that a student can take."""
    teacher = config.teacher
    named = teacher.checkpoint or (teacher.pretrained if teacher.pretrained in shipped_names() else None)
    if named is not None and Path(named).suffix != ".onnx":
        return named
    kinds = {
        f"the teacher is an ONNX file ({named})": named,
        f"the teacher's estimates are wavs ({teacher.estimates})": teacher.estimates,
        f"the teacher is no model of ours ({teacher.pretrained})": teacher.pretrained,
        "the teacher is an ensemble": teacher.ensemble,
    }
    told = next((kind for kind, value in kinds.items() if value), "there is no teacher")
    ways = f"name a model folder or a shipped name ({', '.join(shipped_names())}), or set it to null"
    raise ConfigError(f"must be a model whose weights a student can take, but {told}; {ways}", key=KEY)


def _is_wider(wanted: StudentBase, found: StudentBase, start: str) -> bool:
    """Whether a student has more channels than the one wanted; ConfigError where it differs in anything else."""
    asked, got = wanted.model_dump(mode="json"), found.model_dump(mode="json")
    if asked == got:
        return False
    student = build_student(wanted)
    for name in {**asked, **got}:
        if asked.get(name) != got.get(name) and name not in student.resizable:
            rule = f"must name a model of the same student, or a wider one, but {start} has {name} {got.get(name)}"
            raise ConfigError(f"{rule}, not {asked.get(name)}; name another, or set student.{name}", key=KEY)
    narrow, wide = student.channels(), build_student(found).channels()
    if narrow is None or wide is None:
        rule = f"must name a model of the very same student, since {type(student).__name__} declares no channels"
        raise ConfigError(f"{rule}, but {start} is another; see docs/models.md", key=KEY)
    for group, members in narrow.groups.items():
        if wide.groups[group] < members:
            rule = f"must name a model at least as wide as the student, but {group} of {start} has {wide.groups[group]}"
            raise ConfigError(f"{rule} channels, not {members}; name a wider one, or lower student.width", key=KEY)
    return narrow.groups != wide.groups


def _scores(trained: Student, parent: Parent, rule: str, crops: MixtureList) -> State:
    if rule == "first":
        return scores_by_order(trained)
    if rule == "weight":
        return scores_by_weight(trained)
    return _kept(
        f"{parent.sha256} {crops.sha256} {NUM_CROPS}",
        lambda: scores_by_activation(trained, _noisy(crops, 8, NUM_CROPS)),
    )


def _noisy(crops: MixtureList, batch: int, most: int) -> Iterator[Tensor]:
    """Noisy signals (batch, time) of the first mixtures."""
    count = min(most, len(crops))
    for start in range(0, count, batch):
        yield torch.from_numpy(crops.batch(range(start, min(start + batch, count)))[0])


def _kept(key: str, compute: Callable[[], State]) -> State:
    """Tensors that are a function of `key`: computed by the first process that asks, then read by all."""
    path = cache_dir() / "slices" / f"{hashlib.sha256(f'{FORMAT} {key}'.encode()).hexdigest()[:32]}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        try:
            return load(path.read_bytes())
        except (OSError, SafetensorError):
            state = {name: value.contiguous() for name, value in compute().items()}
            write_atomic(path, save(state))
            return state
