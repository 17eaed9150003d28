"""A whole training, from a config to a model folder; interrupted, it goes on where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dfkd_core.base.progress import Progress, silent
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.trained.checkpoint import has_state, load_state, save_state
from dfkd_core.trained.model_folder import publish_checkpoint
from dfkd_core.training.trainer import Trainer

JUDGES = ("val/pesq_wb", "val_teacher/pesq_wb")  # what patience waits for: the one that is measured
LAST, BEST = "checkpoint", "best"

Report = Callable[[str], None]
EpochMetrics = dict[str, float | None]


@dataclass(frozen=True)
class TrainedModel:
    """What a finished training gave; as text, one line."""

    epochs: int
    metrics: EpochMetrics
    stopped_early: bool

    def __str__(self) -> str:
        early = " (stopped early: no better epoch within training.patience)" if self.stopped_early else ""
        return f"{_told(self.metrics)} after {self.epochs} epochs{early}"


def train_model(
    config: ExperimentConfig, out: Path, *, report: Report = lambda line: None, progress: Progress = silent
) -> TrainedModel:
    """Train to the config's last epoch and make `out` a model folder, with a checkpoint after every epoch.

    Called again it goes on behind the last finished epoch, or finds nothing to do. The model is that of the last
    epoch; with `training.patience` that of the best epoch by validation PESQ, and training stops once so many
    epochs brought no better one. ConfigError: another process trains there. CheckpointError: `out` holds a
    checkpoint of another config, or a damaged one.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", timeout=0):
            return _TrainingRun(config, out, report, progress).finish()
    except Timeout as error:
        raise ConfigError(
            "is being trained into by another process; wait for it, or name another folder", file=out
        ) from error


class _TrainingRun:
    """The trainer of one folder and the metrics of its epochs so far."""

    def __init__(self, config: ExperimentConfig, out: Path, report: Report, progress: Progress) -> None:
        self.trainer, self.out, self.report = Trainer(config, progress), out, report
        self.history: list[EpochMetrics] = []
        self.trainer.signals.require_unheard_probes()
        if has_state(out / LAST):
            state = load_state(out / LAST)
            self.trainer.load_state_dict(state, out / LAST)
            self.history = state["history"]
            done, epochs = self.trainer.epoch, config.training.epochs
            report(f"{out}: {'goes on after' if done < epochs else 'is finished at'} epoch {done} of {epochs}")

    def finish(self) -> TrainedModel:
        """Train what is left, then publish."""
        epochs = self.trainer.config.training.epochs
        while self.trainer.epoch < epochs and not self._is_stuck():
            self._epoch()
        chosen = BEST if self.trainer.config.training.patience else LAST
        metrics = self.history[self._best() if chosen == BEST else -1]
        publish_checkpoint(self.out / chosen, self.out, metrics)
        return TrainedModel(self.trainer.epoch, metrics, stopped_early=self.trainer.epoch < epochs)

    def _epoch(self) -> None:
        start_s = time.monotonic()
        metrics = self.trainer.train_epoch() | self.trainer.evaluate().metrics() | self.trainer.evaluate_probes()
        self.history.append(_finite(metrics))
        # the better epoch is kept before the last one is told, so that a kill between the two repeats an epoch
        state: dict[str, Any] = self.trainer.state_dict() | {"history": self.history}
        if self.trainer.config.training.patience and self._best() == len(self.history) - 1:
            save_state(self.out / BEST, state)
        save_state(self.out / LAST, state)
        spent_s = time.monotonic() - start_s
        self.report(
            f"epoch {self.trainer.epoch}/{self.trainer.config.training.epochs}: {_told(metrics)}, {spent_s:.0f} s"
        )

    def _best(self) -> int:
        """The epoch, counted from 0, of the best validation score; the first of equals."""
        judge = next((name for name in JUDGES if name in self.history[0]), JUDGES[0])
        return max(range(len(self.history)), key=lambda i: (self.history[i][judge] or 0.0, -i))

    def _is_stuck(self) -> bool:
        patience = self.trainer.config.training.patience
        return bool(patience and self.history and len(self.history) - 1 - self._best() >= patience)


def _finite(metrics: dict[str, float]) -> EpochMetrics:
    """The metrics with null for what is undefined, as JSON holds them."""
    return {name: value if abs(value) < float("inf") else None for name, value in metrics.items()}


def _told(metrics: EpochMetrics | dict[str, float]) -> str:
    scores = {"pesq_wb": "PESQ-WB", "stoi": "STOI", "si_sdr_db": "SI-SDR"}
    shown = {"train/loss": "loss", **{f"val/{name}": label for name, label in scores.items()}}
    shown |= {f"val_teacher/{name}": f"{label} to the teacher" for name, label in scores.items()}
    return ", ".join(f"{label} {metrics[name]:.3f}" for name, label in shown.items() if metrics.get(name) is not None)
