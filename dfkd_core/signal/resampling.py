"""Band-limited resampling of any ratio in bounded memory, and convolution: the one door to torchaudio."""

from __future__ import annotations

import functools
import math
import sys
import threading
import types
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

# of the resampler: zero crossings, share of the lower Nyquist frequency, shape of the Kaiser window
FILTER_WIDTH, ROLLOFF, BETA = 64, 0.9475937, 14.7696566
BLOCK_FRAMES = 4_000  # of the shortest piece that becomes a whole number of samples, resampled at a time
MOST_TAPS = 2_000_000  # of a filter for every phase at once: 44.1 kHz to 16 kHz has 0.1 million, 24,414 Hz 100 million
BLOCK_TAPS = 1_000_000  # worked out at a time where there are more
TABLE_STEPS = 4_096  # of the filter to a zero crossing, for the latter

_import_lock = threading.Lock()


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Band-limited resampling along the last axis (Kaiser-windowed sinc, 64 zero crossings).

    The length becomes ceil(time * to_hz / from_hz). Worked out in float64, so that the order of its
    sums, which differs between machines, does not reach the float32 result.
    """
    if from_hz == to_hz:
        return samples
    reach, unit, made = _reach(from_hz, to_hz), *_ratio(from_hz, to_hz)
    if made * (2 * reach + unit) > MOST_TAPS:
        return _resample_by_position(samples, from_hz, to_hz)
    length, margin = samples.shape[-1], _margin(from_hz, to_hz)
    step = BLOCK_FRAMES * unit
    if length <= step + margin:
        return _resample_at_once(samples, from_hz, to_hz)
    # torchaudio unfolds a signal for its convolution: all at once, 30 s at 48 kHz would take 1.5 GB
    blocks = []
    for start in range(0, length, step):
        first = max(0, start - margin)
        block = _resample_at_once(samples[..., first : start + step + margin], from_hz, to_hz)
        blocks.append(block[..., (start - first) * to_hz // from_hz :][..., : step * to_hz // from_hz])
    return np.concatenate(blocks, axis=-1)


def resampled_blocks(blocks: Iterable[Samples], from_hz: int, to_hz: int) -> Iterator[Samples]:
    """Resample a signal that comes in blocks (..., time): the blocks of the result are those of the whole resampled."""
    if from_hz == to_hz:
        yield from blocks
        return
    margin = _margin(from_hz, to_hz)
    held: Samples | None = None
    lead = 0
    for block in blocks:
        held = block if held is None else np.concatenate([held, block], axis=-1)
        ready = (held.shape[-1] - lead - margin) // margin * margin
        if ready <= margin:
            continue
        done = resample(held[..., : lead + ready + margin], from_hz, to_hz)
        yield done[..., lead * to_hz // from_hz : (lead + ready) * to_hz // from_hz]
        held, lead = held[..., lead + ready - margin :], margin
    if held is not None:
        yield resample(held, from_hz, to_hz)[..., lead * to_hz // from_hz :]


def convolve(samples: Samples, response: Samples) -> Samples:
    """(time,) through an impulse response (tap,), whole: time + tap - 1 samples; in float64 as `resample`."""
    import torch

    signals = (torch.from_numpy(np.asarray(signal, np.float64)) for signal in (samples, response))
    convolved: Samples = _torchaudio().functional.fftconvolve(*signals).numpy().astype(np.float32)
    return convolved


def _ratio(from_hz: int, to_hz: int) -> tuple[int, int]:
    """The fewest samples that become a whole number of samples, and that number."""
    common = math.gcd(from_hz, to_hz)
    return from_hz // common, to_hz // common


def _reach(from_hz: int, to_hz: int) -> int:
    """What the filter reaches to either side, in samples."""
    return math.ceil(FILTER_WIDTH / ROLLOFF * max(1, from_hz / to_hz))


def _margin(from_hz: int, to_hz: int) -> int:
    """What the filter reaches to either side, in samples that become a whole number of samples."""
    unit, _ = _ratio(from_hz, to_hz)
    return unit * (_reach(from_hz, to_hz) // unit + 2)


def _resample_at_once(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    import torch

    out = _torchaudio().functional.resample(
        torch.from_numpy(np.asarray(samples, np.float64)),
        from_hz,
        to_hz,
        resampling_method="sinc_interp_kaiser",
        lowpass_filter_width=FILTER_WIDTH,
        rolloff=ROLLOFF,
        beta=BETA,
    )
    resampled: Samples = out.numpy().astype(np.float32)
    return resampled


def _resample_by_position(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """The same filter, worked out where each sample falls: for ratios of which a filter a phase would fill the memory.

    y[n] = c sum_k x[k] w(c (k - n from/to)),   c = rolloff min(1, to/from),   w(t) = sinc(t) kaiser(t / 64)
    """
    unit, made = _ratio(from_hz, to_hz)
    reach, scale = _reach(from_hz, to_hz), ROLLOFF * min(1.0, to_hz / from_hz)
    taps, table = np.arange(-reach, reach + 1), _kernel_table()
    length = -(-samples.shape[-1] * made // unit)
    padded = np.pad(np.asarray(samples, np.float64), [(0, 0)] * (samples.ndim - 1) + [(reach, reach + 1)])
    resampled = np.empty((*samples.shape[:-1], length), np.float32)
    step = max(1, BLOCK_TAPS // len(taps))
    for first in range(0, length, step):
        # whole samples and the rest of a sample apart, in integers: a place late in a long signal is as exact
        whole, rest = np.divmod(np.arange(first, min(first + step, length), dtype=np.int64) * unit, made)
        place = np.abs(TABLE_STEPS * scale * (taps - rest[:, None] / made))
        left = place.astype(np.int64)
        kernel = table[left]
        kernel += (place - left) * (table[left + 1] - kernel)
        heard = padded[..., whole[:, None] + reach + taps]
        resampled[..., first : first + step] = scale * np.einsum("...nk,nk->...n", heard, kernel)
    return resampled


@functools.cache
def _kernel_table() -> NDArray[np.float64]:
    """w(t) at t = 0, 1/TABLE_STEPS, ... and zeros as far as the outermost taps reach; linear between: to 1e-7."""
    time = np.arange((FILTER_WIDTH + 2) * TABLE_STEPS + 2) / TABLE_STEPS
    inside = np.sqrt(np.maximum(0.0, 1.0 - np.square(time / FILTER_WIDTH)))
    return np.where(time < FILTER_WIDTH, np.sinc(time) * np.i0(BETA * inside) / np.i0(BETA), 0.0)


def _torchaudio() -> Any:
    """torchaudio, loaded once: threads that decode side by side would see it half imported."""
    with _import_lock:
        return _import_torchaudio()


@functools.cache
def _import_torchaudio() -> Any:
    """torchaudio, without its native extension where that cannot load.

    PyPI's Linux wheel links CUDA libraries that a CPU-only torch does not bring (OSError); the pure
    Python part, which holds the resampler, works without them.
    """
    try:
        import torchaudio
    except OSError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
            del sys.modules[name]

        def unavailable(*_: object, **__: object) -> None:
            raise RuntimeError("torchaudio's native extension is not available on this machine")

        stub: Any = types.ModuleType("torchaudio._extension")
        stub._IS_TORCHAUDIO_EXT_AVAILABLE = False
        stub._IS_ALIGN_AVAILABLE = False
        stub._check_cuda_version = lambda: None
        stub.fail_if_no_align = lambda function: unavailable
        sys.modules["torchaudio._extension"] = stub
        import torchaudio
    return torchaudio
