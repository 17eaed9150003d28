"""A trained model as a folder: config.yaml, model.safetensors, metrics.json and a card to read."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from dfkd_core.base.atomic_files import sha256_file, write_atomic
from dfkd_core.base.documents import dump_yaml, read_content, read_yaml, typed_path
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import CheckpointError
from dfkd_core.models import build_student
from dfkd_core.models.base import Student
from dfkd_core.models.complexity import complexity
from dfkd_core.trained.checkpoint import load_state
from dfkd_core.trained.model_card import model_card
from dfkd_core.trained.model_record import CARD, CONFIG, METRICS, WEIGHTS, ModelRecord, read_record

_log = logging.getLogger(__name__)


def publish_checkpoint(
    checkpoint: Path, folder: Path, config: ExperimentConfig, metrics: Mapping[str, float | None], better: str = ""
) -> None:
    """Make `folder` a model folder from a trainer's checkpoint, its config and the metrics of its last epoch.

    better: as in a `ModelRecord`.
    """
    state = load_state(checkpoint)
    record = {"noisy": state["noisy"], "epochs": state["epoch"], "origin": state["origin"]}
    record["intervals"] = {n: (b[0], b[1]) for n, b in state.get("intervals", {}).items() if None not in b}
    write_model_folder(folder, config, shipped_weights(state), metrics, better=better, **record)


def write_model_folder(
    folder: Path,
    config: ExperimentConfig,
    weights: Mapping[str, torch.Tensor],
    metrics: Mapping[str, float | None],
    *,
    noisy: Mapping[str, float | None],
    epochs: int,
    origin: Mapping[str, Any],
    intervals: Mapping[str, tuple[float, float]] | None = None,
    better: str = "",
) -> None:
    """Write the four files, metrics.json last: it holds the hash of the weights that it speaks of."""
    folder.mkdir(parents=True, exist_ok=True)
    content = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()})
    record = ModelRecord(
        sha256=hashlib.sha256(content).hexdigest(),
        sizes=asdict(complexity(build_student(config.student))),
        metrics=dict(metrics),
        noisy=dict(noisy),
        epochs=epochs,
        origin=dict(origin),
        torch_version=torch.__version__,
        intervals=dict(intervals or {}),
        better=better,
    )
    write_atomic(folder / CONFIG, dump_yaml(config.model_dump(mode="json")).encode())
    write_atomic(folder / WEIGHTS, content)
    write_atomic(folder / CARD, model_card(config, record).encode())
    write_atomic(folder / METRICS, json.dumps(record.to_json(), indent=1).encode())


def note_runtimes(folder: Path, runtimes: Mapping[str, Mapping[str, float]]) -> None:
    """Write into record and card what was measured of the model in other runtimes, beside what stands there."""
    config, record = read_model_config(folder), read_record(folder)
    sizes = record.sizes | asdict(complexity(build_student(config.student)))  # of an older record, what it lacks, too
    rows = record.runtimes | {name: dict(measured) for name, measured in runtimes.items()}
    noted = record.model_copy(update={"runtimes": rows, "sizes": sizes})
    write_atomic(folder / CARD, model_card(config, noted).encode())
    write_atomic(folder / METRICS, json.dumps(noted.to_json(), indent=1).encode())


def load_model(place: str | Path) -> tuple[Student, ExperimentConfig]:
    """The model of a folder, in evaluation mode on the CPU, and its config.

    The model takes noisy waveforms (batch, time) at 16 kHz and returns estimates of the same shape.

    CheckpointError: a file is missing, the weights differ from their hash, do not fit the config or are not finite.
    """
    folder = typed_path(place)
    config = read_model_config(folder)
    if (folder / METRICS).exists():
        found, expected = sha256_file(folder / WEIGHTS), read_record(folder).sha256
        if found != expected:
            rule = f"must have sha256 {expected[:12]}..., but it has {found[:12]}..."
            raise CheckpointError(f"{folder / WEIGHTS}: {rule}; restore the file")
    else:
        _log.warning("%s: has no %s, so its weights cannot be checked", folder, METRICS)
    student = build_student(config.student)
    try:
        state = load(read_content(folder / WEIGHTS))
        student.load_state_dict(state)
    except SafetensorError as error:
        raise CheckpointError(f"{folder / WEIGHTS}: must be a safetensors file, but {error}; train it again") from error
    except RuntimeError as error:
        fact = str(error).splitlines()[-1].strip()
        raise CheckpointError(f"{folder / WEIGHTS}: must fit {CONFIG}, but {fact}; restore both files") from error
    may_be_infinite = state.keys() - dict(student.named_parameters()).keys()  # such as a mask of a user's own class
    for name, value in state.items():
        if not (~value.isnan() if name in may_be_infinite else value.isfinite()).all():
            rule = f"must hold finite weights, but {name} has NaN or infinity"
            raise CheckpointError(f"{folder / WEIGHTS}: {rule}; restore the file, or train it again")
    return student.eval(), config


def read_model_config(folder: Path) -> ExperimentConfig:
    """The config of a model folder; CheckpointError when `folder` is none."""
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise CheckpointError(
                f"{folder}: must be a model folder, but lacks {name}; name one that `dfkd train` wrote"
            )
    if (folder / METRICS).is_file():
        read_record(folder)  # a newer version's folder is told as one, not by the first key that is unknown here
    return ExperimentConfig.parse(read_yaml(folder / CONFIG), folder / CONFIG)


def model_sha256(folder: Path) -> str:
    """Hash of the weights and of the student's config: the identity of what the model computes."""
    student = read_model_config(folder).student.model_dump(mode="json")
    content = f"{sha256_file(folder / WEIGHTS)} {json.dumps(student, sort_keys=True)}"
    return hashlib.sha256(content.encode()).hexdigest()


def shipped_weights(state: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The weights that a trainer's state ships: the averaged ones where there are any, else the student's."""
    prefix = "model."
    averaged = {name.removeprefix(prefix): w for name, w in state["average"].items() if name.startswith(prefix)}
    return averaged or dict(state["student"])
