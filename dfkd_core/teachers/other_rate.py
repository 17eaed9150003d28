"""A network that works at a rate of its own, between our 16 kHz in and out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.resampling import resample
from dfkd_core.teachers.base import Waveforms
from dfkd_core.teachers.half_overlap import Signal


def enhanced_at(rate_hz: int, enhance: Callable[[Signal], Signal], noisy: Waveforms) -> Waveforms:
    """Estimates (batch, time) at 16 kHz by `enhance`, which takes and returns one utterance (time,) at `rate_hz`."""
    wide = np.stack([enhance(signal) for signal in resample(noisy, SAMPLE_RATE_HZ, rate_hz)])
    narrow: Waveforms = np.ascontiguousarray(resample(wide, rate_hz, SAMPLE_RATE_HZ)[:, : noisy.shape[-1]])
    return narrow
