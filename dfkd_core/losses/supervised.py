"""The supervised loss: the terms that a config weighs, and no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from dfkd_core.base.schema import Config

Weight = Annotated[float, Field(ge=0)]


class LossConfig(Config):
    """Weights of the supervised terms between estimate and clean speech; a term of weight 0 is not computed."""

    snr: Weight = 1.0
    si_sdr: Weight = 0.0
    multi_resolution_stft: Weight = 0.0
    compressed_spectrum: Weight = 1.0
    pesq: Weight = 0.0


class SupervisedLoss:
    """L_sup / g_sup = sum_j a_j L_j / g_j with a_j = weight_j / sum of weights, over terms of nonzero weight.

    Each term is divided by its own median gradient norm g_j (`GradientBalance`), so a weight means the same share of
    the gradient for every term, and the sum of the terms has a gradient norm of about one, as the distillation has.
    """

    def __init__(self, terms: Mapping[str, Callable[[Tensor, Tensor], Tensor]], config: LossConfig) -> None:
        weights = {name: weight for name, weight in config.model_dump().items() if weight > 0}
        total = sum(weights.values())
        self._terms = {name: terms[name] for name in weights}
        self.weights = {name: weight / total for name, weight in weights.items()}

    def __call__(self, estimate: Tensor, clean: Tensor) -> dict[str, Tensor]:
        """Every term by name, unweighted scalars, from signals (batch, time)."""
        return {name: term(estimate, clean) for name, term in self._terms.items()}

    def total(self, scaled: Mapping[str, Tensor]) -> Tensor:
        """Weighted sum of terms that were divided by their gradient norms; other names in `scaled` are left out."""
        parts = [weight * scaled[name] for name, weight in self.weights.items()]
        return torch.stack(parts).sum() if parts else torch.zeros(())
