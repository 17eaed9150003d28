"""Scale-invariant signal-to-distortion ratio as a loss (Le Roux et al., arXiv 1811.02508)."""

from __future__ import annotations

from torch import Tensor

from dfkd_core.losses.snr import ENERGY_EPS, ratio_db
from dfkd_core.signal.spectrum import full_precision


def si_sdr_db(estimate: Tensor, clean: Tensor) -> Tensor:
    """SI-SDR of every clip in dB, (batch,), from signals (batch, time); no mean is removed.

    10 log10(|a y|^2 / |s - a y|^2) with a = <s, y> / |y|^2; a gain on the estimate changes nothing.
    """
    estimate, clean = full_precision(estimate), full_precision(clean)
    gain = (estimate * clean).sum(-1, keepdim=True) / (clean.square().sum(-1, keepdim=True) + ENERGY_EPS)
    projection = gain * clean
    return ratio_db(projection, estimate - projection)


def si_sdr(estimate: Tensor, clean: Tensor) -> Tensor:
    """Negative SI-SDR in dB, a scalar: the mean over clips of signals (batch, time)."""
    return -si_sdr_db(estimate, clean).mean()
