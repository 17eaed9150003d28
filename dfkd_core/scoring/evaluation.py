"""Scores of a model on listed mixtures: their mean, and one row a clip."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.cache import cache_dir
from dfkd_core.base.documents import read_json
from dfkd_core.base.progress import Progress, silent
from dfkd_core.data.mixture_list import MixtureList, Reference
from dfkd_core.data.whole_files import WholeFiles
from dfkd_core.errors import TrainingDiverged
from dfkd_core.metrics import METRICS, Metric
from dfkd_core.metrics.intelligibility import shared_segments
from dfkd_core.scoring.clip_table import ClipTable
from dfkd_core.scoring.confidence import Crossing
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.chunks import in_chunks
from dfkd_core.teachers.base import Listed, Waveforms
from dfkd_core.teachers.teacher_cache import ListedMixture

_FORMAT = 3  # of scores in the cache folder; raised when a metric changes

Metrics = Mapping[str, Metric]
GROUP_SUFFIX: dict[Reference, str] = {"clean": "", "teacher": "_teacher"}  # of a metric's group

Scored = MixtureList | WholeFiles
Enhance = Callable[[Waveforms, Sequence[Listed]], Waveforms]


@dataclass(frozen=True)
class ClipScores:
    """Scores of one mixture, with what tells where a model is weak."""

    name: str
    speaker: str
    noise_family: str
    snr_db: float
    scores: dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    """Scores on a list of mixtures, by the names of metrics.

    mean: over the clips on which a score is defined (nan when there is none). undefined: how many it is not
    defined on, which depends on the clean speech alone. clips: one row a mixture. reference: what they are measured
    against, clean speech or, for recordings of which none is known, the teacher's estimates.
    """

    clips: tuple[ClipScores, ...]
    reference: Reference = "clean"
    mean: dict[str, float] = field(init=False)
    undefined: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        names = self.clips[0].scores if self.clips else METRICS
        scores = {name: np.array([clip.scores[name] for clip in self.clips]) for name in names}
        defined = {name: values[np.isfinite(values)] for name, values in scores.items()}
        object.__setattr__(self, "mean", {n: float(v.mean()) if v.size else float("nan") for n, v in defined.items()})
        object.__setattr__(self, "undefined", {n: len(self.clips) - v.size for n, v in defined.items()})

    def metrics(self, prefix: str = "val") -> dict[str, float]:
        """The means as metrics: `val/pesq_wb`, or `val_teacher/pesq_wb` where the reference is the teacher."""
        return {self._metric(prefix, name): value for name, value in self.mean.items()}

    def table(self, prefix: str = "val") -> ClipTable:
        """Every clip's scores by metric, with who speaks in which noise at which SNR."""
        scores = {
            self._metric(prefix, name): tuple(float(clip.scores[name]) for clip in self.clips) for name in METRICS
        }
        return ClipTable(tuple(clip.name for clip in self.clips), self.crossing, scores)

    def intervals(self, prefix: str = "val") -> dict[str, tuple[float | None, float | None]]:
        """95 % intervals of the means, named as `metrics`; null for none, {} where SciPy is not installed."""
        try:
            found = {n: self.crossing.interval([clip.scores[n] for clip in self.clips]) for n in self.mean}
        except ModuleNotFoundError:  # a machine that only trains
            return {}
        plain = {n: tuple(v if np.isfinite(v) else None for v in bounds) for n, bounds in found.items()}
        return {self._metric(prefix, name): (low, high) for name, (low, high) in plain.items()}

    @property
    def crossing(self) -> Crossing:
        """Who speaks in which noise at which SNR."""
        return Crossing(
            tuple(clip.speaker for clip in self.clips),
            tuple(clip.noise_family for clip in self.clips),
            tuple(float(clip.snr_db) for clip in self.clips),
        )

    def _metric(self, prefix: str, name: str) -> str:
        return f"{prefix}{GROUP_SUFFIX[self.reference]}/{name}"


