"""One config trained with several seeds: what it reaches, how much a seed shakes that, and the best of them kept."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.documents import read_json_object
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.trained.model_record import CARD, CONFIG, METRICS, WEIGHTS
from dfkd_core.training.train_run import JUDGES, LAST, OnEpoch, Report, TrainedModel

SEEDS = "seeds.json"
Train = Callable[[ExperimentConfig, Path, OnEpoch], TrainedModel]  # as `train_model` does
Tracked = Callable[[Path, ExperimentConfig], AbstractContextManager[OnEpoch]]  # who hears of a seed's epochs


@dataclass(frozen=True)
class TrainedSeeds:
    """What each seed gave; as text, mean and spread of its scores."""

    models: dict[int, TrainedModel]
    best: int

    def spread(self) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation over seeds of every metric that each of them has."""
        every = [model.metrics for model in self.models.values()]
        shared = [name for name in every[0] if all(metrics.get(name) is not None for metrics in every)]
        values = {name: [float(metrics[name] or 0.0) for metrics in every] for name in shared}
        return {name: (statistics.fmean(v), statistics.stdev(v) if len(v) > 1 else 0.0) for name, v in values.items()}

    def __str__(self) -> str:
        judged = [
            f"{name} {mean:.3f} ± {sd:.3f}" for name, (mean, sd) in self.spread().items() if name.startswith("val")
        ]
        return f"{len(self.models)} seeds: {', '.join(judged)}; seed {self.best} is the model"


def train_seeds(
    config: ExperimentConfig, out: Path, num_seeds: int, *, train: Train, report: Report, tracked: Tracked
) -> TrainedSeeds:
    """Train with `seed`, `seed + 1`, ... into `out`/seed-N, and make `out` the model folder of the best.

    The best is that of the highest validation PESQ, which flatters it: the mean is what to expect. Called again it goes
    on where it stopped. `seeds.json` holds what each gave. Errors as `train_model`; ConfigError, too: `out` holds
    another model, or files of that name that no training wrote.
    """
    found = [name for name in (LAST, METRICS, WEIGHTS, CONFIG, CARD) if (out / name).exists()]
    if found and not (out / SEEDS).is_file():
        rule = f"holds a {found[0]} that no training with --seeds wrote and this one would overwrite"
        raise ConfigError(f"{rule}; name another folder", key="--out", file=out)
    models = {}
    for seed in range(config.seed, config.seed + num_seeds):
        place, seeded = out / f"seed-{seed}", config.model_copy(update={"seed": seed})
        with tracked(place, seeded) as on_epoch:
            models[seed] = train(seeded, place, on_epoch)
        report(f"seed {seed}: {models[seed]}")
    trained = TrainedSeeds(models, max(models, key=lambda seed: (_judged(models[seed]), -seed)))
    spread = {name: {"mean": mean, "sd": sd} for name, (mean, sd) in trained.spread().items()}
    content = {"best": trained.best, "spread": spread, "seeds": {seed: m.metrics for seed, m in models.items()}}
    write_atomic(out / SEEDS, json.dumps(content, indent=1).encode())  # first: it says whose the others are
    for name in (CONFIG, WEIGHTS, CARD, METRICS):  # the record last: it holds the hash of the weights
        write_atomic(out / name, (out / f"seed-{trained.best}" / name).read_bytes())
    return trained


def trained_in(model: Path) -> Path:
    """The folder that a model was trained in: of several seeds the best one's."""
    if not (model / SEEDS).is_file():
        return model
    return model / f"seed-{read_json_object(model / SEEDS).get('best')}"


def _judged(model: TrainedModel) -> float:
    return next((float(model.metrics[name] or 0.0) for name in JUDGES if name in model.metrics), 0.0)
