"""Bins of a spectrum as bands: low ones as they are, high ones in triangles on the ERB scale."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn


class ERBBands(nn.Module):
    """`kept` bins and `merged` bands of the others: (.., bin) to (.., kept + merged), and back by the transpose.

    Band b is a triangle over the bins e[b-1] .. e[b+1] with its tip at e[b]; the edges e are equally far apart on

        ERB(f) = 21.4 log10(1 + 0.00437 f)

    from bin `kept` to the last. Weights follow from these numbers and are not stored.
    """

    matrix: Tensor

    def __init__(self, num_bins: int, kept: int, merged: int, rate_hz: int) -> None:
        super().__init__()
        self.kept, self.num_bands = kept, kept + merged
        per_bin_hz = rate_hz / 2 / (num_bins - 1)
        first, last = (21.4 * math.log10(1 + 0.00437 * per_bin_hz * bin_) for bin_ in (kept, num_bins - 1))
        edges_hz = (10 ** (np.linspace(first, last, merged) / 21.4) - 1) / 0.00437
        edges = np.round(edges_hz / per_bin_hz)
        rows = np.stack([np.interp(np.arange(kept, num_bins), edges, tip) for tip in np.eye(merged)])
        self.register_buffer("matrix", torch.from_numpy(rows).float(), persistent=False)

    def merge(self, spectrum: Tensor) -> Tensor:
        """Bands (.., band) of bins (.., bin)."""
        return torch.cat((spectrum[..., : self.kept], spectrum[..., self.kept :] @ self.matrix.t()), -1)

    def split(self, bands: Tensor) -> Tensor:
        """Bins (.., bin) of bands (.., band)."""
        return torch.cat((bands[..., : self.kept], bands[..., self.kept :] @ self.matrix), -1)
