"""Cut the speech of a split into crops of one length; short clips of a speaker are joined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfkd_core.data.audio_store import AudioPart

Ints = NDArray[np.int64]

PIECE = np.dtype([("clip", "<i4"), ("start", "<i4"), ("at", "<i4"), ("length", "<i4")])  # the last three in frames
GAP_FRAMES = 10  # 100 ms of silence between clips of one speaker


@dataclass(frozen=True)
class Segments:
    """Crops of speech: segment i is pieces[first[i] : first[i + 1]], laid out at `at`."""

    pieces: NDArray[np.void]
    first: Ints  # (segment + 1,)
    num_active: Ints  # (segment,): active frames

    @classmethod
    def none(cls) -> Segments:
        """No segments, to which others are added."""
        return cls(np.zeros(0, PIECE), np.zeros(1, np.int64), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.num_active)

    @property
    def clips(self) -> Ints:
        """The clip that each segment starts with."""
        return self.pieces["clip"][self.first[:-1]].astype(np.int64)

    def take(self, order: Ints) -> Segments:
        """The segments at `order`, in that order."""
        counts = np.diff(self.first)[order]
        first = _before(counts)
        inside = np.arange(first[-1]) - np.repeat(first[:-1], counts)
        return Segments(self.pieces[np.repeat(self.first[order], counts) + inside], first, self.num_active[order])

    def __add__(self, other: Segments) -> Segments:
        return Segments(
            np.concatenate([self.pieces, other.pieces]),
            np.concatenate([self.first, other.first[1:] + self.first[-1]]),
            np.concatenate([self.num_active, other.num_active]),
        )


def cut(
    part: AudioPart, clips: Ints, speakers: Ints, rng: np.random.Generator, *, length: int, gap: int, min_active: int
) -> Segments:
    """One pass over the speech: segments that do not overlap, each with `min_active` active frames or more.

    Long clips are cut back to back from a random phase; clips under `length` frames are shuffled,
    joined speaker by speaker with `gap` frames between, and cut where a segment is full.
    `speakers`: (clip,), aligned with `clips`. Another draw from `rng` gives another pass.
    """
    frames = part.num_frames[clips]
    phase, shuffle = rng.random(len(clips)), rng.random(len(clips))
    long = frames >= length
    counts = frames[long] // length
    offset = (phase[long] * (frames[long] - counts * length + 1)).astype(np.int64)
    within = np.arange(counts.sum()) - np.repeat(_before(counts)[:-1], counts)
    pieces = np.zeros(len(within), PIECE)
    pieces["clip"] = np.repeat(clips[long], counts)
    pieces["start"] = np.repeat(offset, counts) + within * length
    pieces["length"] = length
    found = _segments(part, pieces, np.arange(len(pieces)))
    short = np.flatnonzero(~long & (frames > 0))
    # neighbours change with every pass, so that no joint is learnt
    order = short[np.lexsort((shuffle[short], speakers[short]))]
    if not len(order):
        return found.take(np.flatnonzero(found.num_active >= min_active))

    # the clips of each speaker lie on a line, which is cut every `length` frames
    clips, speakers, frames = clips[order], speakers[order], frames[order]
    position = _before(frames + gap)[:-1]
    new_speaker = np.flatnonzero(np.diff(speakers, prepend=speakers[0] - 1))
    line = np.cumsum(np.diff(speakers, prepend=speakers[0]) != 0)
    position = position - position[new_speaker][line]
    window, at = position // length, position % length
    head = np.minimum(frames, length - at)
    tail = np.flatnonzero(frames > head)
    pieces = np.zeros(len(clips) + len(tail), PIECE)
    pieces["clip"] = np.concatenate([clips, clips[tail]])
    pieces["start"] = np.concatenate([np.zeros_like(head), head[tail]])
    pieces["at"] = np.concatenate([at, np.zeros_like(tail)])
    pieces["length"] = np.concatenate([head, (frames - head)[tail]])
    # room for the window that a tail reaches into, and for the one after the speaker's last
    windows_before = _before(np.maximum.reduceat(window, new_speaker) + 2)
    segment = windows_before[np.concatenate([line, line[tail]])] + np.concatenate([window, window[tail] + 1])
    order = np.lexsort((pieces["at"], segment))
    found = found + _segments(part, pieces[order], np.unique(segment[order], return_inverse=True)[1])
    return found.take(np.flatnonzero(found.num_active >= min_active))


def _segments(part: AudioPart, pieces: NDArray[np.void], segment: Ints) -> Segments:
    """Group pieces, sorted by `segment` (counted from 0), and count the active frames of each group."""
    clips, start, length = (pieces[name].astype(np.int64) for name in ("clip", "start", "length"))
    active = part.num_active(clips, start, length)
    counts = np.bincount(segment).astype(np.int64)
    return Segments(pieces, _before(counts), np.bincount(segment, weights=active).astype(np.int64))


def _before(counts: Ints) -> Ints:
    """Running sum that starts with 0: where each group begins, and where the last one ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
