"""What a student minimises: supervised terms and distillation, each in units of its own gradient."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from dfkd_core.config import ExperimentConfig
from dfkd_core.distillation import build_method
from dfkd_core.errors import ConfigError
from dfkd_core.losses import supervised_loss
from dfkd_core.losses.gradient_balance import GradientBalance, gradient_norm
from dfkd_core.signal.spectrum import shared_spectra

DISTILLATION = "distillation"


class TotalLoss(nn.Module):
    """L = L_sup / g_sup + weight * L_KD / g_KD, with g frozen gradient norms at the estimate.

    Only what counts is computed: terms of weight 0, and in a two-step schedule the half that rests, are not.
    Buffers (g, and the references of a dynamic weight) belong to a checkpoint.
    """

    def __init__(self, config: ExperimentConfig, *, of_slices: bool = False) -> None:
        """`of_slices`: of those of a slimmable student, whose teacher it is; itself it needs one to be distilled."""
        super().__init__()
        self.config = config
        self.supervised = supervised_loss(config.loss)
        self.method = build_method(**config.distillation.model_dump())
        is_taught = of_slices or config.training.slimmable is None or config.teacher.is_named
        self.distils = is_taught and config.distillation.method != "none" and config.distillation.weight > 0
        self.balance = GradientBalance([*self.supervised.weights, *([DISTILLATION] if self.distils else [])])
        self._drifts: dict[str, list[float]] = {}
        if not self.supervised.weights and not self.distils:
            raise ConfigError("must weigh at least one term, but all are 0 and nothing is distilled", key="loss")
        if config.distillation.schedule == "two_step" and not (self.supervised.weights and self.distils):
            rule = "two_step needs both distillation and a supervised term, but one has no weight; use constant"
            raise ConfigError(rule, key="distillation.schedule")

    @property
    def needs_teacher(self) -> bool:
        """Whether a teacher's estimates must be given."""
        return self.distils and self.method.needs_teacher

    def forward(
        self, estimate: Tensor, clean: Tensor, teacher: Tensor | None, epoch: int, *, measure: bool = False
    ) -> tuple[Tensor, dict[str, float]]:
        """L as a scalar and what to log, from signals (batch, time), in an epoch counted from 0.

        `measure`: note how far the gradients are from g by now, for `drift`.
        """
        supervise, distil = schedule_weights(self.config.distillation.schedule, epoch, self.config.training.epochs)
        report = {}
        with shared_spectra():
            terms = self.supervised(estimate, clean) if supervise else {}
            if distil and self.distils:
                terms[DISTILLATION], report = self.method(estimate, teacher, clean)
        scaled = self.balance(terms, estimate)
        total = self._total(scaled, supervise)
        if measure:
            self._note_drift(scaled, estimate)
        report = {f"distillation/{name}": value for name, value in report.items()}
        values = torch.stack([total.detach(), *(term.detach() for term in terms.values())]).tolist()
        names = ("distillation/loss" if term == DISTILLATION else f"train/{term}" for term in terms)
        return total, report | dict(zip(("train/loss", *names), values, strict=True))

    def scales(self) -> dict[str, float]:
        """The gradient norms g by which terms are divided, for the log."""
        return {f"gradient_norm/{name}": scale for name, scale in self.balance.scales().items()}

    def drift(self) -> dict[str, float]:
        """Medians over the batches measured since the last call: |gradient| / g of every term, and the pull.

        `distillation/pull` is the distilled half's gradient norm at the estimate over the supervised half's, the
        weight that distillation has by now; it is `distillation.weight` where both still pull as g says.
        """
        medians = {name: statistics.median(values) for name, values in self._drifts.items()}
        self._drifts.clear()
        return medians

    def _note_drift(self, scaled: Mapping[str, Tensor], estimate: Tensor) -> None:
        norms = {name: gradient_norm(term, estimate) for name, term in scaled.items() if term.requires_grad}
        noted = {f"gradient_drift/{name}": norm for name, norm in norms.items()}
        if DISTILLATION in norms and len(norms) > 1:
            supervised = gradient_norm(self.supervised.total(scaled), estimate)
            noted["distillation/pull"] = self.config.distillation.weight * norms[DISTILLATION] / max(supervised, 1e-30)
        for name, value in noted.items():
            self._drifts.setdefault(name, []).append(value)

    def _total(self, scaled: Mapping[str, Tensor], supervise: float) -> Tensor:
        parts = [supervise * self.supervised.total(scaled)] if supervise and self.supervised.weights else []
        if DISTILLATION in scaled:
            parts.append(self.config.distillation.weight * scaled[DISTILLATION])
        return torch.stack(parts).sum()


def schedule_weights(schedule: Literal["constant", "two_step"], epoch: int, num_epochs: int) -> tuple[float, float]:
    """Factors of the supervised and of the distillation loss in an epoch counted from 0.

    `constant`: (1, 1). `two_step`: (0, 1) in the first half of the epochs, rounded down, then (1, 0): distil only,
    then supervise only (arXiv 2309.08144).
    """
    if schedule == "constant":
        return 1.0, 1.0
    return (0.0, 1.0) if epoch < num_epochs // 2 else (1.0, 0.0)


def first_not_finite(report: Mapping[str, float]) -> str | None:
    """The name of the first logged value that is nan or infinite; single terms come before their total."""
    ordered = sorted(report, key=lambda name: name == "train/loss")
    return next((name for name in ordered if not math.isfinite(report[name])), None)
