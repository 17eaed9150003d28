"""The student that training begins with: drawn from the seed, a model that was trained before, or a slice of one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from filelock import FileLock
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.cache import cache_dir
from dfkd_core.base.documents import read_content
from dfkd_core.config import ExperimentConfig
from dfkd_core.data.mixture_list import MixtureList
from dfkd_core.errors import ConfigError
from dfkd_core.losses.si_sdr import si_sdr_db
from dfkd_core.models import build_student
from dfkd_core.models.base import Student
from dfkd_core.trained.model_folder import load_model
from dfkd_core.training.norm_statistics import renew_statistics
from dfkd_core.training.parent import KEY, find_parent
from dfkd_core.training.slicing import channels_of, scores_by_activation, scores_by_order, scores_by_weight, sliced
from dfkd_core.training.slimmable import slice_configs

NUM_CROPS = 1000  # by which activation is measured, or as many as an epoch has
NUM_TRIED, NUM_JUDGED = 24, 32  # slices, where there are several to choose from, and crops they are judged on
NUM_BATCHES = 40  # for the statistics of norms
FORMAT = 1  # of what is kept: another one where a slice comes out differently

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Start:
    """What training begins with; `identity` is that of its weights, empty where they were drawn from the seed."""

    student: Student
    kind: Literal["drawn", "slice", "whole"] = "drawn"
    identity: str = ""
    origin: dict[str, str] = field(default_factory=dict)  # what a card tells of the parent


def require_beginning(config: ExperimentConfig) -> None:
    """The errors of `initial_student` that config and parent's config tell, before data is prepared."""
    find_parent(config)
    if config.training.slimmable is not None:
        slice_configs(config, build_student(config.student))


def initial_student(config: ExperimentConfig, mixtures: Callable[[], MixtureList]) -> Start:
    """The student of a config: with its parent's weights or, where that is wider, with those of a slice of it.

    `mixtures` are those of the first epoch; they are asked for where a slice is to be cut, once for all who want the
    same. Errors: as `find_parent` and `slice_configs`; CheckpointError where the parent is damaged.
    """
    student, parent = build_student(config.student), find_parent(config)
    if parent is None:
        return Start(student)
    ranks = config.training.slimmable is not None  # whose slices are the first channels: the best come to stand there
    if ranks:
        slice_configs(config, student)
    trained = load_model(parent.folder)[0]

    def by_activation(model: Student) -> Weights:
        def listen() -> Weights:
            try:
                return scores_by_activation(model, _noisy(mixtures(), 8, NUM_CROPS))
            except ConfigError as error:
                raise error.at(key=KEY) from error

        declared = channels_of(model).as_text()
        return _kept(_identity(FORMAT, parent.sha256, mixtures().sha256, NUM_CROPS, declared), listen)

    scores = {"first": scores_by_order, "weight": scores_by_weight, "activation": by_activation}
    if not parent.is_wider:
        origin = {"start_hash": parent.sha256, "start": f"the weights of {parent.folder.name}"}
        state = trained.state_dict()
        if ranks:
            state = sliced(trained, student, scores[config.training.slice_by](trained), ranks=True)
        student.load_state_dict(state)
        return Start(student, "whole", parent.sha256, origin)
    ways = student.slices(trained)
    rule = config.training.slice_by if ways is None else "SI-SDR"
    origin = {"start_hash": parent.sha256, "start": f"a slice by {rule} of {parent.folder.name}"}
    crops, batch = mixtures(), config.training.batch_size

    def cut() -> Weights:
        if ways is None:
            student.load_state_dict(sliced(trained, student, scores[rule](trained), ranks=ranks))
        else:
            student.load_state_dict(_best(student, ways, crops))
        renew_statistics(student, _noisy(crops, batch, NUM_BATCHES * batch))
        return student.state_dict()

    how = (rule, batch, ranks, config.student.model_dump_json())
    declared = [channels_of(model).as_text() for model in (student, trained)] if ways is None else []
    identity = _identity(FORMAT, parent.sha256, crops.sha256, *how, student.stages(trained), *declared)
    student.load_state_dict(_kept(identity, cut))
    return Start(student, "slice", identity, origin)


@torch.no_grad()
def _best(student: Student, ways: Sequence[Callable[[], Weights]], crops: MixtureList) -> Weights:
    """Of NUM_TRIED slices at most, spread over all, the one with the highest SI-SDR on the first mixtures."""
    tried = [ways[i * len(ways) // min(len(ways), NUM_TRIED)]() for i in range(min(len(ways), NUM_TRIED))]
    noisy, clean = (torch.from_numpy(signal) for signal in crops.batch(range(min(NUM_JUDGED, len(crops)))))
    training, quality = student.training, []
    for state in tried:
        student.load_state_dict(state)
        quality.append(float(si_sdr_db(student.eval()(noisy), clean).mean()))
    student.train(training)
    return tried[max(range(len(tried)), key=lambda i: (not math.isnan(quality[i]), quality[i]))]


def _noisy(crops: MixtureList, batch: int, most: int) -> Iterator[Tensor]:
    """Noisy signals (batch, time) of the first mixtures."""
    count = min(most, len(crops))
    for start in range(0, count, batch):
        yield torch.from_numpy(crops.batch(range(start, min(start + batch, count)))[0])


def _identity(*parts: object) -> str:
    """Of what is a function of these alone; a user's own declaration is among them, lest a mended one gets the old."""
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()


def _kept(identity: str, compute: Callable[[], Weights]) -> Weights:
    """Tensors that are a function of `identity` alone: computed by the first process that asks, then read by all."""
    path = cache_dir() / "slices" / f"{identity[:32]}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        try:
            return load(read_content(path))
        except (OSError, ValueError, SafetensorError):
            state = {name: value.contiguous() for name, value in compute().items()}
            write_atomic(path, save(state))
            return state
