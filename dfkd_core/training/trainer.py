"""One training run: epochs, validation and a state that goes on bit for bit."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dfkd_core.base.machine import choose_device, keep_freed_memory, limit_threads, mixed_precision
from dfkd_core.base.progress import Progress, silent
from dfkd_core.config import ExperimentConfig
from dfkd_core.data.mixtures import training_shard
from dfkd_core.distillation.split_report import split_warning
from dfkd_core.errors import CheckpointError, TrainingDiverged
from dfkd_core.metrics import chosen_metrics
from dfkd_core.scoring.evaluation import Evaluation, evaluate, evaluate_noisy, evaluate_once, network_enhance
from dfkd_core.trained.checkpoint import load_state, save_state
from dfkd_core.training.batches import batches_on
from dfkd_core.training.data_parallel import Workers
from dfkd_core.training.determinism import batch_order, seed_everything
from dfkd_core.training.initial_student import initial_student, require_beginning
from dfkd_core.training.norm_statistics import batch_norms
from dfkd_core.training.optimizer import AdamW, clip_gradient, learning_rate
from dfkd_core.training.parent import find_parent
from dfkd_core.training.signals import Batch, Signals
from dfkd_core.training.slimmable import Slices
from dfkd_core.training.total_loss import TotalLoss, first_not_finite
from dfkd_core.training.weight_average import WeightAverage

GAIN_WARNING_DB = 1.0
MEASURED = 5  # last batches of an epoch at which the balance of the terms is measured again

# what a resumed run may change without becoming another run
_FREE_KEYS = ("provenance", "training.epochs", "training.patience", "training.device", "training.threads")
_FREE_PLACES = ("training.compile", "training.metrics", "data.corpus", "teacher")

_log = logging.getLogger(__name__)


class Trainer:
    """Trains the student of a config, with or without a teacher, through one loop.

    Two trainers of one config on CPU hold bit-identical weights after each epoch, also when one of them was
    resumed from `state_dict()`. Computes nothing that the config does not weigh.

    With `workers` it is one of several that train the same student together, all of which call `train_epoch`.
    """

    def __init__(self, config: ExperimentConfig, progress: Progress = silent, workers: Workers | None = None) -> None:
        keep_freed_memory()
        limit_threads(config.training.threads)
        seed_everything(config.seed)
        self.config, self._progress, self._workers = config, progress, workers
        self.epoch = 0  # epochs done
        self.metrics = chosen_metrics(config.training.metrics)
        self.device = choose_device(config.training.device)
        self.loss = TotalLoss(config)
        self.loss.method.to(self.device)
        require_beginning(config)
        self.signals = Signals(config, needs_teacher=self.loss.needs_teacher, progress=progress)
        self.start = initial_student(config, lambda: training_shard(self.signals.store, config.data, 0))
        self.start_scores: dict[str, float] = {}
        self._warned: set[str] = set()
        self.student: nn.Module = self.start.student.to(self.device)
        self.slices = Slices(config, self.start.student, self.device) if config.training.slimmable else None
        self.optimizer = AdamW(self.student, config.optimizer.weight_decay)
        decay = config.training.ema_decay
        self.average = (
            WeightAverage(self.student, decay, keeps_start=self.start.kind == "whole") if decay is not None else None
        )
        self._forward = torch.compile(self.student) if config.training.compile else self.student
        self.freezes_norms = (
            config.training.norms or ("freeze" if self.start.kind == "whole" else "train")
        ) == "freeze"

    @property
    def model(self) -> nn.Module:
        """What is evaluated and shipped: the averaged weights where `ema_decay` is set, else the student."""
        return self.average.model if self.average else self.student

    def train_epoch(self) -> dict[str, float]:
        """Train on the next epoch's mixtures; means over its steps, by metric name.

        TrainingDiverged: a loss or the gradient norm is not finite (epoch, step and term are told).
        """
        seed_everything(self.config.seed, self.epoch + 1)
        shard = self.signals.shard(self.epoch)
        order = batch_order(self.config.seed, self.epoch, len(shard.mixtures), self.config.training.batch_size)
        self.student.train()
        if self.freezes_norms:
            for norm in batch_norms(self.student):
                norm.eval()
        self.loss.train()
        total: Counter[str] = Counter()
        own = order if self._workers is None else map(self._workers.rows, order)
        for step, batch in enumerate(batches_on(self.device, shard, own)):
            total.update(self._step(batch, step, len(order)))
            self._progress(f"epoch {self.epoch + 1}", step + 1, len(order))
        self.epoch += 1
        means = {name: value / len(order) for name, value in total.items()}
        diagnostics = {n.removeprefix("distillation/"): v for n, v in means.items() if n.startswith("distillation/")}
        if warning := split_warning(diagnostics):
            self._warn_once("split", warning)
        return means | self.loss.scales() | self.loss.drift()

    def evaluate(self) -> Evaluation:
        """Score the model on the validation mixtures; of the test split a trainer knows nothing."""
        evaluation = evaluate(network_enhance(self.model.eval(), self.device), self.signals.validation, self.metrics)
        gain_db = evaluation.mean["gain_db"]
        if abs(gain_db) > GAIN_WARNING_DB:
            remedy = "weigh loss.snr" if evaluation.reference == "clean" else "distil by output_mse"
            self._warn_once("gain", f"the model returns speech at {gain_db:+.1f} dB; {remedy}, which sees the gain")
        return evaluation

    def score_start(self) -> dict[str, float]:
        """Scores of a trained start before its first epoch, named as those of `evaluate` and its probes; else {}.

        Kept in the cache folder, and from here on in the state.
        """
        if self.start.kind != "drawn":
            enhance = network_enhance(self.model.eval(), self.device)
            lists = {"val": self.signals.validation, **{f"probe/{n}": p for n, p in self.signals.probes.items()}}
            for prefix, mixtures in lists.items():
                scored = evaluate_once(self.start.identity, enhance, mixtures, self.metrics)
                self.start_scores |= scored.metrics(prefix)
        return self.start_scores

    def evaluate_probes(self) -> dict[str, Evaluation]:
        """Scores on the mixtures of each probe, by `probe/NAME`, the prefix of its metrics; {} without probes."""
        enhance, probes = network_enhance(self.model.eval(), self.device), self.signals.probes
        return {f"probe/{name}": evaluate(enhance, mixtures, self.metrics) for name, mixtures in probes.items()}

    def state_dict(self) -> dict[str, Any]:
        """Everything that training goes on from, as nested mappings of tensors and JSON values."""
        noisy = dict(evaluate_noisy(self.signals.validation, self.metrics).mean)
        for name, mixtures in self.signals.probes.items():
            noisy |= evaluate_noisy(mixtures, self.metrics).metrics(f"probe/{name}")
        return {
            "epoch": self.epoch,
            "config": self.config.model_dump(mode="json"),
            "origin": self.signals.origin | self.start.origin,
            "start": finite(self.start_scores),
            "noisy": finite(noisy),
            "student": self.student.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "loss": self.loss.state_dict(),
            "average": self.average.state_dict() if self.average else {},
            "slices": self.slices.loss.state_dict() if self.slices else {},
        }

    def load_state_dict(self, state: Mapping[str, Any], place: str | Path = "checkpoint") -> None:
        """Go on from `state_dict()`; CheckpointError, naming `place`, when it was made by another config."""
        require_same_config(state, self.config, place, self.start.origin.get("start_hash"))
        for key, value in (self.signals.hashes | {"start_hash": self.start.origin.get("start_hash")}).items():
            if state["origin"].get(key) != value:
                rule = f"was trained with another {key.removesuffix('_hash')} ({key} differs)"
                raise CheckpointError(f"{place}: {rule}; bring it back, or start anew")
        self.epoch = state["epoch"]
        self.start_scores = {name: math.nan if v is None else v for name, v in state.get("start", {}).items()}
        self.student.load_state_dict(state["student"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.loss.load_state_dict(state["loss"])
        if self.average:
            self.average.load_state_dict(state["average"])
        if self.slices:
            self.slices.loss.load_state_dict(state["slices"])

    def save(self, directory: Path) -> None:
        """Write the state as a checkpoint into `directory`."""
        save_state(directory, self.state_dict())

    def load(self, directory: Path) -> None:
        """Go on from the checkpoint in `directory`; CheckpointError when it is missing, corrupt or another's."""
        self.load_state_dict(load_state(directory), directory)

    def _step(self, batch: Batch, step: int, num_steps: int) -> dict[str, float]:
        """One batch: forward, loss, backward, update."""
        with mixed_precision(self.device, self.config.training.precision):
            estimate = self._forward(batch.noisy)
        estimate = estimate.float()
        if self._workers is not None:
            batch, estimate = self._workers.whole(batch, estimate)
        loss: Tensor
        report: dict[str, float]
        loss, report = self.loss(estimate, batch.clean, batch.taught, self.epoch, measure=step >= num_steps - MEASURED)
        if self.slices is not None:
            of_slices, report["train/slices_loss"] = self.slices(batch, estimate, self.epoch, step)
            loss = loss + of_slices
        self._require_finite(report, step)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        if self._workers is not None:
            self._workers.add_up(self.student)
        report["train/gradient_norm"] = clip_gradient(self.student, self.config.optimizer.gradient_clip)
        self._require_finite(report, step)
        schedule = (self.epoch * num_steps + step, self.config.training.epochs * num_steps)
        self.optimizer.step(learning_rate(self.config.optimizer, *schedule))
        if self.average:
            self.average.update(self.student)
        return report

    def _require_finite(self, report: Mapping[str, float], step: int) -> None:
        name = first_not_finite(report)
        if name is not None:
            raise TrainingDiverged(
                f"epoch {self.epoch + 1}, step {step + 1}: {name} must be finite, but is {report[name]}; "
                f"lower optimizer.learning_rate (now {self.config.optimizer.learning_rate:g}) or gradient_clip"
            )

    def _warn_once(self, kind: str, text: str) -> None:
        """Tell it with the first epoch that shows it; the next ones would show it, too."""
        if kind not in self._warned:
            self._warned.add(kind)
            _log.warning("epoch %d: %s", self.epoch, text)


