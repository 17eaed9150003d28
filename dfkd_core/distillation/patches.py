"""Spectral patches: a few neighbouring bins of one frame, the unit in which DISPatch chooses."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor


class Patches:
    """The bins of a band, given by its mask (batch, frame, freq), in patches of `num_bins` bins x 1 frame.

    Patches start at DC; the last one may be shorter, and one that the band's edge cuts holds the bins inside only.
    """

    def __init__(self, mask: Tensor, num_bins: int) -> None:
        self._mask = mask
        self._num_bins = num_bins
        self.sizes = self.sum(torch.ones_like(mask))

    @property
    def dc(self) -> Tensor:
        """Which patches hold the DC bin and no other, bool (batch, frame, patch)."""
        alone = self.sizes == 1
        alone[:, :, 0] &= self._mask[:, :, 0] > 0
        alone[:, :, 1:] = False
        return alone

    def sum(self, values: Tensor) -> Tensor:
        """Sum over the bins of every patch, (batch, frame, patch), of values (batch, frame, freq)."""
        missing = -values.shape[-1] % self._num_bins
        padded: Tensor = torch.nn.functional.pad(values * self._mask, (0, missing))
        return padded.reshape(*values.shape[:2], -1, self._num_bins).sum(dim=-1)

    def mean(self, values: Tensor) -> Tensor:
        """Mean over the bins of every patch, (batch, frame, patch); zero where a patch is empty."""
        return self.sum(values) / self.sizes.clamp_min(1.0)


def keep_patches(gap: Tensor, candidates: Tensor, keep: float | Literal["positive"]) -> Tensor:
    """Which patches to distil, bool (batch, frame, patch), from the gap (student's error minus teacher's).

    A number keeps that share of each clip's candidates, those of largest gap, at least one; `positive` keeps every
    candidate in which the teacher is nearer to clean speech than the student.
    """
    if keep == "positive":
        return candidates & (gap > 0)
    num_kept = (keep * candidates.sum(dim=(1, 2))).long().clamp_min(1)
    ranked = gap.masked_fill(~candidates, -torch.inf).flatten(1).sort(descending=True).values
    threshold = ranked.gather(1, num_kept[:, None] - 1)
    return candidates & (gap >= threshold[:, :, None])
