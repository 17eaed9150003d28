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


def halve(signal: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Causal convolution with stride 2 along freq: (batch, in, frame, freq) to (batch, out, frame, freq / 2).

    weight (out, in, time, freq) has an odd number of bins, half of which are padded on either side; silent frames
    are padded in front, so that output frame t sees the input frames t - time + 1 .. t.
    """
    if not own_gradients_apply(signal):
        return _down(F.pad(signal, (0, 0, weight.shape[2] - 1, 0)), weight, bias, 0)
    halved: Tensor = _Halve.apply(signal, weight, bias)  # type: ignore[no-untyped-call]
    return halved


def double(signals: tuple[Tensor, ...], weight: Tensor, bias: Tensor, is_causal: bool = False) -> Tensor:
    """Transposed convolution of signals concatenated along channels: to (batch, out, frame, 2 freq).

    weight (in, out, time, freq); output frame t sees the input frames t .. t + time - 1, silence behind the last, or,
    where it is causal, t - time + 1 .. t, silence before the first.
    """
    if not own_gradients_apply(signals[0]):
        past, future = _silence(weight, is_causal)
        return _transposed(F.pad(torch.cat(signals, dim=1), (0, 0, past, future)), weight, bias, past + future)
    doubled: Tensor = _Double.apply(weight, bias, is_causal, *signals)  # type: ignore[no-untyped-call]
    return doubled


def _silence(weight: Tensor, is_causal: bool) -> tuple[int, int]:
    """Silent frames before and behind the signals of a transposed convolution."""
    others = weight.shape[2] - 1
    return (others, 0) if is_causal else (0, others)


def _joined(*signals: Tensor, past: int = 0, future: int = 0) -> Tensor:
    """Signals concatenated along channels between silent frames, in one copy."""
    batch, _, frames, bins = signals[0].shape
    channels = [signal.shape[1] for signal in signals]
    shape = (batch, sum(channels), past + frames + future, bins)
    joined = torch.empty(shape, dtype=signals[0].dtype, device=signals[0].device, memory_format=torch.channels_last)
    joined[:, :, :past] = 0
    joined[:, :, past + frames :] = 0
    for part, signal in zip(torch.split(joined[:, :, past : past + frames], channels, 1), signals, strict=True):
        part.copy_(signal)
    return joined


def _down(signal: Tensor, weight: Tensor, bias: Tensor | None, pad_frames: int) -> Tensor:
    return F.conv2d(signal, weight, bias, stride=(1, 2), padding=(pad_frames, weight.shape[3] // 2))


def _up(signal: Tensor, weight: Tensor, bias: Tensor | None, pad_frames: int) -> Tensor:
    if weight.shape[1] <= MOST_CHANNELS_IN_PHASES:
        return up_in_phases(signal, weight, bias, pad_frames)
    return _transposed(signal, weight, bias, pad_frames)


def _transposed(signal: Tensor, weight: Tensor, bias: Tensor | None, pad_frames: int) -> Tensor:
    padding = (pad_frames, weight.shape[3] // 2)
    return F.conv_transpose2d(signal, weight, bias, (1, 2), padding, output_padding=(0, 1))


def up_in_phases(signal: Tensor, weight: Tensor, bias: Tensor | None, pad_frames: int) -> Tensor:
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
    """Keeps the signal as it came, which others keep, too, and pads it again for the gradient."""

    @staticmethod
    def forward(ctx: Any, signal: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(signal, weight)
        return _down(_joined(signal, past=weight.shape[2] - 1), weight, bias, 0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        signal, weight = ctx.saved_tensors
        past = weight.shape[2] - 1
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        to_signal = _up(gradient, weight, None, 0)[:, :, past:] if ctx.needs_input_grad[0] else None
        to_weight = _weight_gradient(_joined(signal, past=past), gradient, weight, 0)
        return to_signal, to_weight, _bias_gradient(gradient)


class _Double(torch.autograd.Function):
    """Cropped inside the convolution: a crop behind it would cost every later layer a copy."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, bias: Tensor, is_causal: bool, *signals: Tensor) -> Tensor:
        ctx.save_for_backward(weight, *signals)
        ctx.is_causal = is_causal
        past, future = _silence(weight, is_causal)
        return _up(_joined(*signals, past=past, future=future), weight, bias, past + future)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weight, *signals = ctx.saved_tensors
        past, future = _silence(weight, ctx.is_causal)
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        to_joined = _down(gradient, weight, None, past + future)[:, :, past : past + signals[0].shape[2]]
        parts = torch.split(to_joined, [signal.shape[1] for signal in signals], 1)
        # As views they have gaps, which everything behind would cross number by number.
        to_signals = (part.contiguous(memory_format=torch.channels_last) for part in parts)
        to_weight = _weight_gradient(gradient, _joined(*signals, past=past, future=future), weight, past + future)
        return to_weight, _bias_gradient(gradient), None, *to_signals
