"""Band masks: which bins of a frame are low and which are high, seen from its split bin."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class BandMasks:
    """One where a bin is in the band, else zero; low and high are (batch, freq, frame) and share the split bin."""

    low: Tensor
    high: Tensor

    @classmethod
    def at(cls, split: Tensor, like: Tensor) -> BandMasks:
        """Cut at `split` (batch, frame): low f <= m, high f >= m; precision and bins of `like` (batch, freq, frame)."""
        bins = torch.arange(like.shape[1], device=split.device)
        edge = split[:, :, None]
        # Built frame by frame, as spectra lie in memory, then seen as (batch, freq, frame).
        low, high = (bins <= edge).to(like.dtype), (bins >= edge).to(like.dtype)
        return cls(low.transpose(1, 2), high.transpose(1, 2))
