"""What STOI and ESTOI share: third-octave envelopes of the active frames, in segments of 384 ms.

Taal, Hendriks, Heusdens, Jensen (2011), with the constants and framing of the reference implementation. Written in
numpy: the usual package needs scipy.signal (67 MB a process) and dithers ESTOI from the global generator.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dfkd_core.metrics.base import Waveform, checked, is_silent
from dfkd_core.signal.overlap_add import overlap_add_halves

Array = NDArray[np.float64]

RATE_HZ = 10_000
FRAME_SAMPLES, HOP_SAMPLES, NUM_FFT = 256, 128, 512
NUM_BANDS, LOWEST_BAND_HZ = 15, 150.0
SEGMENT_FRAMES = 30
DYNAMIC_RANGE_DB = 40.0
EPS = float(np.finfo(np.float64).eps)

_UP, _DOWN = 5, 8  # 16 kHz to 10 kHz
_REJECTION_DB, _ROLL_OFF = 60.0, 1 / 160
_WINDOW = np.hanning(FRAME_SAMPLES + 2)[1:-1]

SegmentPair = tuple[Array, Array] | None
_Kept = dict[tuple[int, int], tuple[Waveform, Waveform, SegmentPair]]
_shared: ContextVar[_Kept | None] = ContextVar("shared_segments", default=None)


@contextmanager
def shared_segments() -> Iterator[None]:
    """Inside, a pair of signals is cut into segments once, for both metrics; the signals must not change."""
    token = _shared.set({})
    try:
        yield
    finally:
        _shared.reset(token)


def segments(estimate: Waveform, clean: Waveform) -> SegmentPair:
    """Envelopes (segment, band, frame) of estimate and clean, or None under 30 active frames (0.4 s).

    A silent estimate has envelopes of zero.
    """
    kept, key = _shared.get(), (id(estimate), id(clean))
    if kept is None:
        return _segments(estimate, clean)
    if key not in kept:
        kept[key] = estimate, clean, _segments(estimate, clean)  # with the signals, lest others be given their ids
    return kept[key][2]


def _segments(estimate: Waveform, clean: Waveform) -> SegmentPair:
    signals = checked(estimate, clean)
    heard = 0.0 if is_silent(*signals) else 1.0
    pair = [framed(resample(signal)) * _WINDOW for signal in (heard * signals[0], signals[1])]
    energy_db = 20 * np.log10(np.linalg.norm(pair[1], axis=1) + EPS)
    if not energy_db.size or not clean.any():
        return None
    active = energy_db > energy_db.max() - DYNAMIC_RANGE_DB
    envelopes = [band_envelopes(overlap_add_halves(frames[active])) for frames in pair]
    if len(envelopes[0]) < SEGMENT_FRAMES:
        return None
    cut = [sliding_window_view(envelope, SEGMENT_FRAMES, axis=0) for envelope in envelopes]
    return cut[0], cut[1]


def framed(signal: Array) -> Array:
    """Frames (frame, 256) every 128 samples; the reference leaves out a frame that ends with the signal."""
    count = max(0, -(-(len(signal) - FRAME_SAMPLES) // HOP_SAMPLES))
    if not count:
        return np.zeros((0, FRAME_SAMPLES))
    return sliding_window_view(signal, FRAME_SAMPLES)[::HOP_SAMPLES][:count]


def band_envelopes(signal: Array) -> Array:
    """Root energies in third-octave bands, (frame, band)."""
    power = np.abs(np.fft.rfft(framed(signal) * _WINDOW, NUM_FFT)) ** 2
    envelopes: Array = np.sqrt(power @ band_matrix().T)
    return envelopes


@functools.cache
def band_matrix() -> Array:
    """Which FFT bins make up which band, (band, bin): edges at centre * 2^(+-1/6), moved to the nearest bin."""
    bins_hz = np.linspace(0, RATE_HZ, NUM_FFT + 1)[: NUM_FFT // 2 + 1]
    edges_hz = LOWEST_BAND_HZ * 2 ** ((2 * np.arange(NUM_BANDS + 1) - 1) / 6)
    edges = np.abs(bins_hz[None] - edges_hz[:, None]).argmin(axis=1)
    bins = np.arange(len(bins_hz))
    inside: Array = ((bins >= edges[:-1, None]) & (bins < edges[1:, None])).astype(np.float64)
    return inside


def unit(envelope: Array, axis: int) -> Array:
    """Envelopes (segment, band, frame) without mean and of norm one along an axis."""
    centred = envelope - envelope.mean(axis=axis, keepdims=True)
    normed: Array = centred / (np.linalg.norm(centred, axis=axis, keepdims=True) + EPS)
    return normed


def resample(signal: Array) -> Array:
    """16 kHz to 10 kHz by the reference's Kaiser filter, (time,)."""
    taps, first = _polyphase()
    length = -(-len(signal) * _UP // _DOWN)
    padded = np.pad(signal, (-first, len(taps) + _DOWN))
    windows = sliding_window_view(padded, len(taps))[::_DOWN]
    resampled: Array = (windows @ taps).reshape(-1)[:length]
    return resampled


@functools.cache
def _polyphase() -> tuple[Array, int]:
    """Taps (input, phase) for five output samples at once, and the offset of the first input sample."""
    half = int(np.ceil((_REJECTION_DB - 8) / (28.714 * _ROLL_OFF)))
    time = np.arange(-half, half + 1)
    prototype = np.kaiser(2 * half + 1, 0.1102 * (_REJECTION_DB - 8.7)) * np.sinc(time / _DOWN)
    prototype *= _UP / prototype.sum()
    phases = np.arange(_UP)
    first = -(half // _UP)
    last = (_DOWN * (_UP - 1) + half) // _UP
    index = _DOWN * phases[None] + half - _UP * np.arange(first, last + 1)[:, None]
    inside = (index >= 0) & (index <= 2 * half)
    return np.where(inside, prototype[np.clip(index, 0, 2 * half)], 0.0), first
