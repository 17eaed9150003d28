"""Conv-TasNet for one source (Luo & Mesgarani, IEEE/ACM TASLP 27(8) 2019, arXiv 1809.07454)."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from dfkd_core.models.base import FLOAT_BYTES, Student
from dfkd_core.models.channels import Channels
from dfkd_core.models.depthwise import DepthwiseConv1d
from dfkd_core.models.learned_frames import FramedConfig, LearnedFrames
from dfkd_core.models.norms import CumulativeLayerNorm, GlobalLayerNorm
from dfkd_core.models.pointwise import PointwiseConv1d
from dfkd_core.models.prelu import PReLU
from dfkd_core.models.widths import LayerSize, Width, check_width, scaled, spread


class ConvTasNetConfig(FramedConfig):
    """The paper's letters: N filters of L window samples every S stride samples; B, H, Sc; P, X, R.

    Width scales bottleneck, hidden and skip channels, not the filters. The published framing at 8 kHz is L 16, S 8.
    """

    model: Literal["conv_tasnet"] = "conv_tasnet"
    width: Width = 0.25
    filters: LayerSize = 512
    bottleneck: LayerSize = 128
    hidden: LayerSize = 512
    skip: LayerSize = 128
    kernel: LayerSize = 3
    num_blocks: Annotated[int, Field(ge=1, le=12)] = 8
    num_repeats: LayerSize = 3
    causal: bool = False

    def sizes(self, width: float) -> tuple[int, int, int]:
        """Bottleneck, hidden and skip channels at a width."""
        return scaled(self.bottleneck, width), scaled(self.hidden, width), scaled(self.skip, width)

    @model_validator(mode="after")
    def _kernel_has_a_middle(self) -> Self:
        if not self.causal and self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd unless causal, but got {self.kernel}; use {self.kernel + 1}")
        return self

    @model_validator(mode="after")
    def _width_keeps_every_layer(self) -> Self:
        check_width(
            self.width,
            units=min(self.bottleneck, self.hidden, self.skip),
            rule="leave at least one channel in every layer",
            works=lambda width: min(self.sizes(width)) > 0,
        )
        return self


class ConvTasNet(Student):
    """Learned frames, a mask from dilated convolutions, and learned overlap-add.

        w = frames(x),   m = sigmoid(V prelu(sum of skips)),   estimate = overlap_add(m * w)

    Inside, signals are (batch, channel, frame). With gLN the look-ahead is the whole clip; `causal` pads on the left
    and norms over the past: window_samples - 1.
    """

    Config = ConvTasNetConfig
    resizable = frozenset({"width", "filters", "bottleneck", "hidden", "skip", "num_blocks", "num_repeats"})

    def __init__(self, config: ConvTasNetConfig) -> None:
        super().__init__()
        self.config = config
        bottleneck, _, skip = config.sizes(config.width)
        self.frames = LearnedFrames(config.filters, config.window_samples, config.stride_samples)
        self.norm = _norm(config, config.filters)
        self.bottleneck = PointwiseConv1d(config.filters, bottleneck)
        dilations = [2**block for block in range(config.num_blocks)] * config.num_repeats
        last = len(dilations) - 1
        self.blocks = nn.ModuleList(_Block(config, dilation, i == last) for i, dilation in enumerate(dilations))
        self.activation = PReLU()
        self.mask = PointwiseConv1d(skip, config.filters)

    def forward(self, noisy: Tensor) -> Tensor:
        """Estimate (batch, time) of the clean speech in `noisy` (batch, time)."""
        weights = self.frames(noisy)
        signal = self.bottleneck(weights, norm=self.norm)
        total = signal.new_zeros(())
        for block in self.blocks:
            signal, skip = block(signal)
            total = total + skip
        mask = torch.sigmoid(self.mask(self.activation(total)))
        return self.frames.overlap_add(mask * weights, noisy.shape[-1])

    @property
    def look_ahead_samples(self) -> float:
        """The rest of the window that begins at a sample; the whole clip with gLN."""
        return float(self.config.window_samples - 1) if self.config.causal else math.inf

    @property
    def latency_samples(self) -> float:
        """The window."""
        return float(self.config.window_samples) if self.config.causal else math.inf

    @property
    def state_bytes(self) -> float:
        """Past frames of every dilated convolution, running moments, both overlaps of the frames."""
        config = self.config
        if not config.causal:
            return math.inf
        past: int = config.num_repeats * (config.kernel - 1) * ((1 << config.num_blocks) - 1)
        moments = 3 * (1 + 2 * config.num_repeats * config.num_blocks)  # count, sum, sum of squares
        overlaps = 2 * (config.window_samples - config.stride_samples)
        return FLOAT_BYTES * (past * config.sizes(config.width)[1] + moments + overlaps)

    def macs(self, num_samples: int) -> int:
        """Multiply-adds of frames, 1 x 1 and depthwise convolutions, mask and overlap-add."""
        config = self.config
        bottleneck, hidden, skip = config.sizes(config.width)
        num_blocks = config.num_blocks * config.num_repeats
        block = hidden * (bottleneck + config.kernel + bottleneck + skip)
        ends = config.filters * (2 * config.window_samples + bottleneck + skip)
        per_frame = num_blocks * block - hidden * bottleneck + ends
        return per_frame * self.frames.num_frames(num_samples)

    def channels(self) -> Channels:
        """Filters, residual and skip channels, each one group for all blocks; a group of hidden ones in each block."""
        channels, (bottleneck, hidden, skip) = Channels(self), self.config.sizes(self.config.width)
        filters, signal = channels.group("frames", self.config.filters), channels.group("bottleneck", bottleneck)
        skips = channels.group("activation", skip)
        channels.layer("frames.analysis", writes=filters)
        channels.layer("norm", writes=filters)
        channels.layer("bottleneck", filters, signal)
        last = len(self.blocks) - 1
        for i in range(len(self.blocks)):
            own, name = channels.group(f"blocks.{i}", hidden), f"blocks.{i}"
            channels.layer(f"{name}.widen", signal, own)
            for layer in ("norms.0", "depthwise", "norms.1"):
                channels.layer(f"{name}.{layer}", writes=own)
            channels.layer(f"{name}.narrow", own, skips if i == last else signal + skips)
            channels.signal(f"{name}.activations.1", own)
        channels.layer("mask", skips, filters)
        channels.layer("frames.synthesis", filters)
        for name, group in (("frames", filters), ("bottleneck", signal), ("activation", skips)):
            channels.signal(name, group)
        return channels

    def stages(self, parent: ConvTasNet) -> dict[str, str]:
        """Repeats spread over the parent's, first and last among them; of each the blocks of smallest dilation."""
        own, other = self.config, parent.config
        if (own.num_blocks, own.num_repeats) == (other.num_blocks, other.num_repeats):
            return {}
        found = {}
        for mine, its in enumerate(spread(own.num_repeats, other.num_repeats)):
            for block in range(own.num_blocks):
                theirs = its * other.num_blocks + block if block < other.num_blocks else -1
                found[f"blocks.{mine * own.num_blocks + block}"] = f"blocks.{theirs}"
        return found


