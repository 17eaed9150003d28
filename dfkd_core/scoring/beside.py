"""A model's scores beside those of others on the same mixtures: its teacher, models that anybody can have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dfkd_core.errors import ConfigError
from dfkd_core.scoring.evaluation import Evaluation
from dfkd_core.scoring.model_scores import ModelScores

NOISY = "noisy input"


@dataclass(frozen=True)
class Beside:
    """One of those compared: a metric's mean with its 95 % interval, and by how much the model is better than it."""

    name: str
    mean: dict[str, float]
    interval: dict[str, tuple[float, float]]
    gain: dict[str, float]  # the model's mean less this one's
    gain_interval: dict[str, tuple[float, float]]  # of clips paired, where chance is less than in the means

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is not defined is null."""
        return {
            "name": self.name,
            "mean": {m: _plain(v) for m, v in self.mean.items()},
            "interval_95": {m: [_plain(v) for v in pair] for m, pair in self.interval.items()},
            "model_better_by": {m: _plain(v) for m, v in self.gain.items()},
            "model_better_by_interval_95": {m: [_plain(v) for v in pair] for m, pair in self.gain_interval.items()},
        }


def set_apart(scores: ModelScores, others: Sequence[ModelScores], places: Sequence[str]) -> list[ModelScores]:
    """The others, those whose name is not theirs alone called by the place at which they were asked for."""
    names = Counter([scores.name, "noisy", *(other.name for other in others)])
    pairs = zip(others, places, strict=True)
    return [replace(other, name=place) if names[other.name] > 1 else other for other, place in pairs]


def beside(scores: ModelScores, others: Sequence[ModelScores]) -> list[Beside]:
    """The noisy input and each of the others; ConfigError where one was scored on other clips."""
    names = [clip.name for clip in scores.model.clips]
    for other in others:
        if [clip.name for clip in other.model.clips] != names:
            raise ConfigError(f"must be scored on the same clips, but {other.name} was not", key="--against")
    columns = [(NOISY, scores.noisy), *((other.name, other.model) for other in others)]
    return [_beside(scores, name, evaluation) for name, evaluation in columns]


def table(scores: ModelScores, others: Sequence[ModelScores]) -> list[str]:
    """Lines for a terminal: a row each, the model first; in brackets what it is better by, where that is clear."""
    if not others:
        return []
    rows = beside(scores, others)
    metrics = list(scores.model.mean)
    wide = max(len(scores.name), *(len(row.name) for row in rows)) + 2
    lines = ["", f"{'beside it':<{wide}}" + "".join(f"{metric:>22}" for metric in metrics)]
    lines.append(f"{scores.name:<{wide}}" + "".join(f"{scores.model.mean[m]:>22.3f}" for m in metrics))
    for row in rows:
        cells = []
        for metric in metrics:
            low, high = row.gain_interval[metric]
            clear = f" ({row.gain[metric]:+.3f})" if low > 0 or high < 0 else ""
            cells.append(f"{row.mean[metric]:.3f}{clear}")
        lines.append(f"{row.name:<{wide}}" + "".join(f"{cell:>22}" for cell in cells))
    return [*lines, "in brackets: what the model is better by, where the 95 % interval of that leaves 0 out"]


def _beside(scores: ModelScores, name: str, evaluation: Evaluation) -> Beside:
    crossing, metrics = scores.model.crossing, list(scores.model.mean)
    own, its = (
        {m: np.array([clip.scores[m] for clip in one.clips]) for m in metrics} for one in (scores.model, evaluation)
    )
    return Beside(
        name,
        {m: evaluation.mean[m] for m in metrics},
        {m: crossing.interval(its[m].tolist()) for m in metrics},
        {m: scores.model.mean[m] - evaluation.mean[m] for m in metrics},
        {m: crossing.interval((own[m] - its[m]).tolist()) for m in metrics},
    )


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
