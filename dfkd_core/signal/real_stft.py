"""STFT into two real planes, with a backward pass that costs one inverse real FFT.

torch.stft is differentiable too, but sends its gradient through a complex FFT of every frame and through strided
views: for the losses, which need one transform of the student a step, that was two thirds of their time.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from dfkd_core.signal.overlap_add import overlap_add
from dfkd_core.signal.stft import Framing


def real_stft(signal: Tensor, framing: Framing) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of the STFT of a signal (batch, time), each (batch, frame, freq).

    Frequency is the last axis, contiguous, so that sums along it are fast. Once differentiable. ValueError: ends are
    mirrored, of which the gradient here knows nothing.
    """
    if framing.ends != "zeros":
        raise ValueError(f"ends must be zeros, but are {framing.ends}; use framing.stft")
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
        # dL/dx[t] = sum over frames of w[t] Re sum_{k=0}^{n/2} G[k] exp(2 pi i k t / n)
        framing, gradient = ctx.framing, torch.complex(real, imag)
        n, before = framing.n_fft, (framing.n_fft - framing.window_samples) // 2
        # An inverse real FFT counts every bin but DC and Nyquist twice, once for its mirror image.
        gradient[..., [0, -1]] *= 2.0
        # The window in the middle of n_fft samples, where torch.stft puts it.
        window = torch.nn.functional.pad(framing.window(real), (before, n - framing.window_samples - before))
        frames = torch.fft.irfft(gradient, n, norm="forward") * (0.5 * window)
        summed = overlap_add(frames, framing.hop_samples)
        return summed[:, n // 2 : n // 2 + ctx.num_samples], None