def evaluate(
    enhance: Enhance,
    mixtures: Scored,
    metrics: Metrics = METRICS,
    progress: Progress = silent,
    only: Sequence[int] | None = None,
) -> Evaluation:
    """Score estimates of every mixture, or of those numbered; TrainingDiverged when an estimate is not finite."""
    rows = list(zip(mixtures.names, mixtures.speakers, mixtures.noise_families, mixtures.snr_db.tolist(), strict=True))
    chosen = range(len(mixtures)) if only is None else only
    clips = []
    with threadpool_limits(1, user_api="blas"):  # numpy's threads would only wait for each other
        # one at a time: as fast as batches of four on a CPU, in 100 MB less
        for done, index in enumerate(chosen, start=1):
            row = rows[index]
            noisy, clean = mixtures.batch([index])
            estimate = enhance(noisy, [ListedMixture(mixtures, index)])[0]
            if not np.isfinite(estimate).all():
                raise TrainingDiverged(f"the estimate of {row[0]} holds nan or inf; lower optimizer.learning_rate")
            with shared_segments():
                clips.append(ClipScores(*row, {name: metric(estimate, clean[0]) for name, metric in metrics.items()}))
            progress("score", done, len(chosen))
    return Evaluation(tuple(clips), mixtures.reference)


def evaluate_noisy(mixtures: Scored, metrics: Metrics = METRICS, progress: Progress = silent) -> Evaluation:
    """Scores of the unprocessed mixtures, which every improvement is measured from; kept in the cache folder."""
    return evaluate_once("noisy", lambda noisy, listed: noisy, mixtures, metrics, progress)


def evaluate_once(
    identity: str,
    enhance: Enhance,
    mixtures: Scored,
    metrics: Metrics = METRICS,
    progress: Progress = silent,
    by: Callable[[], Evaluation] | None = None,
) -> Evaluation:
    """As `evaluate`, or as `by` does it, kept in the cache folder under what `identity` says of the estimates."""
    optional = "".join(f"-{name}" for name in metrics if name not in METRICS)
    path = cache_dir() / "scores" / f"{identity[:16]}-{mixtures.sha256[:32]}-{_FORMAT}{optional}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):  # absent, or damaged: computed below
        kept = replace(_from_json(read_json(path), metrics), reference=mixtures.reference)
        if len(kept.clips) == len(mixtures):
            return kept
    evaluation = by() if by else evaluate(enhance, mixtures, metrics, progress)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(to_json(evaluation)).encode())
    return evaluation


def network_enhance(model: nn.Module, device: torch.device) -> Enhance:
    """A model in evaluation mode as a function of arrays (batch, time)."""

    def enhance(noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        with torch.inference_mode():
            estimate: Waveforms = model(torch.from_numpy(noisy).to(device)).float().cpu().numpy()
        return estimate

    return enhance


def of_any_length(enhance: Enhance) -> Enhance:
    """As `dfkd enhance` has a model hear files: in chunks, at one level, without an offset."""

    def enhanced(noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        return np.concatenate(list(in_chunks(lambda chunk: enhance(chunk, ()), [noisy], SAMPLE_RATE_HZ)), axis=1)

    return enhanced


def to_json(evaluation: Evaluation) -> list[dict[str, object]]:
    """The rows of an evaluation; an undefined score and an unknown SNR become null."""
    rows = [asdict(clip) for clip in evaluation.clips]
    for row in rows:
        row["snr_db"] = row["snr_db"] if np.isfinite(row["snr_db"]) else None
        row["scores"] = {name: value if np.isfinite(value) else None for name, value in row["scores"].items()}
    return rows


def _from_json(rows: Sequence[Mapping[str, Any]], metrics: Metrics) -> Evaluation:
    def scores(values: Mapping[str, float | None]) -> dict[str, float]:
        return {name: float("nan") if values[name] is None else float(values[name] or 0.0) for name in metrics}

    def clip(row: Mapping[str, Any]) -> ClipScores:
        snr_db = float("nan") if row["snr_db"] is None else row["snr_db"]
        return ClipScores(**{**row, "snr_db": snr_db, "scores": scores(row["scores"])})

    return Evaluation(tuple(map(clip, rows)))
