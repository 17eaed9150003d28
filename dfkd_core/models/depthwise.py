"""Depthwise convolution over time as shifted multiply-adds."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from dfkd_core.models.channels import WHOLE, Axis, Role, Uses
from dfkd_core.models.folded_norm import FoldedNorm, folds
from dfkd_core.models.own_gradients import own_gradients_apply


class DepthwiseConv1d(nn.Module):
    """y[c, t] = b[c] + sum_k w[k, c] x[c, t + k dilation - left], zeros outside; (batch, channel, frame) both ways.

    `left` is kernel - 1 dilations when causal, else the half, rounded down. oneDNN's grouped convolution takes six
    times as long as the multiply-adds below.
    """

    def __init__(self, channels: int, kernel: int, dilation: int, causal: bool) -> None:
        super().__init__()
        bound = 1 / math.sqrt(kernel)
        self.weight = nn.Parameter(torch.empty(kernel, channels).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(channels).uniform_(-bound, bound))
        left = kernel - 1 if causal else (kernel - 1) // 2
        self.dilation = dilation
        self.shifts = [(tap - left) * dilation for tap in range(kernel)]

    def forward(self, signal: Tensor, norm: nn.Module | None = None) -> Tensor:
        """Filtered signal (batch, channel, frame), or its norm filtered."""
        if norm is not None and folds(norm, signal):
            normed: Tensor = _NormedShifted.apply(  # type: ignore[no-untyped-call]
                signal, self.weight, self.bias, norm.weight, norm.bias, self.shifts
            )
            return normed
        if norm is not None:
            signal = norm(signal)
        if own_gradients_apply(signal):
            filtered: Tensor = _Shifted.apply(  # type: ignore[no-untyped-call]
                signal, self.weight, self.bias, self.shifts
            )
            return filtered
        padded = F.pad(signal, (-self.shifts[0], self.shifts[-1]))
        taps = self.weight.t()[:, None]
        return F.conv1d(padded, taps, self.bias, dilation=self.dilation, groups=len(self.bias))

    def layer_macs(self, signal: Tensor, output: Tensor) -> int:
        """Multiply-adds of one forward pass."""
        return output.numel() * self.weight.shape[0]

    def layer_uses(self, reads: Axis, writes: Axis) -> Uses:
        """Every channel has its own taps."""
        return {"weight": ((Role.WRITE, WHOLE), (Role.SCALE, writes)), "bias": ((Role.WRITE, writes),)}


class _Shifted(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, signal: Tensor, weight: Tensor, bias: Tensor, shifts: list[int]) -> Tensor:
        ctx.save_for_backward(signal, weight)
        ctx.shifts = shifts
        output = bias[:, None].expand_as(signal).contiguous()
        for tap, shift in zip(weight, shifts, strict=True):
            _add_shifted(output, signal, tap[:, None], shift)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        signal, weight = ctx.saved_tensors
        to_signal = torch.zeros_like(signal)
        for tap, shift in zip(weight, ctx.shifts, strict=True):
            _add_shifted(to_signal, gradient, tap[:, None], -shift)
        return to_signal, _products(gradient, signal, ctx.shifts).sum(1), gradient.sum((0, 2)), None


class _NormedShifted(torch.autograd.Function):
    """The norm's scale goes into the taps; its shift meets as many taps as lie inside the signal at a frame."""

    @staticmethod
    def forward(
        ctx: Any,
        signal: Tensor,
        weight: Tensor,
        bias: Tensor,
        norm_weight: Tensor,
        norm_bias: Tensor,
        shifts: list[int],
    ) -> Tensor:
        norm = FoldedNorm.of(signal, norm_weight, norm_bias)
        ctx.save_for_backward(signal, weight)
        ctx.norm, ctx.shifts = norm, shifts
        output = torch.addcmul(bias[:, None], norm.shift[:, :, None], weight.t() @ _inside(signal, shifts))
        for tap, shift in zip(weight, shifts, strict=True):
            _add_shifted(output, signal, (norm.scale * tap)[:, :, None], shift)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (signal, weight), norm, shifts = ctx.saved_tensors, ctx.norm, ctx.shifts
        products = _products(gradient, signal, shifts)
        sums = (gradient @ _inside(signal, shifts).t()).permute(2, 0, 1)
        to_norm_weight, to_norm_bias, slope, offset = norm.gradients(
            (products * weight[:, None]).sum(0), (sums * weight[:, None]).sum(0), signal.shape[2]
        )
        to_signal = torch.mul(signal, slope[:, :, None]).add_(offset[:, :, None])
        for tap, shift in zip(weight, shifts, strict=True):
            _add_shifted(to_signal, gradient, (norm.scale * tap)[:, :, None], -shift)
        to_weight = (norm.scale * products + norm.shift * sums).sum(1)
        return to_signal, to_weight, gradient.sum((0, 2)), to_norm_weight, to_norm_bias, None


def _products(gradient: Tensor, signal: Tensor, shifts: list[int]) -> Tensor:
    """Sum over frames of gradient[t] signal[t + shift], (tap, batch, channel)."""
    products = (_overlap(gradient, shift) * _overlap(signal, -shift) for shift in shifts)
    return torch.stack([product.sum(2) for product in products])


def _inside(signal: Tensor, shifts: list[int]) -> Tensor:
    """One where t + shift is a frame of the signal, else zero, (tap, frame)."""
    inside = signal.new_zeros(len(shifts), 1, signal.shape[2])
    for row, shift in zip(inside, shifts, strict=True):
        _overlap(row[None], shift).fill_(1.0)
    return inside[:, 0]


def _add_shifted(output: Tensor, signal: Tensor, tap: Tensor, shift: int) -> None:
    """output[t] += tap * signal[t + shift] wherever both exist; tap is (channel, 1) or (batch, channel, 1)."""
    _overlap(output, shift).addcmul_(_overlap(signal, -shift), tap)


def _overlap(signal: Tensor, shift: int) -> Tensor:
    """The frames t of a signal for which t + shift is one of its frames, too."""
    frames = signal.shape[2]
    return signal[:, :, max(0, -shift) : max(0, frames - max(0, shift))]
