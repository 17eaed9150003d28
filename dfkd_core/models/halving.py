"""The convolution that halves the frequencies and its adjoint that doubles them, each the other's gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from dfkd_core.models.own_gradients import own_gradients_apply

# Up to here the adjoint is faster on CPU as a plain convolution with two phases: twice at 8 output channels.
MOST_CHANNELS_IN_PHASES = 32


def halve(signal: Tensor, weight: Tensor, bias: Tensor, pad_frames: int) -> Tensor:
    """Convolution with stride 2 along the frequencies: (batch, many, frame, freq) to (batch, few.., freq / 2).

    weight (out, in, time, freq) has an odd number of bins, which are padded; frames are padded as told.
    """
    if not own_gradients_apply(signal):
        return _down(signal, weight, bias, pad_frames)
    halved: Tensor = _Halve.apply(signal, weight, bias, pad_frames)  # type: ignore[no-untyped-call]
    return halved


def double(signal: Tensor, weight: Tensor, bias: Tensor, pad_frames: int) -> Tensor:
    """The adjoint: (batch, in, frame, freq) to (batch, out, frame, 2 freq); weight (in, out, time, freq)."""
    if not own_gradients_apply(signal):
        return _transposed(signal, weight, bias, pad_frames)
    doubled: Tensor = _Double.apply(signal, weight, bias, pad_frames)  # type: ignore[no-untyped-call]
    return doubled


def _down(signal: Tensor, weight: Tensor, bias: Tensor | None, pad_frames: int) -> Tensor:
    return F.conv2d(signal, weight, bias, stride=(1, 2), padding=(pad_frames, weight.shape[3] // 2))


def _up(signal: Tensor, weight: Tensor, bias: Tensor | None, pad_frames: int) -> Tensor:
    if weight.shape[1] <= MOST_CHANNELS_IN_PHASES:
        return _up_in_phases(signal, weight, bias, pad_frames)
    return _transposed(signal, weight, bias, pad_frames)


def _transposed(signal: Tensor, weight: Tensor, bias: Tensor | None, pad_frames: int) -> Tensor:
    padding = (pad_frames, weight.shape[3] // 2)
    return F.conv_transpose2d(signal, weight, bias, (1, 2), padding, output_padding=(0, 1))


def _up_in_phases(signal: Tensor, weight: Tensor, bias: Tensor | None, pad_frames: int) -> Tensor:
    """Even and odd output bins are two convolutions of the same input; with channels last they interleave free."""
    pad_bins = weight.shape[3] // 2
    reach = (pad_bins + 1) // 2  # input bins on either side
    flipped = weight.transpose(0, 1).flip(2, 3)
    even, odd = (_phase(flipped, pad_bins - phase, reach) for phase in (0, 1))
    both_biases = None if bias is None else bias.repeat(2)
    padding = (weight.shape[2] - 1 - pad_frames, reach)
    phases = F.conv2d(signal, torch.cat((even, odd)), both_biases, padding=padding)
    batch, channels, frames, bins = phases.shape
    interleaved = phases.permute(0, 2, 3, 1).reshape(batch, frames, 2 * bins, channels // 2)
    return interleaved.permute(0, 3, 1, 2)


def _phase(flipped: Tensor, centre: int, reach: int) -> Tensor:
    """Every other tap, those that meet input bins -reach..reach; `centre` is the tap over the output bin itself."""
    first = centre - 2 * reach
    left, right = max(0, -first), max(0, centre + 2 * reach + 1 - flipped.shape[3])
    return F.pad(flipped, (left, right))[..., first + left : centre + 2 * reach + 1 + left : 2]


def _weight_gradient(wide: Tensor, narrow: Tensor, weight: Tensor, pad_frames: int) -> Tensor:
    """Gradient of sum(_down(wide, weight) * narrow), which is that of sum(_up(narrow, weight) * wide)."""
    padding = (pad_frames, weight.shape[3] // 2)
    wanted = (False, True, False)
    gradients = torch.ops.aten.convolution_backward(
        narrow, wide, weight, None, (1, 2), padding, (1, 1), False, (0, 0), 1, wanted
    )
    gradient: Tensor = gradients[1]
    return gradient


def _bias_gradient(gradient: Tensor) -> Tensor:
    """Sum over batch, frame and freq, as a matrix product: torch's own sum over few channels is not vectorised."""
    batch, channels, frames, bins = gradient.shape
    rows = gradient.permute(0, 2, 3, 1).reshape(batch * frames, bins * channels)
    return (rows.new_ones(batch * frames) @ rows).view(bins, channels).sum(0)


class _Halve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, signal: Tensor, weight: Tensor, bias: Tensor, pad_frames: int) -> Tensor:
        ctx.save_for_backward(signal, weight)
        ctx.pad_frames = pad_frames
        return _down(signal, weight, bias, pad_frames)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        signal, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        to_signal = _up(gradient, weight, None, ctx.pad_frames) if ctx.needs_input_grad[0] else None
        to_weight = _weight_gradient(signal, gradient, weight, ctx.pad_frames)
        return to_signal, to_weight, _bias_gradient(gradient), None


class _Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, signal: Tensor, weight: Tensor, bias: Tensor, pad_frames: int) -> Tensor:
        ctx.save_for_backward(signal, weight)
        ctx.pad_frames = pad_frames
        return _up(signal, weight, bias, pad_frames)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        signal, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        to_signal = _down(gradient, weight, None, ctx.pad_frames)
        to_weight = _weight_gradient(gradient, signal, weight, ctx.pad_frames)
        return to_signal, to_weight, _bias_gradient(gradient), None
