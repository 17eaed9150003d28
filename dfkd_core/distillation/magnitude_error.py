"""Squared error of magnitudes in a band, and the energy that makes it a pure number."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from dfkd_core.signal.spectrum import EPS, Spectrum

# A band without energy (speech that was sampled at 8 kHz, say) must not divide by next to nothing.
SMALLEST_SCALE_SHARE = 1e-6


def magnitude_error(target: Spectrum, student: Spectrum, mask: Tensor) -> Tensor:
    """Mean of (|T| - |S|)^2 over the bins that `mask` (batch, frame, freq) keeps, (batch, frame)."""
    difference = target.magnitude - student.magnitude
    return (difference * difference * mask).sum(dim=-1) / mask.sum(dim=-1).clamp_min(1.0)


def magnitude_scale(kind: Literal["clip", "raw"], target_power: Tensor, mask: Tensor) -> Tensor:
    """E of every clip, (batch,), from powers (batch, frame, freq).

    `clip`: the target's mean energy per bin of the band over the whole clip, at least 60 dB under that of all bins;
    with it beta means the same at every level. Never per frame: in pauses that quotient explodes. `raw`: 1.
    """
    if kind == "raw":
        return torch.ones_like(target_power[:, 0, 0])
    in_band = (target_power * mask).sum(dim=(1, 2)) / mask.sum(dim=(1, 2)).clamp_min(1.0)
    smallest = SMALLEST_SCALE_SHARE * target_power.mean(dim=(1, 2))
    return torch.maximum(in_band, smallest).clamp_min(EPS)
