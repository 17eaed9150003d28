"""DPTNet written down as published: channels first, gLN from its moments, attention that returns its weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.plain_conv_tasnet import PlainGlobalNorm
from benchmarks.plain_dccrn import plain_prelu
from dfkd_core.models.dptnet import DPTNet


class PlainLayer(nn.Module):
    """(batch, feature, position) both ways."""

    def __init__(self, layer: nn.Module, features: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(features, layer.attention.heads)
        with torch.no_grad():
            self.attention.in_proj_weight.copy_(layer.attention.project.weight)
            self.attention.in_proj_bias.copy_(layer.attention.project.bias)
            self.attention.out_proj.weight.copy_(layer.attention.join.weight)
            self.attention.out_proj.bias.copy_(layer.attention.join.bias)
        self.lstm = nn.LSTM(features, layer.lstm.hidden_size, batch_first=True, bidirectional=True)
        self.lstm.load_state_dict(layer.lstm.state_dict())
        self.narrow = layer.narrow
        self.norms = nn.ModuleList(PlainGlobalNorm(norm) for norm in layer.norms)

    def forward(self, signal: Tensor) -> Tensor:
        positions_first = signal.permute(2, 0, 1)
        attended = self.attention(positions_first, positions_first, positions_first)[0]
        signal = self.norms[0](attended.permute(1, 2, 0) + signal)
        hidden = self.narrow(F.relu(self.lstm(signal.transpose(1, 2))[0]))
        return self.norms[1](hidden.transpose(1, 2) + signal)


class PlainDPTNet(nn.Module):
    """The published network with the weights of `model`; linear layers are shared objects."""

    def __init__(self, model: DPTNet) -> None:
        super().__init__()
        self.chunk = model.config.chunk
        features = model.output.in_features
        self.stride, self.window = model.frames.stride_samples, model.frames.window_samples
        self.analysis = nn.Parameter(model.frames.analysis.weight.detach().clone())
        self.synthesis = nn.Parameter(model.frames.synthesis.weight.detach().permute(1, 2, 0).clone())
        self.norm = PlainGlobalNorm(model.norm)
        paths = [(PlainLayer(b.within, features), PlainLayer(b.across, features)) for b in model.blocks]
        self.layers = nn.ModuleList(layer for pair in paths for layer in pair)
        self.activation = plain_prelu(model.activation)
        self.output, self.value, self.gate = model.output, model.value, model.gate

    def forward(self, noisy: Tensor) -> Tensor:
        missing = -(noisy.shape[-1] - self.window) % self.stride
        weights = F.conv1d(F.pad(noisy, (0, missing))[:, None], self.analysis, stride=self.stride)
        batch, features, frames = weights.shape
        options = {"kernel_size": (self.chunk, 1), "padding": (self.chunk, 0), "stride": (self.chunk // 2, 1)}
        signal = F.unfold(self.norm(weights)[..., None], **options).view(batch, features, self.chunk, -1)
        for within, across in zip(self.layers[::2], self.layers[1::2], strict=True):
            signal = self._along(within, signal.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
            signal = self._along(across, signal.permute(0, 2, 1, 3)).permute(0, 2, 1, 3)
        signal = self.activation(signal)
        signal = self.output(signal.movedim(1, 3)).movedim(3, 1)
        folded = F.fold(signal.reshape(batch, features * self.chunk, -1), (frames, 1), **options)[..., 0] / 2
        both = folded.transpose(1, 2)
        mask = F.relu(torch.tanh(self.value(both)) * torch.sigmoid(self.gate(both))).transpose(1, 2)
        return F.conv_transpose1d(mask * weights, self.synthesis, stride=self.stride)[:, 0, : noisy.shape[-1]]

    @staticmethod
    def _along(layer: nn.Module, signal: Tensor) -> Tensor:
        """Apply a layer along the last axis of (batch, sequence, feature, position)."""
        return layer(signal.reshape(-1, *signal.shape[2:])).view(signal.shape)
