"""DPTNet, the dual-path transformer, for one source (Chen, Mao & Liu, Interspeech 2020, arXiv 2007.13975)."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from dfkd_core.models.attention import SelfAttention, tell_attention
from dfkd_core.models.base import Student
from dfkd_core.models.channels import Channels
from dfkd_core.models.learned_frames import FramedConfig, LearnedFrames, start_as_cosines
from dfkd_core.models.norms import GlobalLayerNorm, SequenceNorm
from dfkd_core.models.prelu import PReLU
from dfkd_core.models.widths import LayerSize, Width, check_width, scaled, spread


class DPTNetConfig(FramedConfig):
    """Width scales the features (filters and model size alike) and the LSTM units of the feed-forward.

    chunk counts frames, half of which overlap. The published framing at 8 kHz is window 2, stride 1, chunk 250.
    frame_activation: relu, as in the published code, or none (ours): the frames' weights keep their signs.
    initial_filters: cosine, as `start_as_cosines`, or random, as published.
    """

    model: Literal["dptnet"] = "dptnet"
    width: Width = 0.25
    features: LayerSize = 64
    feedforward: LayerSize = 128
    heads: LayerSize = 4
    num_blocks: LayerSize = 6
    chunk: Annotated[int, Field(ge=2, le=16_384)] = 100
    initial_filters: Literal["cosine", "random"] = "cosine"
    frame_activation: Literal["none", "relu"] = "none"

    def sizes(self, width: float) -> tuple[int, int]:
        """Features and LSTM units per direction at a width."""
        return scaled(self.features, width), scaled(self.feedforward, width)

    @model_validator(mode="after")
    def _chunks_overlap(self) -> Self:
        if self.chunk % 2:
            raise ValueError(f"chunk must be even, for halves overlap, but got {self.chunk}; use {self.chunk + 1}")
        return self

    @model_validator(mode="after")
    def _width_keeps_every_head(self) -> Self:
        rule = f"leave a number of features that {self.heads} heads divide"

        def works(width: float) -> bool:
            features, units = self.sizes(width)
            return features > 0 and units > 0 and features % self.heads == 0

        check_width(self.width, self.features, rule, works)
        return self


class DPTNet(Student):
    """Learned frames, a mask from transformers within and across chunks of frames, learned overlap-add.

        w = frames(x),   m = relu(tanh(A y) * sigmoid(B y)),   estimate = overlap_add(m * w)

    y: the frames after num_blocks pairs of layers, one along each chunk, one along the chunks at each place. Their
    feed-forward is a bidirectional LSTM, which stands for the positional encoding. Look-ahead: the whole clip.
    """

    Config = DPTNetConfig
    resizable = frozenset({"width", "features", "feedforward", "num_blocks", "initial_filters"})

    def __init__(self, config: DPTNetConfig) -> None:
        super().__init__()
        self.config = config
        features, units = config.sizes(config.width)
        self.frames = LearnedFrames(features, config.window_samples, config.stride_samples)
        if config.initial_filters == "cosine":
            start_as_cosines(self.frames)
        self.norm = GlobalLayerNorm(features)
        self.blocks = nn.ModuleList(_DualPath(features, units, config.heads) for _ in range(config.num_blocks))
        self.activation = PReLU()
        self.output = nn.Linear(features, features)
        self.value = nn.Linear(features, features)
        self.gate = nn.Linear(features, features)

    def forward(self, noisy: Tensor) -> Tensor:
        """Estimate (batch, time) of the clean speech in `noisy` (batch, time)."""
        weights = self.frames(noisy)
        if self.config.frame_activation == "relu":
            weights = F.relu(weights)
        signal = chunked(self.norm(weights).transpose(1, 2), self.config.chunk)
        for block in self.blocks:
            signal = block(signal)
        signal = joined(self.output(self.activation(signal)), weights.shape[2])
        mask = F.relu(torch.tanh(self.value(signal)) * torch.sigmoid(self.gate(signal)))
        return self.frames.overlap_add(mask.transpose(1, 2) * weights, noisy.shape[-1])

    @property
    def look_ahead_samples(self) -> float:
        """The whole clip: norm, attention and backward LSTMs see all of it."""
        return math.inf

    @property
    def state_bytes(self) -> float:
        """Streaming is not possible."""
        return math.inf

    def macs(self, num_samples: int) -> int:
        """Multiply-adds of frames, attention, LSTMs and gates; silent chunks at the ends included."""
        config = self.config
        features, units = config.sizes(config.width)
        num_frames = self.frames.num_frames(num_samples)
        chunks = num_chunks(num_frames, config.chunk)
        layer = 4 * features**2 + 8 * units * (features + units) + 2 * units * features
        products = 2 * features * (config.chunk + chunks)
        per_position = config.num_blocks * (2 * layer + products) + features**2
        per_frame = 2 * features * config.window_samples + 2 * features**2
        return per_position * chunks * config.chunk + per_frame * num_frames

    def channels(self) -> Channels:
        """Features are one group from the frames to the mask; heads and LSTM units of each layer have their own."""
        channels, (size, units) = Channels(self), self.config.sizes(self.config.width)
        features, output = channels.group("frames", size), channels.group("output", size)
        channels.layer("frames.analysis", writes=features)
        channels.layer("norm", writes=features)
        for i in range(self.config.num_blocks):
            for path in ("within", "across"):
                name = f"blocks.{i}.{path}"
                tell_attention(channels, f"{name}.attention", features, self.config.heads)
                both = channels.group(f"{name}.lstm", units) + channels.group(f"{name}.lstm.reverse", units)
                channels.layer(f"{name}.lstm", features, both)
                channels.signal(f"{name}.lstm", both, dim=2)
                channels.layer(f"{name}.narrow", both, features)
                for k in range(2):
                    channels.layer(f"{name}.norms.{k}", writes=features)
                channels.signal(name, features, dim=2)
        channels.layer("output", features, output)
        channels.signal("output", output, dim=3)
        for layer in ("value", "gate"):
            channels.layer(layer, output, features)
        channels.layer("frames.synthesis", features)
        channels.signal("frames", features)
        return channels

    def stages(self, parent: DPTNet) -> dict[str, str]:
        """Blocks spread over the parent's, first and last among them."""
        places = spread(self.config.num_blocks, parent.config.num_blocks)
        return {f"blocks.{mine}": f"blocks.{its}" for mine, its in enumerate(places) if mine != its}


