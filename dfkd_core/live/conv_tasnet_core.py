"""Causal Conv-TasNet window by window."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dfkd_core.errors import ConfigError
from dfkd_core.live.core import LiveCore, Memory
from dfkd_core.live.frames import WindowFrames
from dfkd_core.models.conv_tasnet import ConvTasNet
from dfkd_core.models.norms import EPSILON


class ConvTasNetCore(LiveCore):
    """Windows of samples (1, 1, window) in, windows to be added up out."""

    def __init__(self, model: ConvTasNet) -> None:
        super().__init__()
        if not model.config.causal:
            rule = "must be true to run frame by frame, but is false: gLN sees the whole clip"
            raise ConfigError(f"{rule}; train one with student.causal: true", key="student.causal")
        self.model = model.eval()
        self.frames = WindowFrames(model.frames.window_samples, model.frames.stride_samples)

    def step(self, frame: Tensor, memory: Memory, past_end: int | Tensor) -> Tensor:
        """Enhance a window; nothing is delayed."""
        model = self.model
        weights = model.frames.analysis(frame)
        signal = model.bottleneck(_normed(model.norm, weights, memory))
        total = signal.new_zeros(())
        block: Any
        for block in model.blocks:
            hidden = _normed(block.norms[0], block.activations[0](block.widen(signal)), memory)
            depthwise = block.depthwise
            window = memory.with_past(hidden, -depthwise.shifts[0])
            taps = window[:, :, :: depthwise.dilation]  # (batch, channel, tap)
            filtered = (taps * depthwise.weight.t()).sum(2, keepdim=True) + depthwise.bias[:, None]
            narrowed = block.narrow(_normed(block.norms[1], block.activations[1](filtered), memory))
            residual, skip = torch.split(narrowed, list(block.sizes), dim=1)
            signal = signal + residual if block.sizes[0] else signal
            total = total + skip
        mask = torch.sigmoid(model.mask(model.activation(total)))
        windows: Tensor = model.frames.synthesis(mask * weights)
        return windows.transpose(1, 2)


def _normed(norm: Any, signal: Tensor, memory: Memory) -> Tensor:
    """CLN of one frame (batch, channel, 1): means over all frames so far, moved on by each frame's own."""
    moments = memory.state((3, 1, 1), signal)  # frames so far, mean, mean square
    count = moments[0] + 1
    own = torch.stack((signal.mean(1, keepdim=True), signal.square().mean(1, keepdim=True)))[:, :, 0]
    means = moments[1:] + (own - moments[1:]) / count
    memory.new.append(torch.cat((count[None], means)))
    scale = torch.rsqrt((means[1] - means[0].square()).clamp(min=0) + EPSILON)
    normed: Tensor = (signal - means[0]) * scale * norm.weight[:, None] + norm.bias[:, None]
    return normed
