"""Frame weights: how much a frame says about the target."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from dfkd_core.signal.spectrum import EPS

# Power 40 dB under the loudest frame of the clip.
ACTIVE_POWER_SHARE = 1e-4


def active_frames(target_power: Tensor) -> Tensor:
    """Frames within 40 dB of the loudest one of their clip, bool (batch, frame), from powers (batch, frame, freq)."""
    energy = target_power.sum(dim=-1)
    return energy >= ACTIVE_POWER_SHARE * energy.amax(dim=1, keepdim=True)


def frame_weights(kind: Literal["amplitude", "none"], band_energy: Tensor, active: Tensor) -> Tensor:
    """Weight of every frame (batch, frame) from the target's energy in the band, sum_f |T|^2, or of every patch alike.

    `amplitude`: its square root, zero outside the active frames, so that neither pauses nor padding teach;
    `none`: one everywhere.
    """
    if kind == "none":
        return torch.ones_like(band_energy)
    return band_energy.sqrt() * active


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean over frames per clip, (batch,), from values and weights (batch, frame); zero where all weights are."""
    return (values * weights).sum(dim=-1) / weights.sum(dim=-1).clamp_min(EPS)
