"""How a live signal becomes frames, and frames a signal: by short-time Fourier transform, or as plain windows."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn import functional as F

from dfkd_core.signal.stft import Framing


class Frames(ABC):
    """Frame k holds `window_samples` samples from k * hop_samples - lead_samples on.

    weights: by which overlapping samples are divided, (window_samples,) summed as the samples are; None: by nothing.
    is_mirrored: what lies outside a signal is its mirror image (of one of lead_samples or less, silence first), else
    silence.
    """

    window_samples: int
    hop_samples: int
    lead_samples: int = 0
    weights: Tensor | None = None
    is_mirrored: bool = False

    @abstractmethod
    def num_frames(self, num_samples: int) -> int:
        """Frames of a signal that ends."""

    @abstractmethod
    def analyse(self, samples: Tensor) -> Tensor:
        """What a core takes, of samples (batch, window_samples)."""

    @abstractmethod
    def synthesise(self, frame: Tensor) -> Tensor:
        """Samples (batch, window_samples), to be added at the frame's place, of what a core gives."""

    def silence(self) -> Tensor:
        """A frame of silence as a core takes it."""
        return self.analyse(torch.zeros(1, self.window_samples))


class SpectralFrames(Frames):
    """Spectra (batch, 2, 1, freq), real and imaginary part, framed as `Framing.stft` frames a whole signal."""

    def __init__(self, framing: Framing) -> None:
        self.framing = framing
        self.window_samples, self.hop_samples = framing.window_samples, framing.hop_samples
        self._left = (framing.n_fft - framing.window_samples) // 2
        self.lead_samples = framing.n_fft // 2 - self._left
        self.is_mirrored = framing.ends == "mirrored"
        self._window = framing.window(torch.zeros(1))
        self.weights = self._window.square()

    def num_frames(self, num_samples: int) -> int:
        """As `Framing.num_frames`."""
        return self.framing.num_frames(num_samples)

    def analyse(self, samples: Tensor) -> Tensor:
        """The spectrum of windowed samples."""
        right = self.framing.n_fft - self.window_samples - self._left
        spectrum = torch.fft.rfft(F.pad(samples * self._window, (self._left, right)))
        return torch.stack((spectrum.real, spectrum.imag), dim=1)[:, :, None]

    def synthesise(self, frame: Tensor) -> Tensor:
        """The windowed inverse transform."""
        spectrum = torch.complex(frame[:, 0, 0], frame[:, 1, 0])
        samples: Tensor = torch.fft.irfft(spectrum, self.framing.n_fft)
        return samples[:, self._left : self._left + self.window_samples] * self._window


class WindowFrames(Frames):
    """Plain windows, (batch, 1, window_samples), that add up: for learned filters."""

    def __init__(self, window_samples: int, hop_samples: int) -> None:
        self.window_samples, self.hop_samples = window_samples, hop_samples

    def num_frames(self, num_samples: int) -> int:
        """Until the last sample is in a frame."""
        return 1 + max(0, -(-(num_samples - self.window_samples) // self.hop_samples))

    def analyse(self, samples: Tensor) -> Tensor:
        """The samples as they are."""
        return samples[:, None]

    def synthesise(self, frame: Tensor) -> Tensor:
        """The samples as they are."""
        return frame[:, 0]
