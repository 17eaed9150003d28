"""Where a clip is active, after the method of ITU-T P.56, in integer arithmetic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FRAME_SAMPLES = 160  # 10 ms at 16 kHz: the grid on which crops start
FRAMES_PER_S = 100
BLOCK = 6000  # frames
MARGIN = 39  # a frame is loud above the active level minus 15.9 dB (energy ratio 39)
HANGOVER_FRAMES = 20  # pauses under 200 ms belong to the speech around them


def active_frames(samples: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Which 10 ms frames of (time,) are active, as (time // 160,).

    The active level is the mean energy of the loud frames, itself found by iteration. Sums of
    squares are exact in int64, so every machine finds the same frames.
    """
    num_frames = len(samples) // FRAME_SAMPLES
    framed = samples[: num_frames * FRAME_SAMPLES].reshape(num_frames, FRAME_SAMPLES)
    energy = np.empty(num_frames, np.int64)
    for first in range(0, num_frames, BLOCK):  # in blocks, for int64 is four times the signal
        block = framed[first : first + BLOCK].astype(np.int64)
        energy[first : first + BLOCK] = np.einsum("ft,ft->f", block, block)
    loud: NDArray[np.bool_] = energy > 0
    for _ in range(4):
        if not loud.any():
            break
        loud = energy * MARGIN > int(energy[loud].sum()) // int(loud.sum())
    # each loud frame keeps the next HANGOVER_FRAMES - 1 active
    count = np.concatenate([np.zeros(1, np.int64), np.cumsum(loud)])
    frame = np.arange(num_frames)
    held: NDArray[np.bool_] = count[frame + 1] > count[np.maximum(frame + 1 - HANGOVER_FRAMES, 0)]
    return held
