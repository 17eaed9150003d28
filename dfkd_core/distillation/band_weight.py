"""Dynamic weight of the two bands, and its control: equal weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dfkd_core.distillation.config import DistillationConfig

REFERENCE_STEPS = 50


class EqualWeight(nn.Module):
    """w = [1, 1]: the plain sum of both bands."""

    def forward(self, losses: Tensor) -> Tensor:
        """Weights (batch, band) of losses (batch, band)."""
        return torch.ones_like(losses)


class DynamicWeight(nn.Module):
    """The band that lags behind its own reference weighs more.

        w_i = 2 (L_i / r_i)^(1 / tau) / sum_j (L_j / r_j)^(1 / tau) = 2 softmax(log(L_i / r_i) / tau)

    r_i is the batch mean of L_i averaged over the first 50 training steps, then frozen; it is a buffer, so a
    checkpoint carries it. The bands' units cancel in L_i / r_i; tau -> infinity gives [1, 1]. No gradient.
    """

    reference_sum: Tensor
    reference_steps: Tensor

    def __init__(self, temperature: float, num_bands: int = 2) -> None:
        super().__init__()
        self.temperature = temperature
        self.register_buffer("reference_sum", torch.zeros(num_bands))
        self.register_buffer("reference_steps", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, losses: Tensor) -> Tensor:
        """Weights (batch, band), each row summing to the number of bands, of losses (batch, band)."""
        batch_mean = losses.mean(dim=0)
        if self.training:
            is_open = (self.reference_steps < REFERENCE_STEPS).to(batch_mean.dtype)
            self.reference_sum += is_open * batch_mean
            self.reference_steps += is_open.long()
        mean = self.reference_sum / self.reference_steps.clamp_min(1)
        reference = torch.where(self.reference_steps > 0, mean, batch_mean)  # before any training step the batch's own
        # Bounded, so that a band without loss or without reference gives a finite logarithm.
        ratio = (losses / reference).nan_to_num(nan=1.0).clamp(1e-6, 1e6)
        return losses.shape[1] * torch.softmax(ratio.log() / self.temperature, dim=1)


def band_weight(config: DistillationConfig) -> EqualWeight | DynamicWeight:
    """The weighting that a config asks for."""
    return EqualWeight() if config.weighting == "equal" else DynamicWeight(config.temperature)
