"""One recording of noise made into many: played at another speed, through a random filter.

Drawn once and kept as numbers, as all augmentation is. A corpus of few kinds of noise teaches little of others; pitch,
tempo and colour are what kinds differ in.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dfkd_core.signal.audio import Samples

SPEED = (0.5, 2.0)
COEFFICIENT: Final = 3 / 8  # of filters, at most: peaks and dips of at most 17 dB, and always stable
VARIATION = np.dtype([("speed", "<f4"), ("filter", "<f4", (4,))])
UNVARIED: Final = np.array((1.0, (0.0,) * 4), VARIATION)


def draw_variations(chosen: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.void]:
    """Speed, uniform on a logarithmic scale, and filter of each chosen mixture; others keep theirs. (mixture,)."""
    count = len(chosen)
    drawn = np.empty(count, VARIATION)
    low, high = np.log(SPEED)
    drawn["speed"] = np.exp(low + (high - low) * rng.random(count))
    drawn["filter"] = COEFFICIENT * (2.0 * rng.random((count, 4)) - 1.0)
    drawn[~chosen] = UNVARIED
    return drawn


def at_speed(noise: Samples, num_samples: int) -> Samples:
    """Noise (time,) stretched or squeezed to `num_samples`, linear between samples: what that adds is noise, too."""
    if len(noise) == num_samples:
        return noise
    places = np.linspace(0.0, len(noise) - 1.0, num_samples)
    return np.interp(places, np.arange(len(noise)), noise).astype(np.float32)


def filtered(noise: Samples, coefficients: Samples) -> Samples:
    """Noise (time,) through (1 + a z^-1 + b z^-2) / (1 + c z^-1 + d z^-2), circular.

    RNNoise's filters (arXiv 1709.08243); coefficients: a, b, c, d.
    """
    above, below = (np.fft.rfft([1.0, *half], len(noise)) for half in coefficients.reshape(2, 2))
    return np.fft.irfft(np.fft.rfft(noise) * above / below, len(noise)).astype(np.float32)
