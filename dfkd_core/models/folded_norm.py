"""gLN folded into the linear layer behind it, so that no normalised signal is computed, written down or kept.

    y = scale x + shift,   scale = gamma r,   shift = beta - m scale,   r = 1 / sqrt(v + eps)

with m and v the moments of a clip. A linear layer of y is the same layer of x with scaled weights and a constant;
its weight gradient, one inner product of every channel, holds what the norm's gradient needs, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dfkd_core.models.norms import EPSILON, GlobalLayerNorm
from dfkd_core.models.own_gradients import own_gradients_apply


def folds(norm: nn.Module | None, signal: Tensor) -> bool:
    """True where a norm in front of a layer can become part of it."""
    return isinstance(norm, GlobalLayerNorm) and own_gradients_apply(signal)


@dataclass(frozen=True)
class FoldedNorm:
    """The affine map that gLN is for each clip and channel, and the way back through it."""

    mean: Tensor  # (batch, 1)
    inverse_deviation: Tensor  # (batch, 1)
    weight: Tensor  # (channel,)
    scale: Tensor  # (batch, channel)
    shift: Tensor  # (batch, channel)

    @classmethod
    def of(cls, signal: Tensor, weight: Tensor, bias: Tensor) -> FoldedNorm:
        """Moments of a signal (batch, channel, frame)."""
        count = signal[0].numel()
        mean = signal.sum((1, 2))[:, None] / count
        power = torch.linalg.vector_norm(signal, dim=2).square().sum(1, keepdim=True) / count
        # Rounding can leave a constant signal with a slightly negative variance.
        inverse_deviation = torch.rsqrt((power - mean.square()).clamp(min=0) + EPSILON)
        scale = inverse_deviation * weight
        return cls(mean, inverse_deviation, weight, scale, bias - mean * scale)

    def gradients(self, products: Tensor, sums: Tensor, frames: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """From sums over frames of G x and of G, each (batch, channel), with G the gradient at y.

        Returns the gradients of weight and bias (channel,), and slope and offset, each (batch, 1): that of the
        signal is scale G + slope x + offset.
        """
        to_weight = (self.inverse_deviation * (products - self.mean * sums)).sum(0)
        weighted_products, weighted_sums = (products @ self.weight)[:, None], (sums @ self.weight)[:, None]
        count = frames * len(self.weight)
        slope = (weighted_sums * self.mean - weighted_products) * self.inverse_deviation**3 / count
        offset = -slope * self.mean - weighted_sums * self.inverse_deviation / count
        return to_weight, sums.sum(0), slope, offset
