"""Signal-to-noise ratio as a loss: unlike SI-SDR and cosine it holds the estimate to the right gain."""

from __future__ import annotations

import torch
from torch import Tensor

from dfkd_core.signal.spectrum import full_precision

# Energy of a clip in full-scale units (2 s at -85 dBFS): bounds the ratio of silence, and its gradient.
ENERGY_EPS = 1e-4


def ratio_db(signal: Tensor, error: Tensor) -> Tensor:
    """10 log10((|signal|^2 + eps) / (|error|^2 + eps)) of every clip in dB, (batch,), from (batch, time)."""
    energies = (signal.square().sum(-1), error.square().sum(-1))
    return 10.0 * (torch.log10(energies[0] + ENERGY_EPS) - torch.log10(energies[1] + ENERGY_EPS))


def snr(estimate: Tensor, clean: Tensor) -> Tensor:
    """Negative SNR in dB, a scalar: -10 log10(|y|^2 / |y - s|^2), mean over clips of signals (batch, time)."""
    estimate, clean = full_precision(estimate), full_precision(clean)
    return -ratio_db(clean, clean - estimate).mean()
