"""STFT into two real planes, with a backward pass that costs one inverse real FFT.

torch.stft is differentiable too, but sends its gradient through a complex FFT of every frame and through strided
views: for the losses, which need one transform of the student a step, that was two thirds of their time.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from dfkd_core.signal.stft import Framing


def real_stft(signal: Tensor, framing: Framing) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of the STFT of a signal (batch, time), each (batch, frame, freq).

    Frequency is the last axis, contiguous, so that sums along it are fast. Once differentiable.
    """
    planes: tuple[Tensor, Tensor] = _RealSTFT.apply(signal, framing)  # type: ignore[no-untyped-call]
    return planes


class _RealSTFT(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, signal: Tensor, framing: Framing) -> tuple[Tensor, Tensor]:
        ctx.framing, ctx.num_samples = framing, signal.shape[-1]
        planes = torch.view_as_real(framing.stft(signal).transpose(1, 2))
        return planes[..., 0].contiguous(), planes[..., 1].contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, real: Tensor, imag: Tensor) -> tuple[Tensor, None]:
        return _adjoint(torch.complex(real, imag), ctx.framing, ctx.num_samples), None


def _adjoint(gradient: Tensor, framing: Framing, num_samples: int) -> Tensor:
    """Gradient at the signal (batch, time) from that at the spectrum (batch, frame, freq).

    dL/dx[t] = sum over frames of w[t] Re sum_{k=0}^{n/2} G[k] exp(2 pi i k t / n)
    """
    n = framing.n_fft
    # An inverse real FFT counts every bin but DC and Nyquist twice, once for its mirror image.
    gradient[..., [0, -1]] *= 2.0
    frames = torch.fft.irfft(gradient, n, norm="forward") * (0.5 * _centred_window(framing, gradient.real))
    padded = _overlap_add(frames, framing.hop_samples, num_samples + n)
    return padded[:, n // 2 : n // 2 + num_samples]


def _centred_window(framing: Framing, like: Tensor) -> Tensor:
    """The window in the middle of n_fft samples, where torch.stft puts it."""
    before = (framing.n_fft - framing.window_samples) // 2
    after = framing.n_fft - framing.window_samples - before
    return torch.nn.functional.pad(framing.window(like), (before, after))


def _overlap_add(frames: Tensor, hop_samples: int, num_samples: int) -> Tensor:
    """Sum of frames (batch, frame, time) laid `hop_samples` apart, cut or filled to (batch, num_samples)."""
    batch, num_frames, length = frames.shape
    pieces = -(-length // hop_samples)
    frames = torch.nn.functional.pad(frames, (0, pieces * hop_samples - length))
    summed = frames.new_zeros(batch, num_frames + pieces - 1, hop_samples)
    for piece, part in enumerate(torch.tensor_split(frames, pieces, dim=-1)):
        summed[:, piece : piece + num_frames] += part
    flat = summed.flatten(1)
    return torch.nn.functional.pad(flat, (0, num_samples - flat.shape[1]))