class _Block(nn.Module):
    """1 x 1 up, PReLU, norm, dilated depthwise, PReLU, norm, 1 x 1 down to residual and skip; the last: skip only."""

    def __init__(self, config: ConvTasNetConfig, dilation: int, last: bool) -> None:
        super().__init__()
        bottleneck, hidden, skip = config.sizes(config.width)
        self.widen = PointwiseConv1d(bottleneck, hidden)
        self.depthwise = DepthwiseConv1d(hidden, config.kernel, dilation, config.causal)
        self.activations = nn.ModuleList(PReLU(in_place=True) for _ in range(2))
        self.norms = nn.ModuleList(_norm(config, hidden) for _ in range(2))
        self.sizes = (0 if last else bottleneck, skip)
        self.narrow = PointwiseConv1d(hidden, sum(self.sizes))

    def forward(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.activations[0](self.widen(signal))
        hidden = self.activations[1](self.depthwise(hidden, norm=self.norms[0]))
        residual, skip = torch.split(self.narrow(hidden, norm=self.norms[1]), list(self.sizes), dim=1)
        return (signal + residual if self.sizes[0] else signal), skip


def _norm(config: ConvTasNetConfig, channels: int) -> nn.Module:
    return CumulativeLayerNorm(channels) if config.causal else GlobalLayerNorm(channels)
