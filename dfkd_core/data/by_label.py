"""Draw clips by their label: the label first, then a clip of it, then where to start."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dfkd_core.data.audio_store import AudioPart
from dfkd_core.data.manifest import Kind
from dfkd_core.errors import DataError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

TRIES = 8  # starts drawn for one crop: the first that is not silent is taken
MIN_ACTIVE_SHARE = 0.1
BLOCK = 4096  # crops


class ClipsByLabel:
    """The clips of a kind by label: noise by family, speech by speaker, impulse responses by room.

    Drawn by clip, one file type or one speaker would dominate.
    """

    def __init__(self, part: AudioPart, kind: Kind = "noise") -> None:
        self._part = part
        clips = part.of_kind(kind)
        if not len(clips):
            raise DataError(f"{part.where}: holds no {kind} that can be heard; add {kind} audio")
        labels = np.array([part.clips[i].label for i in clips])
        self.names, numbers = np.unique(labels, return_inverse=True)
        order = np.argsort(numbers, kind="stable")
        self._clips = clips[order]
        self._sizes = np.bincount(numbers)
        self._first = np.concatenate([[0], np.cumsum(self._sizes)])

    def draw_labels(self, count: int, rng: np.random.Generator) -> Ints:
        """Uniform over labels, (count,)."""
        return (rng.random(count) * len(self.names)).astype(np.int64)

    def deal_labels(self, count: int, rng: np.random.Generator) -> Ints:
        """Every label equally often, up to one, in random order, (count,)."""
        rounds = -(-count // len(self.names))
        dealt = np.argsort(rng.random((rounds, len(self.names))), axis=1, kind="stable")
        return dealt.reshape(-1)[:count]

    def draw_clips(self, labels: Ints, rng: np.random.Generator) -> Ints:
        """A clip of each label, uniform within it."""
        inside = (rng.random(len(labels)) * self._sizes[labels]).astype(np.int64)
        clips: Ints = self._clips[self._first[labels] + inside]
        return clips

    def draw_starts(self, clips: Ints, length: int, rng: np.random.Generator) -> Ints:
        """First frame of each crop; a clip under `length` frames is looped, from any frame of it."""
        # in blocks, since tries take eight times the memory of what they choose from
        chosen = [np.zeros(0, np.int64)]
        for block in (clips[first : first + BLOCK] for first in range(0, len(clips), BLOCK)):
            frames = self._part.num_frames[block]
            # a looped clip is heard whole, so only crops of long clips can miss its sound
            fits = frames >= length
            room = np.where(fits, frames - length + 1, frames)
            starts = (rng.random((len(block), TRIES)) * room[:, None]).astype(np.int64)
            last = np.where(fits, length, 0)
            heard = self._part.num_active(block[:, None], np.where(fits[:, None], starts, 0), last[:, None])
            best = np.argmax(np.minimum(heard, int(MIN_ACTIVE_SHARE * length)), axis=1)
            chosen.append(starts[np.arange(len(block)), best])
        return np.concatenate(chosen)
