"""Measure models from elsewhere on the mixtures that a sweep's trials are compared on; each once, kept as a file."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.errors import DFKDError
from sweeps.distillation.sounds import file_name, record_reference
from sweeps.fronts.reference_models import REFERENCES, ReferenceModel

if TYPE_CHECKING:
    from dfkd_core.config import ExperimentConfig, TeacherConfig

_log = logging.getLogger(__name__)


def measure_references(folder: Path, names: Iterable[str], config: ExperimentConfig) -> Iterator[ReferenceModel]:
    """Score, measure and record the named models on the mixtures that trials are scored on; each is kept as files.

    A name is what `dfkd evaluate --teacher` takes. Scores that were computed before are read from the cache folder,
    so that an interrupted call goes on behind the last model. ConfigError or DataError: a model cannot be had.
    """
    from dfkd_core.scoring.teacher_scores import teacher_named

    for name in names:
        teacher = teacher_named(name)
        model = _measured(folder, teacher, config)
        if teacher != config.teacher:  # which is heard as the teacher
            record_reference(folder, model.name, teacher, config)
        yield model


def measure_own_teacher(folder: Path, config: ExperimentConfig) -> None:
    """Score the sweep's own teacher, unless it is a folder of estimates, which knows the training mixtures alone.

    What cannot be scored is told and left out: the sweep is finished without it.
    """
    if config.teacher.estimates is not None or not config.teacher.is_named:
        return
    try:
        _measured(folder, config.teacher, config)
    except (DFKDError, OSError) as error:
        _log.warning("the front's page lacks the teacher's score: %s", error)


def _measured(folder: Path, teacher: TeacherConfig, config: ExperimentConfig) -> ReferenceModel:
    from dfkd_core.scoring.teacher_scores import evaluate_teacher, teacher_sizes, teacher_speed

    scores = evaluate_teacher(teacher, config.data, split="valid", optional=config.training.metrics)
    means = scores.model.metrics("val")
    sources = teacher.ensemble.members if teacher.ensemble is not None else (teacher,)
    # estimates are of the corpus's mixtures; a probe's may have the same names
    probes = {} if any(source.estimates is not None for source in sources) else config.data.probes
    for name, corpus in probes.items():
        data = config.data.model_copy(update={"corpus": corpus})
        probed = evaluate_teacher(teacher, data, split="valid", optional=config.training.metrics)
        means |= probed.model.metrics(f"probe/{name}")
    known = {name: value for name, value in means.items() if math.isfinite(value)}
    model = ReferenceModel(scores.name, known | teacher_sizes(teacher) | teacher_speed(teacher))
    place = folder / REFERENCES / f"{file_name(model.name)}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(place, json.dumps({"name": model.name, "values": dict(model.values)}, indent=1).encode())
    return model