class _DualPath(nn.Module):
    """A transformer layer along each chunk, then one along the chunks: (batch, chunk, position, feature)."""

    def __init__(self, features: int, units: int, heads: int) -> None:
        super().__init__()
        self.within = _TransformerLayer(features, units, heads)
        self.across = _TransformerLayer(features, units, heads)

    def forward(self, signal: Tensor) -> Tensor:
        shape = signal.shape
        signal = self.within(signal.flatten(0, 1)).view(shape).transpose(1, 2)
        turned: Tensor = self.across(signal.flatten(0, 1)).view(shape[0], shape[2], shape[1], shape[3])
        return turned.transpose(1, 2)


class _TransformerLayer(nn.Module):
    """x = norm(x + attention(x)), then norm(x + W relu(LSTM(x))): (batch, position, feature) both ways."""

    def __init__(self, features: int, units: int, heads: int) -> None:
        super().__init__()
        self.attention = SelfAttention(features, heads)
        self.lstm = nn.LSTM(features, units, bidirectional=True)
        self.narrow = nn.Linear(2 * units, features)
        self.norms = nn.ModuleList(SequenceNorm(features) for _ in range(2))

    def forward(self, signal: Tensor) -> Tensor:
        signal = self.norms[0](signal + self.attention(signal))
        # Positions first, as the LSTM works: its wide output is then never copied into another order.
        hidden = F.relu(self.lstm(signal.transpose(0, 1))[0])
        output: Tensor = self.norms[1](signal + self.narrow(hidden).transpose(0, 1))
        return output


def num_chunks(num_frames: int, chunk: int) -> int:
    """Chunks, half overlapping, that see every frame twice, a chunk of silence before the first."""
    return (num_frames + chunk) // (chunk // 2) + 1


def chunked(frames: Tensor, chunk: int) -> Tensor:
    """Half-overlapping chunks (batch, chunk, position, feature) of (batch, frame, feature)."""
    padded = F.pad(frames, (0, 0, chunk, chunk))
    return padded.unfold(1, chunk, chunk // 2).transpose(2, 3)


def joined(chunks: Tensor, num_frames: int) -> Tensor:
    """The inverse of `chunked`: the mean of both chunks that see a frame, (batch, frame, feature)."""
    half = chunks.shape[2] // 2
    mean = (chunks[:, 1:, :half] + chunks[:, :-1, half:]) / 2
    return mean.flatten(1, 2)[:, half : half + num_frames]
