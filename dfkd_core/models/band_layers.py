"""Convolutions over the bands of maps whose channels lie last: products with each band's neighbours.

Weights are shaped as those of torch's layers, which take two to six times as long on maps of few channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TAPS = 5


def neighbours(signal: Tensor) -> Tensor:
    """Each band beside the one below and the one above, silence outside: (.., band, channel) to (.., 3 channel)."""
    below = F.pad(signal[..., :-1, :], (0, 0, 1, 0))
    above = F.pad(signal[..., 1:, :], (0, 0, 0, 1))
    return torch.cat((below, signal, above), -1)


def from_neighbours(weight: Tensor) -> Tensor:
    """A weight (out, 3 in, ..) that has each channel's three bands together, in the order of `neighbours`."""
    return torch.unflatten(weight, 1, (-1, 3)).transpose(1, 2).flatten(1, 2)


class HalvingConv(nn.Conv2d):
    """Convolution with five taps over every other band: (batch, frame, band, in) to (.., (band + 1) / 2, out).

    of_neighbours: a band's input are its own channels and those of its neighbours, three for one.
    """

    def __init__(self, in_channels: int, out_channels: int, groups: int = 1, of_neighbours: bool = False) -> None:
        self.of_neighbours = of_neighbours
        seen = 3 * in_channels if of_neighbours else in_channels
        super().__init__(seen, out_channels, (1, TAPS), (1, 2), (0, 2), groups=groups)

    def forward(self, signal: Tensor) -> Tensor:
        """A pair of bands and the pairs next to it hold the five taps, and a sixth of weight 0."""
        weight = from_neighbours(self.weight) if self.of_neighbours else self.weight
        signal = neighbours(signal) if self.of_neighbours else signal
        pairs = torch.unflatten(F.pad(signal, (0, 0, 0, signal.shape[2] % 2)), 2, (-1, 2)).flatten(3)
        taps = _in_pairs(_ungrouped(weight, self.groups))
        return F.linear(neighbours(pairs), taps.permute(0, 2, 3, 1).flatten(1), self.bias)

    def layer_macs(self, signal: Tensor, output: Tensor) -> int:
        """Multiply-adds of one forward pass, without those by 0."""
        return output.numel() * self.in_channels // self.groups * TAPS


class DoublingConv(nn.ConvTranspose2d):
    """The transposed one: (batch, frame, band, in) to (batch, frame, 2 band - 1, out)."""

    def __init__(self, in_channels: int, out_channels: int, groups: int = 1) -> None:
        super().__init__(in_channels, out_channels, (1, TAPS), (1, 2), (0, 2), groups=groups)

    def forward(self, signal: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Even and odd bands are two products with the same neighbours."""
        taps = _in_pairs(_ungrouped(self.weight, self.groups)).flip(2).permute(3, 1, 2, 0)
        bias = None if self.bias is None else self.bias.repeat(2)
        phases = F.linear(neighbours(signal), taps.flatten(2).flatten(0, 1), bias)
        return torch.unflatten(phases, 3, (2, -1)).flatten(2, 3)[:, :, :-1].contiguous()

    def layer_macs(self, signal: Tensor, output: Tensor) -> int:
        """Multiply-adds of one forward pass, without those by 0."""
        return signal.numel() * self.out_channels // self.groups * TAPS


def _in_pairs(weight: Tensor) -> Tensor:
    """Five taps and a sixth of 0 of (in or out, out or in, 1, tap) as (.., .., pair, 2)."""
    return torch.unflatten(F.pad(weight.squeeze(2), (0, 1)), 2, (3, 2))


def _ungrouped(weight: Tensor, groups: int) -> Tensor:
    """The weight of a convolution in groups as one without: zeros between the groups."""
    if groups == 1:
        return weight
    seen = weight.shape[1]  # by padding, which tracers know
    parts = enumerate(weight.chunk(groups))
    return torch.cat([F.pad(part, (0, 0, 0, 0, i * seen, (groups - 1 - i) * seen)) for i, part in parts])


class PastConv(nn.Conv2d):
    """Depthwise convolution over three frames, `dilation` apart and none ahead, and three bands.

    is_flipped: its taps stand as those of a transposed layer. Where every `dilation` frames are one long row of bands,
    with silence between them, frames that one output sees lie below each other and the convolution has no dilation,
    whose gradients cost oneDNN four times as much.
    """

    def __init__(self, channels: int, dilation: int, is_flipped: bool) -> None:
        super().__init__(channels, channels, 3, padding=(0, 1), groups=channels)
        self.frames_apart, self.is_flipped = dilation, is_flipped

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, frame, band, channel) of a signal that begins 2 dilation frames earlier."""
        batch, frames, bands, channels = signal.shape
        padded = F.pad(signal, (0, 0, 0, 1, 0, -frames % self.frames_apart))
        rows = padded.view(batch, -1, self.frames_apart * (bands + 1), channels)
        weight = self.weight.flip(2, 3) if self.is_flipped else self.weight
        filtered = F.conv2d(rows.permute(0, 3, 1, 2), weight, self.bias, padding=(0, 1), groups=channels)
        maps = filtered.permute(0, 2, 3, 1).reshape(batch, -1, bands + 1, channels)
        return maps[:, : frames - 2 * self.frames_apart, :bands].contiguous()

    def layer_macs(self, signal: Tensor, output: Tensor) -> int:
        """Multiply-adds of one forward pass."""
        return output.numel() * 9
