"""Conv-TasNet written down as published: channels first, gLN from its moments, grouped depthwise convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.plain_dccrn import plain_prelu
from dfkd_core.models.conv_tasnet import ConvTasNet
from dfkd_core.models.norms import EPSILON, GlobalLayerNorm


class PlainGlobalNorm(nn.Module):
    def __init__(self, norm: GlobalLayerNorm) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias

    def forward(self, signal: Tensor) -> Tensor:
        mean = signal.mean((1, 2), keepdim=True)
        variance = ((signal - mean) ** 2).mean((1, 2), keepdim=True)
        return self.weight[:, None] * (signal - mean) / torch.sqrt(variance + EPSILON) + self.bias[:, None]


def part_of(layer: nn.Conv1d, rows: slice) -> nn.Conv1d:
    part = nn.Conv1d(layer.in_channels, len(range(*rows.indices(layer.out_channels))), 1)
    with torch.no_grad():
        part.weight.copy_(layer.weight[rows])
        part.bias.copy_(layer.bias[rows])
    return part


class PlainBlock(nn.Module):
    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        depthwise, channels = block.depthwise, block.depthwise.weight.shape[1]
        dilation = depthwise.shifts[1] - depthwise.shifts[0]
        convolution = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation, groups=channels)
        with torch.no_grad():
            convolution.weight.copy_(depthwise.weight.t()[:, None])
            convolution.bias.copy_(depthwise.bias)
        self.net = nn.Sequential(
            block.widen,
            plain_prelu(block.activations[0]),
            PlainGlobalNorm(block.norms[0]),
            convolution,
            plain_prelu(block.activations[1]),
            PlainGlobalNorm(block.norms[1]),
        )
        residual = block.sizes[0]
        self.residual = part_of(block.narrow, slice(0, residual)) if residual else None
        self.skip = part_of(block.narrow, slice(residual, None))

    def forward(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.net(signal)
        return (signal if self.residual is None else signal + self.residual(hidden)), self.skip(hidden)


class PlainConvTasNet(nn.Module):
    """The published network with the weights of `model`."""

    def __init__(self, model: ConvTasNet) -> None:
        super().__init__()
        frames = model.frames
        self.stride, self.window = frames.stride_samples, frames.window_samples
        self.register_parameter("analysis", nn.Parameter(frames.analysis.weight.detach().clone()))
        self.register_parameter(
            "synthesis", nn.Parameter(frames.synthesis.weight.detach().transpose(0, 1).transpose(1, 2).clone())
        )
        self.norm = PlainGlobalNorm(model.norm)
        self.bottleneck = model.bottleneck
        self.blocks = nn.ModuleList(PlainBlock(block) for block in model.blocks)
        self.activation = plain_prelu(model.activation)
        self.mask = model.mask

    def forward(self, noisy: Tensor) -> Tensor:
        missing = -(noisy.shape[-1] - self.window) % self.stride
        weights = F.conv1d(F.pad(noisy, (0, missing))[:, None], self.analysis, stride=self.stride)
        signal = self.bottleneck(self.norm(weights))
        total = 0
        for block in self.blocks:
            signal, skip = block(signal)
            total = total + skip
        mask = torch.sigmoid(self.mask(self.activation(total)))
        return F.conv_transpose1d(mask * weights, self.synthesis, stride=self.stride)[:, 0, : noisy.shape[-1]]
