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
CLICK_SAMPLES, CLICK = 320, 10.0  # 20 ms at 16 kHz, and 10 dB
CLICKS_COST = 2.0  # 6 dB, which models bear
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

    Clicks that would make g less than half of what it is without them do not count, and are heard cut at full scale.
    """
    heard = without_offset(noisy)
    square = np.mean(np.square(heard, dtype=np.float64), axis=-1, keepdims=True)
    gain = _gain(square, np.abs(heard).max(axis=-1, keepdims=True).astype(np.float64))
    without_clicks = _gain(*_between_clicks(heard))
    gain = np.where((without_clicks > CLICKS_COST * gain) & (without_clicks < LARGEST_GAIN), without_clicks, gain)
    gain = np.where(gain < LARGEST_GAIN, gain, 1.0)
    raised = (gain * heard).astype(np.float32)
    if (gain > 1.0).any():
        raised = np.where(gain > 1.0, np.clip(raised, -HIGHEST_PEAK, HIGHEST_PEAK), raised)
    scaled: Samples = (estimate(raised) / gain).astype(np.float32)
    return scaled


def _gain(square: NDArray[np.float64], peak: NDArray[np.float64]) -> NDArray[np.float64]:
    """What brings a mean square (batch, 1) to the reference, less where the peak would exceed full scale."""
    with np.errstate(divide="ignore"):
        gain: NDArray[np.float64] = np.minimum(10 ** (REFERENCE_DBFS / 20) / np.sqrt(square), HIGHEST_PEAK / peak)
    return gain


def _between_clicks(heard: Samples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean square and peak (batch, 1) of (batch, time), frames that stand out of all around them taken like those.

    A frame stands out over CLICK times the loudest of those that lie two and three frames before and behind it.
    """
    num = heard.shape[-1] // CLICK_SAMPLES
    if num == 0:
        return np.zeros((len(heard), 1)), np.zeros((len(heard), 1))
    frames = heard[:, : num * CLICK_SAMPLES].reshape(len(heard), num, CLICK_SAMPLES)
    square = np.mean(np.square(frames, dtype=np.float64), axis=-1)
    padded = np.pad(square, ((0, 0), (3, 3)))
    most = CLICK * np.max([padded[:, start : start + num] for start in (0, 1, 5, 6)], axis=0)
    peaks = np.where(square > most, 0.0, np.abs(frames).max(axis=-1))
    return np.minimum(square, most).mean(axis=-1, keepdims=True), peaks.max(axis=-1, keepdims=True)
