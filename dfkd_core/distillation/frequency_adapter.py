"""Frequency adapter: the bin of each frame where the low band ends and the high band begins.

Source: DFKD, arXiv 2502.04711, as the baseline of DISPatch (arXiv 2509.15922) writes it; the bounded search and the
slope `fall` are this project's.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from dfkd_core.distillation.config import DistillationConfig
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.spectrum import EPS
from dfkd_core.signal.stft import DISTILLATION_FRAMING

Slope = Literal["relative", "absolute", "fall"]
BIN_HZ = SAMPLE_RATE_HZ / DISTILLATION_FRAMING.n_fft


@torch.no_grad()
def split_bins(magnitude: Tensor, slope: Slope = "relative", low_bin: int = 0, high_bin: int | None = None) -> Tensor:
    """Split bin m of every frame, int64 (batch, frame), from magnitudes (batch, freq, frame); no gradient.

        m = argmax over low_bin <= f <= high_bin of d[f],  low_bin where nothing rises (or falls)
        F[f] = max of |T| over low_bin..f        relative: d[f] = (F[f+1] - F[f]) / (F[f] + eps)
                                                 absolute: d[f] =  F[f+1] - F[f]
        R[f] = max of |T| over f..freq - 1       fall:     d[f] = (R[f] - R[f+1]) / (R[f+1] + eps)

    The defaults search every bin, which is the literal rule. The last bin has no slope, so m <= freq - 2.
    Raises ValueError when the bounds are out of order or out of range.
    """
    last = magnitude.shape[1] - 2
    high = last if high_bin is None else min(high_bin, last)
    if not 0 <= low_bin <= high:
        raise ValueError(f"split_bins needs 0 <= low_bin <= high_bin <= {last}, but got {low_bin} and {high_bin}")
    # Along the last axis: cumulative maxima over a strided axis are half as fast.
    from_low = magnitude[:, low_bin:].transpose(1, 2)
    return low_bin + _slopes(from_low, slope, high - low_bin + 1).argmax(dim=-1)


def _slopes(magnitude: Tensor, slope: Slope, num_slopes: int) -> Tensor:
    """The first d[f], (batch, frame, num_slopes), from magnitudes (batch, frame, freq); never negative."""
    if slope == "fall":
        # From Nyquist, not from the upper bound: restarted there, a seventh of all frames sticks to it.
        peak = magnitude.flip(-1).cummax(dim=-1).values.flip(-1)[..., : num_slopes + 1]
        return (peak[..., :-1] - peak[..., 1:]) / (peak[..., 1:] + EPS)
    peak = magnitude[..., : num_slopes + 1].cummax(dim=-1).values
    rise = peak[..., 1:] - peak[..., :-1]
    return rise if slope == "absolute" else rise / (peak[..., :-1] + EPS)


def bin_bounds(min_cutoff_hz: float, max_cutoff_hz: float, last: int) -> tuple[int, int]:
    """First and last bin inside [min_cutoff_hz, max_cutoff_hz], at least one, none past `last`."""
    low = min(math.ceil(min_cutoff_hz / BIN_HZ), last)
    return low, max(low, min(math.floor(max_cutoff_hz / BIN_HZ), last))


class FrequencyAdapter:
    """The split rule of a config: literal, dynamic between two cutoffs, or fixed at one cutoff."""

    def __init__(self, config: DistillationConfig) -> None:
        last = DISTILLATION_FRAMING.num_bins - 2
        self.slope: Slope = config.slope
        self.fixed_bin = min(round(config.cutoff_hz / BIN_HZ), last) if config.split == "fixed" else None
        self.low_bin, self.high_bin = 0, last
        if config.split == "dynamic":
            self.low_bin, self.high_bin = bin_bounds(config.min_cutoff_hz, config.max_cutoff_hz, last)

    def __call__(self, magnitude: Tensor) -> Tensor:
        """Split bin of every frame, int64 (batch, frame), from magnitudes (batch, freq, frame)."""
        if self.fixed_bin is None:
            return split_bins(magnitude, self.slope, self.low_bin, self.high_bin)
        shape = (magnitude.shape[0], magnitude.shape[2])
        return torch.full(shape, self.fixed_bin, dtype=torch.int64, device=magnitude.device)
