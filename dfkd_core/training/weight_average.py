"""Exponential moving average of a model's weights: single checkpoints jitter, their average less."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage(nn.Module):
    """a <- d a + (1 - d) w after every step, d = min(decay, (1 + t) / (10 + t)) at step t.

    The short memory of the first steps forgets the initial weights; `keeps_start`: d = decay from the first step on,
    for weights that were trained before. Floating-point buffers (running statistics
    of BatchNorm) are averaged too, counters copied. `model` is the averaged model, in evaluation mode.
    """

    num_updates: torch.Tensor

    def __init__(self, model: nn.Module, decay: float, *, keeps_start: bool = False) -> None:
        super().__init__()
        self.decay, self.keeps_start = decay, keeps_start
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.register_buffer("num_updates", torch.zeros((), dtype=torch.int64))
        self.eval()

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights of `model` after one training step."""
        self.num_updates += 1
        step = int(self.num_updates)
        keep = self.decay if self.keeps_start else min(self.decay, (1 + step) / (10 + step))
        for mean, value in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1.0 - keep)
            else:
                mean.copy_(value)
