"""A finished model's scores on a split, beside those of the unprocessed mixtures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dfkd_core.base.machine import choose_device
from dfkd_core.base.progress import Progress, silent
from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.config import DataConfig
from dfkd_core.data.corpora import open_corpus
from dfkd_core.data.manifest import Split
from dfkd_core.data.mixtures import MixtureList, test_list, validation_list
from dfkd_core.data.whole_files import WholeFiles
from dfkd_core.errors import ConfigError
from dfkd_core.metrics import chosen_metrics
from dfkd_core.scoring.evaluation import (
    ClipScores,
    Evaluation,
    Scored,
    network_enhance,
    of_any_length,
    to_json,
)
from dfkd_core.scoring.processes import Open, Scorer, Subject
from dfkd_core.teachers import open_teacher
from dfkd_core.teachers.fitness import Fitness
from dfkd_core.teachers.taught_list import judged
from dfkd_core.trained.model_folder import load_model

LISTS: dict[Split, Callable[[AudioStore, DataConfig], MixtureList]] = {"test": test_list, "valid": validation_list}
_UNKNOWN = "unknown"  # SNR of a recording
GroupKey = Literal["snr_db", "noise_family", "speaker"]


@dataclass(frozen=True)
class ModelScores:
    """Scores of a model and of the noisy input on the same mixtures; of a teacher also how its signals lie.

    whole_files: whether they are all pairs of the split as they are, and not crops. open: what was scored, to be heard.
    probes: scores on the probes of the model's config, by name. left_out: why others of them have none.
    """

    name: str
    split: str
    model: Evaluation
    noisy: Evaluation
    fitness: Fitness | None = None
    whole_files: bool = False
    open: Open | None = field(default=None, compare=False, repr=False)
    probes: Mapping[str, ModelScores] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def interval(self, metric: str, *, improvement: bool = False) -> tuple[float, float]:
        """95 % interval of a mean score, or of the improvement over the noisy input (`Crossing`)."""
        values = np.array([clip.scores[metric] for clip in self.model.clips])
        if improvement:
            values = values - np.array([clip.scores[metric] for clip in self.noisy.clips])
        return self.model.crossing.interval(values.tolist())

    def by(self, key: GroupKey) -> dict[str, dict[str, tuple[float, float]]]:
        """Mean scores of (model, noisy) by metric, for each SNR (to 5 dB), family of noise or speaker."""
        groups = {_group(clip, key) for clip in self.model.clips}
        ordered = sorted(groups, key=float) if key == "snr_db" and _UNKNOWN not in groups else sorted(groups)
        means: dict[str, dict[str, tuple[float, float]]] = {}
        for group in ordered:
            model, noisy = (
                [clip.scores for clip in evaluation.clips if _group(clip, key) == group]
                for evaluation in (self.model, self.noisy)
            )
            means[group] = {
                metric: (_mean([scores[metric] for scores in model]), _mean([scores[metric] for scores in noisy]))
                for metric in self.model.mean
            }
        return means

    def to_json(self) -> dict[str, Any]:
        """Means, intervals, groups and every clip; an undefined score is null."""
        return {
            "model": self.name,
            "split": self.split,
            "reference": self.model.reference,
            "clips": len(self.model.clips),
            "whole_files": self.whole_files,
            "mean": _plain(self.model.mean),
            "noisy": _plain(self.noisy.mean),
            "undefined": self.model.undefined,
            "interval_95": {metric: _plain_pair(self.interval(metric)) for metric in self.model.mean},
            "improvement_interval_95": {
                metric: _plain_pair(self.interval(metric, improvement=True)) for metric in self.model.mean
            },
            "intervals_drawn": self.model.crossing.words(),
            "by_snr_db": _plain_groups(self.by("snr_db")),
            "by_noise_family": _plain_groups(self.by("noise_family")),
            "per_clip": self.per_clip(),
            **({} if self.fitness is None else {"fitness": asdict(self.fitness)}),
            **({"probes": {n: _plain(probe.model.mean) for n, probe in self.probes.items()}} if self.probes else {}),
            **({"probes_left_out": {**self.left_out}} if self.left_out else {}),
        }

    def per_clip(self) -> list[dict[str, Any]]:
        """A row for each clip, with the scores of its noisy input."""
        rows = zip(to_json(self.model), to_json(self.noisy), strict=True)
        return [{**row, "noisy": noisy["scores"]} for row, noisy in rows]

    def text(self) -> str:
        """Tables for a terminal: of all clips, then by SNR and noise."""
        groups = [*self._groups("SNR dB", "snr_db"), *self._groups("noise", "noise_family")]
        return "\n".join([*self.table(), *groups])

    def table(self) -> list[str]:
        """Lines for a terminal: what was scored, each metric's mean with its interval, what intervals mean."""
        what = "whole files, all there are" if self.whole_files else "mixtures"
        lines = [f"{self.name}, {self.split} split, {len(self.model.clips)} {what}"]
        if self.fitness is not None:
            lines.append(f"against clean speech: {self.fitness}")
        if self.model.reference == "teacher":
            lines.append("no clean speech is known: scores tell agreement with the teacher, not quality")
        lines.append(
            f"{'metric':<12}{'model':>9}{'95 % interval':>19}{'noisy':>9}{'better by':>11}{'95 % interval':>19}"
        )
        for metric in self.model.mean:
            model, noisy = self.model.mean[metric], self.noisy.mean[metric]
            bounds = (self.interval(metric), self.interval(metric, improvement=True))
            value, gain = (f"{low:.3f} to {high:.3f}" if low <= high else "unknown" for low, high in bounds)
            lines.append(f"{metric:<12}{model:>9.3f}{value:>19}{noisy:>9.3f}{model - noisy:>+11.3f}{gain:>19}")
        return [*lines, f"intervals: drawn were {self.model.crossing.words()}"]

    def _groups(self, title: str, key: GroupKey) -> list[str]:
        lines = ["", f"{title:<14}{'PESQ-WB':>9}{'noisy':>9}{'SI-SDR dB':>11}{'noisy':>9}"]
        for group, means in self.by(key).items():
            pesq, si_sdr = means["pesq_wb"], means["si_sdr_db"]
            lines.append(f"{group:<14}{pesq[0]:>9.3f}{pesq[1]:>9.3f}{si_sdr[0]:>11.2f}{si_sdr[1]:>9.2f}")
        return lines


