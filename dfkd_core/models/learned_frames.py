"""A learned filter bank in place of the Fourier transform, and its overlap-add back to time."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from dfkd_core.models.base import StudentBase
from dfkd_core.signal.overlap_add import overlap_add

OLD_NAMES = {"window": "window_samples", "stride": "stride_samples"}
PASSING_MASK = 0.5  # what a mask must be to give the signal back as it came
_log = logging.getLogger(__name__)


class FramedConfig(StudentBase):
    """Frames of `window_samples` every `stride_samples`; configs from before these names are read, too."""

    window_samples: Annotated[int, Field(ge=2, le=16_384)] = 32
    stride_samples: Annotated[int, Field(ge=1)] = 16

    @model_validator(mode="before")
    @classmethod
    def _old_names(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        for old in value.keys() & OLD_NAMES.keys():
            _tell_old_name(old)
        return {k: v for k, v in value.items() if k not in OLD_NAMES} | {
            new: value[old] for old, new in OLD_NAMES.items() if old in value
        }

    @model_validator(mode="after")
    def _frames_overlap(self) -> Self:
        if self.stride_samples > self.window_samples:
            raise ValueError(
                f"stride_samples must be at most window_samples ({self.window_samples}), "
                f"but got {self.stride_samples}; use {self.window_samples // 2}"
            )
        return self


@cache
def _tell_old_name(old: str) -> None:
    """Once a process."""
    _log.warning("student.%s is read as student.%s; write it so", old, OLD_NAMES[old])


class LearnedFrames(nn.Module):
    """Frames of `window_samples` every `stride_samples`, each as `filters` weights: w = U x, and back: x = sum of V w.

    (batch, time) to (batch, filter, frame); silence is appended until the last sample is in a frame.
    """

    def __init__(self, filters: int, window_samples: int, stride_samples: int) -> None:
        super().__init__()
        self.window_samples = window_samples
        self.stride_samples = stride_samples
        self.analysis = nn.Conv1d(1, filters, window_samples, stride_samples, bias=False)
        # A 1 x 1 convolution and overlap-add: the same as a transposed convolution, which takes three times as long.
        self.synthesis = nn.Conv1d(filters, window_samples, 1, bias=False)

    def forward(self, signal: Tensor) -> Tensor:
        """Weights (batch, filter, frame) of a signal (batch, time)."""
        covered = (self.num_frames(signal.shape[-1]) - 1) * self.stride_samples + self.window_samples
        weights: Tensor = self.analysis(F.pad(signal, (0, covered - signal.shape[-1]))[:, None])
        return weights

    def overlap_add(self, weights: Tensor, length: int) -> Tensor:
        """Signal (batch, length) of weights (batch, filter, frame)."""
        return overlap_add(self.synthesis(weights).transpose(1, 2), self.stride_samples)[:, :length]

    def num_frames(self, num_samples: int) -> int:
        """Frames that cover so many samples."""
        return 1 + max(0, math.ceil((num_samples - self.window_samples) / self.stride_samples))


@torch.no_grad()
def start_as_cosines(frames: LearnedFrames) -> None:
    """Begin as a lapped cosine transform, which loses nothing, and not as noise.

    Sets analysis and synthesis to windowed cosines, (filter, sample) and its transpose over `PASSING_MASK`.

        u_k(m) = sqrt(4 S / (B L)) cos(pi m / L) cos(pi (k + 1/2) m / B + 3/2 pi (k + 1/2)),   B = max(N, L / 2)

    N filters, L samples in a window around m = 0, S the stride. N = S = L / 2 is the modified discrete cosine
    transform (Princen & Bradley 1986), whose aliasing cancels between frames; N >= L has none. Of fewer filters than
    L / 2 the lowest bands are there, where speech is.
    """
    num_filters, _, window = frames.analysis.weight.shape
    bands = max(num_filters, window // 2)
    time = torch.arange(window) + 0.5 - window / 2
    band = torch.arange(num_filters)[:, None] + 0.5
    bank = torch.cos(math.pi / window * time) * torch.cos(math.pi * band * (time / bands + 1.5))
    bank *= math.sqrt(4 * frames.stride_samples / (bands * window))
    frames.analysis.weight.copy_(bank[:, None])
    frames.synthesis.weight.copy_(bank.T[..., None] / PASSING_MASK)
