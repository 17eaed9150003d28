"""What a signal is before anything hears it: without an offset, and at one level, to which the estimate is not bound.

Models are trained on mixtures from -35 to -15 dBFS and lose speech far from these. `at_reference_level` around a model
makes it give the same result at every level. It is around what is enhanced from files; training, validation and
`dfkd evaluate` hear mixtures at the levels that they are listed with.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

OFFSET_SHARE = 0.03  # of a signal's power, from which its mean is an offset: less moves an SNR by 0.13 dB at most
REFERENCE_DBFS = -25.0  # RMS: the middle of the levels that models are trained on
HIGHEST_PEAK = 0.99  # as of listed mixtures
LARGEST_GAIN = 1e6  # 120 dB; what is quieter is silence


def without_offset(signal: Samples) -> Samples:
    """The signal (..., time), its mean taken off in the rows where that is 3 % or more of the power."""
    # in float64: the mean of a constant is that constant
    mean = signal.mean(axis=-1, keepdims=True, dtype=np.float64)
    power = np.mean(np.square(signal, dtype=np.float64), axis=-1, keepdims=True)
    offset = np.where(np.square(mean) >= OFFSET_SHARE * power, mean, 0.0)
    return (signal - offset).astype(np.float32) if offset.any() else signal


def at_reference_level(estimate: Callable[[Samples], Samples], noisy: Samples) -> Samples:
    """What `estimate` says of noisy (batch, time), each row without its offset and at REFERENCE_DBFS, scaled back.

    y = estimate(g x) / g,   g = 10^(-25/20) / rms(x), less where a peak would exceed full scale
    """
    heard = without_offset(noisy)
    rms = np.sqrt(np.mean(np.square(heard, dtype=np.float64), axis=-1, keepdims=True))
    peak = np.abs(heard).max(axis=-1, keepdims=True).astype(np.float64)
    with np.errstate(divide="ignore"):
        gain = np.minimum(10 ** (REFERENCE_DBFS / 20) / rms, HIGHEST_PEAK / peak)
    gain = np.where(gain < LARGEST_GAIN, gain, 1.0)
    scaled: Samples = (estimate((gain * heard).astype(np.float32)) / gain).astype(np.float32)
    return scaled
