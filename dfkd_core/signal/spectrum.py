"""A spectrum as two real planes, in full precision: what losses multiply and sum along frequency."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from dfkd_core.signal.real_stft import real_stft
from dfkd_core.signal.stft import DISTILLATION_FRAMING, Framing

# Keeps square roots and quotients differentiable on silence. Powers are those of an unnormalised STFT, where noise
# at -35 dBFS has about 0.06 per bin.
EPS = 1e-6

_Kept = dict[tuple[int, Framing], tuple[Tensor, "Spectrum"]]
_shared: ContextVar[_Kept | None] = ContextVar("shared_spectra", default=None)


def full_precision(signal: Tensor) -> Tensor:
    """The signal, half precisions widened to float32: sums of squares need it, and there is no FFT of bfloat16."""
    return signal.float() if signal.dtype in (torch.float16, torch.bfloat16) else signal


@contextmanager
def shared_spectra() -> Iterator[None]:
    """Inside, a signal is transformed once per framing, however many losses ask for its spectrum."""
    token = _shared.set({})
    try:
        yield
    finally:
        _shared.reset(token)


@dataclass(frozen=True)
class Spectrum:
    """Real and imaginary parts, each (batch, frame, freq): the bins of a frame lie beside each other in memory."""

    real: Tensor
    imag: Tensor

    @classmethod
    def of(cls, signal: Tensor, framing: Framing = DISTILLATION_FRAMING) -> Spectrum:
        """Transform a signal (batch, time)."""
        kept, key = _shared.get(), (id(signal), framing)
        if kept is not None and key in kept:
            return kept[key][1]
        spectrum = cls(*real_stft(full_precision(signal), framing))
        if kept is not None:
            kept[key] = signal, spectrum  # with the signal itself, lest another be given its id
        return spectrum

    @cached_property
    def power(self) -> Tensor:
        """|X|^2, (batch, frame, freq)."""
        return self.real * self.real + self.imag * self.imag

    @cached_property
    def magnitude(self) -> Tensor:
        """sqrt(|X|^2 + eps), whose gradient is zero, not NaN, where the spectrum is zero; (batch, frame, freq)."""
        return torch.sqrt(self.power + EPS)

    @cached_property
    def log_power(self) -> Tensor:
        """log(|X|^2 + eps), (batch, frame, freq)."""
        return torch.log(self.power + EPS)

    def compressed(self, exponent: float) -> Spectrum:
        """X (|X|^2 + eps)^((exponent - 1) / 2): the magnitude to a power, the phase kept."""
        if exponent == 1.0:
            return self
        # By exponential and logarithm, which cost half of a power and of its gradient.
        factor = torch.exp(0.5 * (exponent - 1.0) * self.log_power)
        return Spectrum(self.real * factor, self.imag * factor)

    def compressed_magnitude(self, exponent: float) -> Tensor:
        """(|X|^2 + eps)^(exponent / 2), (batch, frame, freq)."""
        return self.magnitude if exponent == 1.0 else torch.exp(0.5 * exponent * self.log_power)

    def minus(self, other: Spectrum) -> Spectrum:
        """X - Y per bin."""
        return Spectrum(self.real - other.real, self.imag - other.imag)

    def dot(self, other: Spectrum) -> Tensor:
        """Re(X conj Y) per bin, (batch, frame, freq)."""
        return self.real * other.real + self.imag * other.imag
