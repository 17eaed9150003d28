"""Bark bands and loudness of wide-band PESQ (ITU-T P.862 and P.862.2): from powers of bins to sones a band."""

from __future__ import annotations

from itertools import accumulate
from typing import Final

import torch
from torch import Tensor

from dfkd_core.signal.stft import Framing

FRAMING: Final = Framing(n_fft=512, window_samples=512, hop_samples=256)  # 32 ms, half of them shared
LEVEL: Final = 1e7  # power between 325 and 3250 Hz that speech is brought to before it is heard
ZWICKER_POWER: Final = 0.23

# Of each of 49 bands: how many bins of 31.25 Hz, the centre in Bark, the power at the threshold of hearing, and what
# makes a power density of a sum of bins. Figures of the Recommendation's tables for 16 kHz.
# fmt: off
_NUM_BINS = (
    1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 3, 4, 5, 4, 5, 6, 6, 7, 8,
    9, 9, 12, 12, 15, 16, 18, 21, 25, 20,
)
_CENTRE_BARK = (
    0.078672, 0.316341, 0.636559, 0.961246, 1.290450, 1.624217, 1.962597, 2.305636, 2.653383, 3.005889, 3.363201,
    3.725371, 4.092449, 4.464486, 4.841533, 5.223642, 5.610866, 6.003256, 6.400869, 6.803755, 7.211971, 7.625571,
    8.044611, 8.469146, 8.899232, 9.334927, 9.776288, 10.223374, 10.676242, 11.134952, 11.599563, 12.070135, 12.546731,
    13.029408, 13.518232, 14.013264, 14.514566, 15.022202, 15.536238, 16.056736, 16.583761, 17.117382, 17.657663,
    18.204674, 18.758478, 19.319147, 19.886751, 20.461355, 21.043034,
)
_THRESHOLD = (
    51286152.0, 2454709.5, 70794.59375, 4897.788574, 1174.897705, 389.045166, 104.71286, 45.70882, 17.782795, 9.772372,
    4.897789, 3.090296, 1.905461, 1.258925, 0.977237, 0.724436, 0.562341, 0.457088, 0.389045, 0.331131, 0.295121,
    0.269153, 0.25704, 0.251189, 0.251189, 0.251189, 0.251189, 0.263027, 0.288403, 0.30903, 0.338844, 0.371535,
    0.398107, 0.436516, 0.467735, 0.489779, 0.501187, 0.501187, 0.512861, 0.524807, 0.524807, 0.524807, 0.512861,
    0.47863, 0.42658, 0.371535, 0.363078, 0.416869, 0.537032,
)
_DENSITY = (
    100.0, 99.999992, 100.0, 100.000008, 100.000008, 100.000015, 99.999992, 99.999969, 50.000027, 100.0, 99.999969,
    100.000015, 99.999947, 100.000061, 53.047077, 110.000046, 117.991989, 65.0, 68.760147, 69.999931, 71.428818,
    75.000038, 76.843384, 80.968781, 88.646126, 63.864388, 68.155350, 72.547775, 75.584831, 58.379192, 80.950836,
    64.135651, 54.384785, 73.821884, 64.437073, 59.176456, 65.521278, 61.399822, 58.144047, 57.004543, 64.126297,
    54.311001, 61.114979, 55.077751, 56.849335, 55.628868, 53.137054, 54.985844, 79.546974,
)
# fmt: on
_POWER_SCALE = 6.910853e-6
_LOUDNESS_SCALE = 0.1866055
_PRE_EMPHASIS = ((2.740826, -5.4816519, 2.740826), (1.0, -1.9444777, 0.94597794))  # numerator, denominator


def _bank() -> Tensor:
    """Weights (freq, band) from powers of bins to power densities of bands; DC and the pre-emphasis are in them."""
    bank = torch.zeros(FRAMING.num_bins, len(_NUM_BINS))
    edges = list(accumulate(_NUM_BINS, initial=0))
    for band, density in enumerate(_DENSITY):
        bank[edges[band] : edges[band + 1], band] = density * _POWER_SCALE
    bank[0] = 0.0
    above, below = torch.fft.rfft(torch.tensor(_PRE_EMPHASIS), FRAMING.n_fft).abs().square()
    gain: Tensor = above / below  # |H|^2 of the wide-band input filter at every bin, (freq,)
    return bank * gain.unsqueeze(-1)


BANK: Final = _bank()
# in Bark, (band,): a centre is the middle of its band, and the first begins at zero
WIDTH: Final = torch.tensor([*accumulate(_CENTRE_BARK, lambda edge, centre: 2 * centre - edge, initial=0.0)]).diff()
THRESHOLD: Final = torch.tensor(_THRESHOLD)
EXPONENT: Final = ZWICKER_POWER * (6.0 / (torch.tensor(_CENTRE_BARK) + 2.0)).clamp(1.0, 2.0) ** 0.15


def bark_powers(power: Tensor) -> Tensor:
    """Power densities (batch, frame, band), at the standard's level, of |X|^2 (batch, frame, freq)."""
    in_band = power[..., 11:105].sum(-1).mean(-1)  # 344 to 3250 Hz
    window = FRAMING.window(power).square().sum()
    level = LEVEL / (2.0 * in_band / (FRAMING.n_fft * window) + 1e-10)
    return (power @ BANK.to(power)) * level[:, None, None]


def loudness(power: Tensor) -> Tensor:
    """Zwicker's law, sones of powers (batch, frame, band); 0 under the threshold of hearing."""
    threshold, exponent = THRESHOLD.to(power), EXPONENT.to(power)
    rise = (0.5 + 0.5 * power.clamp(min=threshold) / threshold) ** exponent - 1.0
    return _LOUDNESS_SCALE * (2.0 * threshold) ** exponent * rise


def audible(power: Tensor, times: float = 1.0) -> Tensor:
    """Powers above `times` the threshold of hearing, 0 elsewhere."""
    return power * (power > times * THRESHOLD.to(power))
