"""What every teacher is: a name, an identity and estimates of noisy waveforms; and how one works at another rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.resampling import resample

Waveforms = NDArray[np.float32]
Signal = NDArray[np.float32]  # one utterance (time,)


class Listed(Protocol):
    """A mixture of a list, by which a teacher finds what it has said of it."""

    @property
    def name(self) -> str:
        """A stable name that no other mixture has."""

    def made_of(self, read: Callable[[str, int], Waveforms]) -> Waveforms | None:
        """The mixture cut from `read(name, num_samples)`, or None where it was not cut from noisy files."""


class Teacher(Protocol):
    """Anything that maps noisy waveforms to estimates of clean speech; only waveforms are asked of it.

    Opening one is cheap: it finds and hashes files. Networks are loaded by the first call.
    """

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def sha256(self) -> str:
        """Identity of what it computes: equal hashes give equal estimates."""

    def __call__(self, noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        """Estimates (batch, time) of noisy (batch, time) at 16 kHz; `listed` says which mixtures these are."""


def enhanced_at(rate_hz: int, enhance: Callable[[Signal], Signal], noisy: Waveforms) -> Waveforms:
    """Estimates (batch, time) at 16 kHz by `enhance`, which takes and returns one utterance (time,) at `rate_hz`."""
    wide = np.stack([enhance(signal) for signal in resample(noisy, SAMPLE_RATE_HZ, rate_hz)])
    narrow: Waveforms = np.ascontiguousarray(resample(wide, rate_hz, SAMPLE_RATE_HZ)[:, : noisy.shape[-1]])
    return narrow
