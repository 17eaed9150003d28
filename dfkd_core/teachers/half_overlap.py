"""Frames that overlap by half, as small real-time models cut a signal; on numpy arrays of one utterance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dfkd_core.signal.overlap_add import overlap_add_halves
from dfkd_core.teachers.base import Signal

FrameSpectra = NDArray[np.complex64]


@dataclass(frozen=True, eq=False)
class HalfOverlap:
    """Frames of `len(window)` samples, one every half of them; the window serves both ways, its squares add to one."""

    window: Signal

    @property
    def hop(self) -> int:
        """Samples from frame to frame."""
        return len(self.window) // 2

    def spectra(self, signal: Signal) -> FrameSpectra:
        """Spectra (frame, bin) of (time,), zeros around the signal: frame t is centred on sample t * hop."""
        trail = self.hop + -len(signal) % self.hop
        frames = sliding_window_view(np.pad(signal, (self.hop, trail)), 2 * self.hop)[:: self.hop]
        spectra: FrameSpectra = np.fft.rfft(frames * self.window).astype(np.complex64)
        return spectra

    def signal(self, spectra: FrameSpectra, num_samples: int) -> Signal:
        """The signal (num_samples,) whose frames these are, without delay."""
        summed = overlap_add_halves(np.fft.irfft(spectra, 2 * self.hop) * self.window)
        signal: Signal = summed[self.hop :][:num_samples].astype(np.float32)
        return signal


def vorbis(length: int) -> Signal:
    """sin(pi/2 sin^2(pi (i + 1/2) / length))."""
    inner = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    window: Signal = np.sin(np.pi / 2 * inner).astype(np.float32)
    return window