def evaluate_model(
    folder: Path,
    *,
    data: str | Path | None = None,
    split: str = "test",
    optional: Sequence[str] = (),
    device: str = "auto",
    whole: bool = False,
    progress: Progress = silent,
    jobs: int | None = 1,
) -> ModelScores:
    """Score a model folder on the test (or valid) split of its own corpus, or of the corpus `data`.

    whole: of a corpus with noisy files of its own all of them, whole, as `dfkd enhance` has them heard, and not crops.
    `optional` names metrics of OPTIONAL; `jobs` processes score, None: as many as are worth it. ConfigError: another
    split, or such a metric cannot be had. CheckpointError: no model folder, or a damaged one.
    """
    open_ = partial(open_model, folder, data, split, tuple(optional), device, whole)
    subject = open_(progress)
    scorer = Scorer(open_, 1 if choose_device(device).type != "cpu" else jobs, progress)
    scores, noisy = scorer.evaluate(subject), scorer.evaluate_noisy(subject)
    is_whole = isinstance(subject.mixtures, WholeFiles)
    return ModelScores(folder.name, split, scores, noisy, whole_files=is_whole, open=open_)


def open_model(
    folder: Path,
    data: str | Path | None,
    split: str,
    optional: Sequence[str],
    device: str,
    whole: bool,
    progress: Progress = silent,
) -> Subject:
    """What `evaluate_model` scores; errors as there."""
    chosen = choose_device(device)
    model, config = load_model(folder)
    metrics = chosen_metrics(optional)
    mixtures = (split_files if whole else split_mixtures)(config.data, data, split, progress)
    enhance = network_enhance(model.to(chosen), chosen)
    if isinstance(mixtures, WholeFiles):
        enhance = of_any_length(enhance)
    elif not mixtures.has_clean:
        mixtures = judged(mixtures, open_teacher(config.teacher), progress)
    return Subject(enhance, mixtures, metrics)


def split_mixtures(data: DataConfig, corpus: str | Path | None, split: str, progress: Progress) -> MixtureList:
    """The fixed mixtures of a split of a config's corpus, or of another one; ConfigError for another split."""
    split_ = require_split(split)
    return LISTS[split_](_store(data, corpus, split_, progress), data)


def split_files(data: DataConfig, corpus: str | Path | None, split: str, progress: Progress) -> Scored:
    """As `split_mixtures`, but all pairs as they are where the corpus has noisy files of its own."""
    split_ = require_split(split)
    store = _store(data, corpus, split_, progress)
    part = store.part(split_)
    return WholeFiles(part, split_) if part.is_paired else LISTS[split_](store, data)


def require_split(split: str) -> Split:
    """The split, if it may be evaluated on; else ConfigError."""
    known: dict[str, Split] = {"test": "test", "valid": "valid"}
    if split not in known:
        raise ConfigError(f"must be test or valid, but got {split!r}", key="split")
    return known[split]


def _store(data: DataConfig, corpus: str | Path | None, split: Split, progress: Progress) -> AudioStore:
    place = data.corpus if corpus is None else str(corpus)
    return AudioStore.open(open_corpus(place, splits=(split,), progress=progress), progress=progress)


def _group(clip: ClipScores, key: GroupKey) -> str:
    if key != "snr_db":
        return str(getattr(clip, key))
    return f"{5 * round(clip.snr_db / 5)}" if np.isfinite(clip.snr_db) else _UNKNOWN


def _mean(values: list[float]) -> float:
    defined = [value for value in values if np.isfinite(value)]
    return float(np.mean(defined)) if defined else float("nan")


def _plain(means: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in means.items()}


def _plain_pair(pair: tuple[float, float]) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in pair]


def _plain_groups(groups: Mapping[str, Mapping[str, tuple[float, float]]]) -> dict[str, dict[str, list[float | None]]]:
    return {group: {metric: _plain_pair(pair) for metric, pair in means.items()} for group, means in groups.items()}
