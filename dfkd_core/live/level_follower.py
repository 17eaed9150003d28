"""The level of a stream, frame by frame: a student hears no offset, and what is as loud as in training."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from dfkd_core.data.config import DataConfig, LowHigh
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.level import CLICK, CLICK_SAMPLES, HIGHEST_PEAK, OFFSET_SHARE, Samples

LEVELS_DBFS: Final[LowHigh] = DataConfig().level_dbfs  # of the mixtures that students are trained on by default
REMEMBERED_S = 10  # over which the level is a mean: louder than a word, shorter than a talk
EVIDENCE_S = 0.2  # of sound before anything is made of it
SILENCE = 1e-12  # mean square, -120 dBFS


class LevelFollower:
    """The gain of each frame, and the offset that is taken off first.

    m_k = m_{k-1} + (mean(x_k) - m_{k-1}) / n,  q_k likewise of the mean square,  n = min(k, pieces in 10 s)

    over all pieces x_k of 20 ms that hold sound, clicks left out as in files: a piece counts once three more are there.
    The level is q - m^2, and within `level_dbfs` nothing is changed; outside the gain brings it to the nearer bound.
    A raised frame's peak stays under full scale. The first quarter of a second is heard as it is.
    """

    def __init__(self, hop_samples: int, level_dbfs: LowHigh) -> None:
        self._lowest, self._highest = (10 ** (level / 20) for level in level_dbfs)
        self._hop, self._hops = hop_samples, -(-CLICK_SAMPLES // hop_samples)  # of a piece
        per_second = SAMPLE_RATE_HZ / (self._hops * hop_samples)
        self._most, self._least = REMEMBERED_S * per_second, EVIDENCE_S * per_second
        self._new: list[Samples] = []
        self._pieces = deque([(0.0, 0.0)] * 7, maxlen=7)  # mean and mean square of the latest
        self._count, self._mean, self._square = 0, 0.0, 0.0

    def gain_and_offset(self, frame: Samples) -> tuple[float, float]:
        """What to do with a frame (time,), whose last `hop_samples` samples are new."""
        self._new.append(frame[-self._hop :])
        if len(self._new) == self._hops:
            piece = np.concatenate(self._new, dtype=np.float64)
            self._new.clear()
            self._pieces.append((float(piece.mean()), float(piece @ piece) / len(piece)))
            self._count_piece()
        if self._count < self._least:
            return 1.0, 0.0
        offset = self._mean if self._mean**2 >= OFFSET_SHARE * self._square else 0.0
        level = max(self._square - self._mean**2, SILENCE) ** 0.5
        if level >= self._lowest:
            return min(1.0, self._highest / level), offset
        peak = max(float(np.abs(frame - np.float32(offset)).max()), SILENCE)
        return max(1.0, min(self._lowest / level, HIGHEST_PEAK / peak)), offset

    def _count_piece(self) -> None:
        """Count the piece that three follow, unless it is silent or stands out of those two and three away."""
        mean, square = self._pieces[3]
        if SILENCE < square <= CLICK * max(self._pieces[i][1] for i in (0, 1, 5, 6)):
            self._count += 1
            count = min(self._count, self._most)
            self._mean += (mean - self._mean) / count
            self._square += (square - self._square) / count
