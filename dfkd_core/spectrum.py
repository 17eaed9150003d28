"""A spectrum as two real planes: what losses multiply and sum along frequency."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from dfkd_core.stft import DISTILLATION_FRAMING, Framing

# Keeps square roots and quotients differentiable on silence. Powers are those of an unnormalised STFT, where noise
# at -35 dBFS has about 0.06 per bin.
EPS = 1e-6


@dataclass(frozen=True)
class Spectrum:
    """Real and imaginary parts, each (batch, freq, frame)."""

    real: Tensor
    imag: Tensor

    @classmethod
    def of(cls, signal: Tensor, framing: Framing = DISTILLATION_FRAMING) -> Spectrum:
        """Transform a signal (batch, time); half precisions are widened first, for there is no FFT of them."""
        wide = signal.float() if signal.dtype in (torch.float16, torch.bfloat16) else signal
        # Bins of one frame lie beside each other in memory: sums along frequency then run twice as fast.
        real, imag = torch.view_as_real(framing.stft(wide).transpose(1, 2)).unbind(-1)
        return cls(real.contiguous().transpose(1, 2), imag.contiguous().transpose(1, 2))

    @cached_property
    def power(self) -> Tensor:
        """|X|^2, (batch, freq, frame)."""
        return self.real * self.real + self.imag * self.imag

    @cached_property
    def magnitude(self) -> Tensor:
        """sqrt(|X|^2 + eps), whose gradient is zero, not NaN, where the spectrum is zero; (batch, freq, frame)."""
        return torch.sqrt(self.power + EPS)

    def compressed(self, exponent: float) -> Spectrum:
        """X (|X|^2 + eps)^((exponent - 1) / 2): the magnitude to a power, the phase kept."""
        if exponent == 1.0:
            return self
        factor = (self.power + EPS) ** ((exponent - 1.0) / 2.0)
        return Spectrum(self.real * factor, self.imag * factor)

    def dot(self, other: Spectrum) -> Tensor:
        """Re(X conj Y) per bin, (batch, freq, frame)."""
        return self.real * other.real + self.imag * other.imag