def prepare(config: ExperimentConfig, progress: Progress = silent) -> dict[str, str | None]:
    """Build ahead what every trial reads: decoded audio, lists, the teacher's estimates of every epoch.

    Returns `data_hash` and `teacher_hash` (None without a teacher). A second call finds all of it done.
    """
    signals = Signals(config, needs_teacher=TotalLoss(config).needs_teacher, progress=progress)
    signals.require_unheard_probes()
    for mixtures in (signals.validation, *signals.probes.values()):
        evaluate_noisy(mixtures, chosen_metrics(config.training.metrics))
    for epoch in range(config.training.epochs):
        signals.shard(epoch)
    return signals.hashes


def finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """The metrics with null for what is undefined, as JSON holds them."""
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def require_same_config(
    state: Mapping[str, Any], config: ExperimentConfig, place: str | Path, start_hash: str | None = None
) -> ExperimentConfig:
    """The saved config; CheckpointError naming the first key that differs, of those that make a run what it is.

    The same start may lie elsewhere, and so may probes, which `data_hash` compares before they are scored. The start is
    looked at where its `start_hash` is not told.
    """
    # keys that are newer than the checkpoint are filled in
    parsed = ExperimentConfig.parse(state["config"], place)
    saved, probes, start = parsed.model_dump(mode="json"), config.data.probes, config.training.start_from
    if probes.keys() == parsed.data.probes.keys():
        saved["data"]["probes"] = probes
    if None not in (start, parsed.training.start_from) and start != parsed.training.start_from:
        parent = None if start_hash else find_parent(config)
        if (parent.sha256 if parent else start_hash) == state["origin"].get("start_hash"):
            saved["training"]["start_from"] = start
    before = dict(_leaves(saved))
    after = dict(_leaves(config.model_dump(mode="json")))
    for key in sorted(before.keys() | after.keys()):
        free = key.startswith((*_FREE_KEYS, *_FREE_PLACES))
        if not free and before.get(key) != after.get(key):
            raise CheckpointError(
                f"{place}: belongs to another config: {key} was {before.get(key)!r}, but is {after.get(key)!r}; "
                "set it back, or start in another folder"
            )
    return parsed


def _leaves(mapping: Mapping[str, Any], path: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in mapping.items():
        rows += _leaves(value, f"{path}{key}.") if isinstance(value, Mapping) else [(f"{path}{key}", value)]
    return rows
