"""What a teacher is worth: its scores on a split beside those of the unprocessed mixtures, and how its signals lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

import numpy as np

from dfkd_core.base.progress import Progress, silent
from dfkd_core.base.schema import nearest
from dfkd_core.config import TeacherConfig
from dfkd_core.data.config import DataConfig
from dfkd_core.data.manifest import MAX_TRIMMED
from dfkd_core.data.pretrained import PUBLIC_MODELS, WheelModel
from dfkd_core.data.whole_files import WholeFiles
from dfkd_core.errors import ConfigError
from dfkd_core.metrics import chosen_metrics
from dfkd_core.models.complexity import complexity
from dfkd_core.models.real_time import clip_factor
from dfkd_core.scoring.evaluation import Enhance, evaluate_once, of_any_length
from dfkd_core.scoring.model_scores import ModelScores, split_files, split_mixtures
from dfkd_core.scoring.processes import Scorer, Subject
from dfkd_core.teachers import PRETRAINED, open_teacher
from dfkd_core.teachers.base import Listed, Teacher, Waveforms
from dfkd_core.teachers.fitness import measure, require_estimates
from dfkd_core.teachers.onnx_file import ONNXTeacher
from dfkd_core.teachers.streaming_graph import StreamingGraph
from dfkd_core.teachers.teacher_cache import ListedMixture
from dfkd_core.teachers.trained_model import FOLDER, TrainedTeacher, model_place, shipped_names
from dfkd_core.teachers.wav_folder import WavFolderTeacher
from dfkd_core.trained.model_folder import load_model
from dfkd_core.trained.model_record import CONFIG

NUM_COMPARED = 16  # mixtures from which delay and gain are told
SIZES = ("model/params", "model/macs_per_s", "model/look_ahead_ms", "model/latency_ms")


def evaluate_teacher(
    teacher: TeacherConfig,
    data: DataConfig,
    *,
    split: str = "valid",
    optional: Sequence[str] = (),
    whole: bool = False,
    progress: Progress = silent,
    jobs: int | None = 1,
) -> ModelScores:
    """Score a teacher on a split of a corpus; what was scored before is read from the cache folder.

    whole: of a corpus with noisy files of its own all of them, whole: model folders and ONNX files hear them as
    `dfkd enhance` has it, and estimates may differ in length by what pairs may.
    ConfigError: there is no teacher. DataError: its estimates have another length or are not finite; a shifted or
    scaled one is scored as it is, and `fitness` tells. `jobs` processes score, None: as many as are worth it.
    """
    opened = open_teacher(teacher)
    if opened is None:
        raise ConfigError(
            "must name a checkpoint, estimates, a pretrained model or an ensemble, but names none", key="teacher"
        )
    open_ = partial(open_teacher_to_score, teacher, data, split, tuple(optional), whole)
    subject = checked, mixtures, metrics = open_(progress)
    scorer = Scorer(open_, jobs, progress)
    by = partial(scorer.evaluate, subject)
    scores = evaluate_once(opened.sha256, checked, mixtures, metrics, progress, by)
    noisy_scores = scorer.evaluate_noisy(subject)
    # how estimates of some mixtures, spread over the list, lie to their clean speech, as far as all have it
    estimates, cleans = [], []
    for index in np.unique(np.linspace(0, len(mixtures) - 1, NUM_COMPARED).astype(int)).tolist():
        noisy, clean = mixtures.batch([index])
        estimates.append(checked(noisy, [ListedMixture(mixtures, index)])[0])
        cleans.append(clean[0])
    length = min(map(len, cleans))
    fitness = measure(np.stack([row[:length] for row in estimates]), np.stack([row[:length] for row in cleans]))
    return ModelScores(opened.name, split, scores, noisy_scores, fitness, isinstance(mixtures, WholeFiles), open_)


def open_teacher_to_score(
    teacher: TeacherConfig,
    data: DataConfig,
    split: str,
    optional: Sequence[str],
    whole: bool,
    progress: Progress = silent,
) -> Subject:
    """What `evaluate_teacher` scores; errors as there."""
    opened, metrics = open_teacher(teacher), chosen_metrics(optional)
    mixtures = (split_files if whole else split_mixtures)(data, None, split, progress)
    if opened is None or not mixtures.has_clean:
        rule = f"needs clean speech to judge a teacher, but {mixtures.part.where} has none"
        raise ConfigError(rule, key="data.corpus")
    checked, is_whole = _checked(opened), isinstance(mixtures, WholeFiles)
    if is_whole and isinstance(opened, WavFolderTeacher):
        opened.slack_samples = MAX_TRIMMED
    elif is_whole and isinstance(opened, TrainedTeacher | ONNXTeacher | StreamingGraph):
        checked = of_any_length(checked)
    return Subject(checked, mixtures, metrics)


def teacher_named(name: str, key: str = "--teacher") -> TeacherConfig:
    """The teacher that a word on the command line means; `key` is that of what was wrong.

    A public model's name, a shipped one, an ONNX file, a model folder, a folder of estimates, or an experiment config,
    whose `teacher` block is taken. ConfigError: none of them.
    """
    path = model_place(name)
    if name in PRETRAINED:
        return TeacherConfig(pretrained=name)
    if path.suffix.lower() in (".yaml", ".yml"):
        from dfkd_core.config import load_config

        return load_config(path).teacher
    if path.suffix.lower() == ".onnx" or (path / CONFIG).is_file():
        return TeacherConfig(checkpoint=name if name in shipped_names() else str(path))
    if path.is_dir():
        return TeacherConfig(estimates=str(path))
    rule = f"must be a public model, a shipped one, an ONNX file, a folder or a config, but got {name!r}"
    raise ConfigError(f"{rule}; {nearest(name, sorted([*PRETRAINED, *shipped_names()]))}", key=key)


def teacher_sizes(teacher: TeacherConfig) -> dict[str, float]:
    """Parameters, multiply-adds, look-ahead, latency, as far as they are known, of public models and model folders."""
    public, folder = PUBLIC_MODELS.get(teacher.pretrained or ""), model_place(teacher.checkpoint or "")
    if isinstance(public, WheelModel):
        known = (public.num_params, public.macs_per_s, public.look_ahead_ms, public.latency_ms)
        return {name: float(size) for name, size in zip(SIZES, known, strict=True) if size is not None}
    if public is not None:
        folder = FOLDER / public.name
    elif teacher.checkpoint is None or not folder.is_dir():
        return {}
    sizes = complexity(load_model(folder)[0])
    counted = zip(SIZES, (sizes.params, sizes.macs_per_s, sizes.look_ahead_ms, sizes.latency_ms), strict=True)
    return {name: float(size) for name, size in counted if math.isfinite(size)}


def teacher_speed(teacher: TeacherConfig) -> dict[str, float]:
    """Its real-time factor on one thread here, by metric name; none of estimates that were made elsewhere."""
    members = teacher.ensemble.members if teacher.ensemble is not None else (teacher,)
    opened = None if any(member.estimates for member in members) else open_teacher(teacher)
    if opened is None:
        return {}
    factor = clip_factor(lambda clip: opened(clip.numpy()))
    return {f"model/{name}": value for name, value in asdict(factor).items()}


def _checked(teacher: Teacher) -> Enhance:
    """The teacher as a function of mixtures whose estimates are known to be whole."""

    def enhance(noisy: Waveforms, listed: Sequence[Listed]) -> Waveforms:
        estimate = teacher(noisy, listed)
        require_estimates(teacher.name, estimate, noisy)
        return estimate

    return enhance
