"""A whole training, from a config to a model folder; interrupted, it goes on where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dfkd_core.base.outputs import output_folder
from dfkd_core.base.progress import Progress, silent
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import CheckpointError, ConfigError
from dfkd_core.trained.checkpoint import has_state, load_state, save_state
from dfkd_core.trained.model_folder import publish_checkpoint
from dfkd_core.trained.model_record import CARD, CONFIG, METRICS, WEIGHTS
from dfkd_core.training.data_parallel import Workers, remark, require_shares
from dfkd_core.training.trainer import Trainer, finite, require_same_config

JUDGES = ("val/pesq_wb", "val_teacher/pesq_wb")  # what patience waits for: the one that is measured
LAST, BEST, START = "checkpoint", "best", "start"

Report = Callable[[str], None]
EpochMetrics = dict[str, float | None]
OnEpoch = Callable[[int, EpochMetrics, Mapping[str, Any]], None]


@dataclass(frozen=True)
class TrainedModel:
    """What a finished training gave; as text, one line."""

    epochs: int
    metrics: EpochMetrics
    stopped_early: bool
    better: str = ""  # in words: an earlier epoch, or the start, that is the model since the last epoch is worse

    def __str__(self) -> str:
        early = " (stopped early: no better epoch within training.patience)" if self.stopped_early else ""
        kept = f"; {self.better}, and it is the model" if self.better else ""
        return f"{_in_words(self.metrics)} after {self.epochs} epochs{early}{kept}"


def train_model(
    config: ExperimentConfig,
    out: Path,
    *,
    report: Report = lambda line: None,
    progress: Progress = silent,
    on_epoch: OnEpoch = lambda epoch, metrics, origin: None,
    workers: Workers | None = None,
    patience_s: float = 0.0,
) -> TrainedModel:
    """Train to the config's last epoch and make `out` a model folder, with a checkpoint after every epoch.

    Called again it goes on behind the last finished epoch, or finds nothing to do. The model is that of
    the best epoch by validation PESQ; with `training.patience` training stops once so many epochs brought no better
    one. Where training began with a trained model or a slice of one, and that epoch is worse, the model is what it
    began with. ConfigError: another process trains there.
    CheckpointError: `out` holds a checkpoint of another config, or a damaged one.

    `on_epoch` hears of every epoch: its number from 1, its metrics, and what it was trained on. Of those of earlier
    calls it hears again, since such a call may have been killed between an epoch's checkpoint and its word of it.
    `workers`: this process is number 0 of several that train the model together; the others `assist`. Checkpoints know
    nothing of them: another number goes on with them. `patience_s`: how long another process there is waited for.
    """
    output_folder(out)
    try:
        with FileLock(out / ".lock", timeout=patience_s):
            return _TrainingRun(config, out, report, progress, on_epoch, workers).finish()
    except Timeout as error:
        raise ConfigError(
            "is being trained into by another process; wait for it, or name another folder", file=out
        ) from error


def assist(config: ExperimentConfig, workers: Workers) -> None:
    """Train with worker 0, which runs `train_model`, until it has done.

    CheckpointError: what this process has of data or teacher is not what worker 0 has.
    """
    require_shares(config, workers.count)
    state = workers.broadcast()
    if state is None:
        return
    trainer = Trainer(config, workers=workers)
    trainer.load_state_dict(state, f"worker {workers.rank}")
    while workers.broadcast():
        trainer.train_epoch()


class _TrainingRun:
    """The metrics of one folder's epochs so far; what they were trained on is opened only to train more."""

    def __init__(
        self,
        config: ExperimentConfig,
        out: Path,
        report: Report,
        progress: Progress,
        on_epoch: OnEpoch,
        workers: Workers | None,
    ) -> None:
        self.config, self.out, self.report = config, out, report
        self._progress, self._on_epoch, self._workers = progress, on_epoch, workers
        self.history: list[EpochMetrics] = []
        self._published = config  # the model folder's: of the last run that trained
        self._state: dict[str, Any] = {}
        # epochs of which the best one's weights are kept: one of earlier runs, and all of this one
        self._with_weights: list[int] = []
        self._resumed = 0
        if has_state(out / LAST):
            self._state = load_state(out / LAST)
            self._published = require_same_config(self._state, config, out / LAST)
            self.history = self._state["history"]
            self._keep_a_best()
            done, epochs = len(self.history), config.training.epochs
            of = f"of {epochs}" if done <= epochs else f"and was asked for {epochs}"
            report(f"{out}: {'is finished at' if self._is_over() else 'goes on after'} epoch {done} {of}")
        elif (out / METRICS).exists():
            rule = f"holds a trained model, but no whole {LAST}/ to go on from, and would be overwritten"
            raise CheckpointError(f"{out}: {rule}; restore {LAST}/manifest.json, or name another folder")
        elif found := [name for name in (CONFIG, CARD, WEIGHTS) if (out / name).exists()]:
            rule = f"holds a {found[0]} that no training wrote and this one would overwrite; name another folder"
            raise ConfigError(rule, key="--out", file=out)

    def finish(self) -> TrainedModel:
        """Train what is left, then publish."""
        for epoch, earlier in enumerate(self.history, start=1):
            self._on_epoch(epoch, earlier, self._state["origin"])
        if not self._is_over():
            start = self._train()
        else:
            start = self._state.get("start", {})
            if _places(self.config) != _places(self._published):  # is it the same, elsewhere?
                Trainer(self.config, self._progress).load_state_dict(self._state, self.out / LAST)
        self._tell(None)
        done, best = len(self.history), self._best()
        chosen, metrics, better = BEST, self.history[best - 1], ""
        if best < done:
            scores = f"PESQ-WB {self._score(best):.3f} against {self._score(done):.3f}"
            better = f"epoch {best} was better than the last ({scores})"
        if harm := harm_done(start, metrics):
            chosen, metrics, better = START, start, harm
        said = f"{harm}, and it is the model" if harm else ""
        publish_checkpoint(self.out / chosen, self.out, self._published, metrics, said)
        return TrainedModel(done, metrics, done < self.config.training.epochs, better)

    def _train(self) -> EpochMetrics:
        """Train to the end; returns the scores of what training began with, where it was trained before."""
        self._published = self.config
        if self._workers is not None:
            require_shares(self.config, self._workers.count)
        trainer = Trainer(self.config, self._progress, self._workers)
        trainer.signals.require_unheard_probes()
        if self._state:
            trainer.load_state_dict(self._state, self.out / LAST)
        elif scores := trainer.score_start():
            save_state(self.out / START, trainer.state_dict())
            self.report(f"before the first epoch: {_in_words(scores)}")
        if self._workers is not None:
            count, batch_size = self._workers.count, self.config.training.batch_size
            said = None if trainer.freezes_norms else remark(trainer.student, batch_size, count)
            self.report(f"{count} workers train together{'; ' if said else ''}{said or ''}")
            self._tell(trainer.state_dict())
        while not self._is_over():
            start_s = time.monotonic()
            self._tell(True)
            trained, scored = trainer.train_epoch(), trainer.evaluate()
            metrics, intervals = trained | scored.metrics(), scored.intervals()
            for prefix, probed in trainer.evaluate_probes().items():
                metrics |= probed.metrics(prefix)
                intervals |= probed.intervals(prefix)
            self.history.append(finite(metrics))
            # the better epoch is kept before the last one is told, so that a kill between the two repeats an epoch
            state: dict[str, Any] = trainer.state_dict() | {"history": self.history, "intervals": intervals}
            if self._best() == len(self.history):
                save_state(self.out / BEST, state)
            save_state(self.out / LAST, state)
            self._on_epoch(trainer.epoch, self.history[-1], state["origin"])
            spent_s = time.monotonic() - start_s
            self.report(f"epoch {trainer.epoch}/{self.config.training.epochs}: {_in_words(metrics)}, {spent_s:.0f} s")
        return finite(trainer.start_scores)

    def _tell(self, value: object) -> None:
        if self._workers is not None:
            self._workers.broadcast(value)

    def _keep_a_best(self) -> None:
        """Note which epoch's weights are kept as the best; in a folder that kept none, the last one's are."""
        done = len(self.history)
        kept = len(load_state(self.out / BEST)["history"]) if has_state(self.out / BEST) else 0
        if kept > done:  # killed between the two checkpoints: that epoch comes again
            return
        scores = [self._score(epoch) for epoch in range(1, done + 1)]
        if not kept and max(scores) > scores[-1]:
            self.report(f"{self.out}: has lost {BEST}/, so of epochs 1 to {done} the last one counts as the best")
        if not kept or self._score(done) > self._score(kept):
            save_state(self.out / BEST, self._state)
            kept = done
        self._with_weights = [kept]
        self._resumed = done

    def _best(self) -> int:
        """The epoch, counted from 1, of the best validation score; the first of equals, of those with weights kept."""
        candidates = [*self._with_weights, *range(self._resumed + 1, 1 + len(self.history))]
        best: int = max(candidates, key=lambda epoch: (self._score(epoch), -epoch))
        return best

    def _score(self, epoch: int) -> float:
        return self.history[epoch - 1][_judge(self.history[0])] or 0.0

    def _is_over(self) -> bool:
        """All epochs are done, or `patience` of them brought no better one."""
        patience, done = self.config.training.patience, len(self.history)
        is_stuck = patience is not None and done > 0 and done - self._best() >= patience
        return is_stuck or done >= self.config.training.epochs


def harm_done(start: Mapping[str, float | None], after: Mapping[str, float | None]) -> str:
    """In words, by how much the start was better than what training made of it; empty where it was not."""
    judge = _judge(after)
    before, now = start.get(judge) or 0.0, after.get(judge) or 0.0
    return f"the start was better (PESQ-WB {before:.3f} against {now:.3f})" if before > now else ""


def _places(config: ExperimentConfig) -> tuple[Any, ...]:
    """What a run is trained on and with, by name or place."""
    return config.data.corpus, config.data.probes, config.teacher, config.training.start_from


def _judge(metrics: Mapping[str, float | None]) -> str:
    return next((name for name in JUDGES if name in metrics), JUDGES[0])


def _in_words(metrics: Mapping[str, float | None]) -> str:
    scores = {"pesq_wb": "PESQ-WB", "stoi": "STOI", "si_sdr_db": "SI-SDR"}
    shown = {"train/loss": "loss", **{f"val/{name}": label for name, label in scores.items()}}
    shown |= {f"val_teacher/{name}": f"{label} to the teacher" for name, label in scores.items()}
    return ", ".join(f"{label} {metrics[name]:.3f}" for name, label in shown.items() if metrics.get(name) is not None)
