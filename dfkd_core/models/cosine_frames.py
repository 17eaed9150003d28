"""Begin learned frames as a lapped cosine transform, which loses nothing, and not as noise."""

from __future__ import annotations

import math

import torch

from dfkd_core.models.learned_frames import LearnedFrames

PASSING_MASK = 0.5  # what a mask must be to give the signal back as it came


@torch.no_grad()
def start_as_cosines(frames: LearnedFrames) -> None:
    """Set analysis and synthesis to windowed cosines, (filter, sample) and its transpose over `PASSING_MASK`.

        u_k(m) = sqrt(4 S / (B L)) cos(pi m / L) cos(pi (k + 1/2) m / B + 3/2 pi (k + 1/2)),   B = max(N, L / 2)

    N filters, L samples in a window around m = 0, S the stride. N = S = L / 2 is the modified discrete cosine
    transform (Princen & Bradley 1986), whose aliasing cancels between frames; N >= L has none. Of fewer filters than
    L / 2 the lowest bands are there, where speech is.
    """
    num_filters, _, window = frames.analysis.weight.shape
    bands = max(num_filters, window // 2)
    time = torch.arange(window) + 0.5 - window / 2
    band = torch.arange(num_filters)[:, None] + 0.5
    bank = torch.cos(math.pi / window * time) * torch.cos(math.pi * band * (time / bands + 1.5))
    bank *= math.sqrt(4 * frames.stride / (bands * window))
    frames.analysis.weight.copy_(bank[:, None])
    frames.synthesis.weight.copy_(bank.T[..., None] / PASSING_MASK)
