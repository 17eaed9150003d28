"""Short-time Fourier transform with its framing as a typed argument: the one door to torch.stft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from dfkd_core.errors import ConfigError
from dfkd_core.signal.overlap_add import overlap_add


@dataclass(frozen=True)
class Framing:
    """How a signal becomes frames: centred, periodic Hann, unnormalised.

    Frame k is centred on sample k * hop_samples, so a signal of `time` samples gives 1 + time // hop_samples
    frames and every length from one sample on is allowed. A window shorter than n_fft sits in its middle.
    window_shape: Hann or its square root. ends: what lies outside the signal, zeros or its mirror image (a shorter
    one is filled with zeros first).
    """

    n_fft: int = 512
    window_samples: int = 512
    hop_samples: int = 128
    window_shape: Literal["hann", "root_hann"] = "hann"
    ends: Literal["zeros", "mirrored"] = "zeros"

    def __post_init__(self) -> None:
        if self.n_fft < 2 or self.n_fft % 2:
            raise ConfigError(f"n_fft must be even and at least 2, but got {self.n_fft}; use 512")
        if not 2 <= self.window_samples <= self.n_fft:
            raise ConfigError(
                f"window_samples must be in 2..n_fft ({self.n_fft}), but got {self.window_samples}; use {self.n_fft}"
            )
        if not 1 <= self.hop_samples <= self.window_samples // 2:
            raise ConfigError(
                f"hop_samples must be in 1..window_samples/2 ({self.window_samples // 2}), "
                f"but got {self.hop_samples}; use {self.window_samples // 4 or 1}"
            )

    @property
    def num_bins(self) -> int:
        """Frequencies per frame, from DC to Nyquist."""
        return self.n_fft // 2 + 1

    @property
    def look_ahead_samples(self) -> int:
        """How far past its own position an output sample sees: analysis and synthesis windows, without their zeros."""
        return self.window_samples - 2

    def num_frames(self, num_samples: int) -> int:
        """Frames of a signal of that many samples."""
        return 1 + num_samples // self.hop_samples

    def window(self, like: Tensor) -> Tensor:
        """Periodic window (window_samples,) on the device and in the precision of `like`."""
        hann = torch.hann_window(self.window_samples, dtype=like.dtype, device=like.device)
        return hann if self.window_shape == "hann" else hann.sqrt()

    def stft(self, signal: Tensor) -> Tensor:
        """Complex spectrum (batch, freq, frame) of a signal (batch, time)."""
        num_frames, is_mirrored = self.num_frames(signal.shape[-1]), self.ends == "mirrored"
        if is_mirrored:
            signal = torch.nn.functional.pad(signal, (0, max(0, self.n_fft // 2 + 1 - signal.shape[-1])))
        spectrum = torch.stft(
            signal,
            self.n_fft,
            self.hop_samples,
            self.window_samples,
            self.window(signal),
            center=True,
            pad_mode="reflect" if is_mirrored else "constant",
            return_complex=True,
        )
        return spectrum[..., :num_frames]

    def istft(self, spectrum: Tensor, length: int) -> Tensor:
        """Signal (batch, length) whose frames are nearest to `spectrum` (batch, freq, frame) in least squares.

            x[n] = sum_k w[n - k hop] y_k[n - k hop] / sum_k w[n - k hop]^2,   y_k the inverse transform of frame k

        torch.istft computes the same, but reads its normaliser back to the host, which stalls accelerators.
        """
        left = (self.n_fft - self.window_samples) // 2
        window = self.window(spectrum.real)
        frames = torch.fft.irfft(spectrum.transpose(1, 2), self.n_fft)[..., left : left + self.window_samples]
        squares = (window * window).expand(1, frames.shape[1], -1)
        centre = slice(self.n_fft // 2 - left, self.n_fft // 2 - left + length)
        total, normaliser = (overlap_add(part, self.hop_samples)[:, centre] for part in (frames * window, squares))
        return total / normaliser

    def convolution_macs(self, num_samples: int) -> int:
        """Multiply-adds of analysis and synthesis as the convolutions that the FFT replaces.

        Per frame: two matrices of 2 num_bins x window_samples, and the overlap-add of the squared window
        (window_samples x window_samples) that normalises the synthesis.
        """
        per_frame = 4 * self.num_bins * self.window_samples + self.window_samples**2
        return per_frame * self.num_frames(num_samples)


DISTILLATION_FRAMING = Framing(n_fft=512, window_samples=512, hop_samples=128)
