"""A signal of any length through a model that hears all of what it is given: in chunks that fade into one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.level import Samples, at_reference_level
from dfkd_core.signal.resampling import resample

CHUNK_S = 20  # a longer signal is cut into chunks, so that an hour needs no more memory than these seconds
OVERLAP_S = 2  # of two chunks, one fading into the other: recurrent states have settled where a chunk is heard


def in_chunks(
    estimate: Callable[[Samples], Samples], blocks: Iterable[Samples], rate_hz: int, *, noisy_share: float = 0.0
) -> Iterator[Samples]:
    """What `estimate` makes of a signal that comes in blocks (channels, time) at `rate_hz`, in blocks of its own.

    Up to CHUNK_S + OVERLAP_S pass through it whole, brought to 16 kHz. Longer signals are cut into chunks that overlap
    by OVERLAP_S and are faded into one another. It hears each chunk as `at_reference_level` has it. Of the result
    `noisy_share` is the signal as it was, the rest the estimate.
    """
    hop, overlap = CHUNK_S * rate_hz, OVERLAP_S * rate_hz
    fade_in = np.linspace(0, 1, overlap, dtype=np.float32)
    held: Samples | None = None
    tail: Samples | None = None

    def enhanced(noisy: Samples) -> Samples:
        said = at_reference_level(estimate, resample(noisy, rate_hz, SAMPLE_RATE_HZ))
        # a copy: resampling at its own rate hands back what it was given
        clean = resample(said, SAMPLE_RATE_HZ, rate_hz)[:, : noisy.shape[1]].copy()
        if noisy_share:
            clean = np.float32(1 - noisy_share) * clean + np.float32(noisy_share) * noisy
        if tail is not None:
            clean[:, :overlap] = fade_in * clean[:, :overlap] + (1 - fade_in) * tail
        return clean

    for block in blocks:
        held = block if held is None else np.concatenate([held, block], axis=1)
        while held.shape[1] > hop + overlap:
            chunk = enhanced(held[:, : hop + overlap])
            held, tail = held[:, hop:], chunk[:, hop:]
            yield chunk[:, :hop]
    if held is not None:
        yield enhanced(held)


def in_pieces(estimate: Callable[[Samples], Samples], noisy: Samples, length: int) -> Samples:
    """What `estimate`, which takes signals of `length` samples alone, makes of (batch, time) of any length.

    In pieces that overlap by a quarter and fade into one another; the last is filled up with silence.
    """
    overlap, total = length // 4, noisy.shape[1]
    hop = length - overlap
    count = max(1, -(-(total - overlap) // hop))
    padded = np.pad(noisy, ((0, 0), (0, count * hop + overlap - total)))
    fade_in, joined = np.linspace(0, 1, overlap, dtype=np.float32), np.zeros_like(padded)
    for first in range(0, count * hop, hop):
        piece = estimate(padded[:, first : first + length]).copy()
        if first:
            piece[:, :overlap] *= fade_in
        if first + hop < count * hop:
            piece[:, hop:] *= 1 - fade_in
        joined[:, first : first + length] += piece
    return joined[:, :total]
