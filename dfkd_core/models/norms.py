"""Layer norms over channel and frame of (batch, channel, frame): of the whole clip, and of the past only."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1.0e-6


class GlobalLayerNorm(nn.GroupNorm):
    """gLN (Luo & Mesgarani 2019): y = gamma (x - E x) / sqrt(Var x + eps) + beta, moments over channel and frame.

    One group of a GroupNorm, whose kernel reads memory half as often as the formula written out. Sees the whole clip.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(1, channels, EPSILON)


class CumulativeLayerNorm(nn.Module):
    """cLN: as gLN, with the moments of frame t taken over the frames up to t, so that streaming can follow."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, signal: Tensor) -> Tensor:
        """Normalised signal of the same shape (batch, channel, frame)."""
        channels, frames = signal.shape[1:]
        count = channels * torch.arange(1, frames + 1, dtype=signal.dtype, device=signal.device)
        mean = signal.sum(1).cumsum(1) / count
        power = signal.square().sum(1).cumsum(1) / count
        # Rounding can leave a constant signal with a slightly negative variance.
        scale = torch.rsqrt((power - mean.square()).clamp(min=0) + EPSILON)
        normed = (signal - mean[:, None]) * scale[:, None]
        return normed * self.weight[:, None] + self.bias[:, None]


class SequenceNorm(nn.Module):
    """gLN of (batch, position, feature), as a layer norm over both axes with the weights repeated over positions."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, signal: Tensor) -> Tensor:
        """Normalised signal of the same shape (batch, position, feature)."""
        shape = signal.shape[1:]
        return F.layer_norm(signal, shape, self.weight.expand(shape), self.bias.expand(shape), EPSILON)
