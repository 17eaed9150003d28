"""Read, write and resample audio: the one door to soundfile and torchaudio."""

from __future__ import annotations

import functools
import logging
import math
import os
import sys
import threading
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from dfkd_core.errors import DataError
from dfkd_core.signal import SAMPLE_RATE_HZ

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff"})

FILTER_WIDTH, ROLLOFF = 64, 0.9475937  # of the resampler: zero crossings, share of the lower Nyquist frequency
BLOCK_FRAMES = 4_000  # of the shortest piece that becomes a whole number of samples, resampled at a time

Samples = NDArray[np.float32]

_log = logging.getLogger(__name__)
_import_lock = threading.Lock()


class AudioInfo(NamedTuple):
    """What a file's header says."""

    seconds: float
    rate_hz: int
    num_channels: int
    log: str = ""  # libsndfile's own words


def info(path: str | Path) -> AudioInfo:
    """Read a file's header; DataError names a file that is unreadable or empty."""
    try:
        header = soundfile.info(str(path))
    except (soundfile.SoundFileError, OSError) as error:
        raise DataError(f"{path}: cannot be read as audio ({_reason(path, error)}); repair or remove it") from error
    if header.frames <= 0:
        raise DataError(f"{path}: holds no samples; remove it")
    return AudioInfo(header.frames / header.samplerate, header.samplerate, header.channels, header.extra_info)


def read_channels(path: str | Path) -> tuple[Samples, int]:
    """Read (channels, time) in [-1, 1] and the rate in Hz.

    DataError names a file that is unreadable, empty or holds NaN or infinity.
    """
    try:
        samples, rate_hz = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise DataError(f"{path}: cannot be read as audio ({_reason(path, error)}); repair or remove it") from error
    if not samples.size:
        raise DataError(f"{path}: holds no samples; remove it")
    if not np.isfinite(samples).all():
        raise DataError(f"{path}: samples must be finite, but it holds NaN or infinity; repair or remove it")
    return np.ascontiguousarray(samples.T), int(rate_hz)


def read_block(path: str | Path, start_samples: int, num_samples: int) -> Samples:
    """Read a part of a file as (channels, time), shorter where the file ends; errors as `read_channels`."""
    try:
        with soundfile.SoundFile(str(path)) as file:
            file.seek(min(start_samples, file.frames))
            samples = file.read(num_samples, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise DataError(f"{path}: cannot be read as audio ({_reason(path, error)}); repair or remove it") from error
    if not np.isfinite(samples).all():
        raise DataError(f"{path}: samples must be finite, but it holds NaN or infinity; repair or remove it")
    return np.ascontiguousarray(samples.T)


def read_blocks(path: str | Path, num_samples: int) -> Iterator[Samples]:
    """Read a file from its start in blocks (channels, time), the last one shorter; errors as `read_channels`."""
    try:
        for block in soundfile.blocks(str(path), num_samples, dtype="float32", always_2d=True):
            if not np.isfinite(block).all():
                raise DataError(f"{path}: samples must be finite, but it holds NaN or infinity; repair or remove it")
            yield np.ascontiguousarray(block.T)
    except (soundfile.SoundFileError, OSError) as error:
        raise DataError(f"{path}: cannot be read as audio ({_reason(path, error)}); repair or remove it") from error


def read_audio(path: str | Path, *, rate: int = SAMPLE_RATE_HZ) -> Samples:
    """Read a file as mono (time,) at `rate` Hz; errors as `read_channels`."""
    return mono(*read_channels(path), rate=rate)


def mono(channels: Samples, from_hz: int, *, rate: int = SAMPLE_RATE_HZ) -> Samples:
    """The mean over channels of (channels, time), resampled to `rate` Hz; told once per rate."""
    if from_hz != rate:
        _tell_rate(from_hz, rate)
    mean = channels[0] if len(channels) == 1 else channels.mean(axis=0, dtype=np.float32)
    return resample(mean, from_hz, rate)


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Band-limited resampling along the last axis (Kaiser-windowed sinc, 64 zero crossings).

    The length becomes ceil(time * to_hz / from_hz). Worked out in float64, so that the order of its
    sums, which differs between machines, does not reach the float32 result.
    """
    if from_hz == to_hz:
        return samples
    length, margin = samples.shape[-1], _margin(from_hz, to_hz)
    step = BLOCK_FRAMES * (from_hz // math.gcd(from_hz, to_hz))
    if length <= step + margin:
        return _resample_at_once(samples, from_hz, to_hz)
    # torchaudio unfolds a signal for its convolution: all at once, 30 s at 48 kHz would take 1.5 GB
    blocks = []
    for start in range(0, length, step):
        first = max(0, start - margin)
        block = _resample_at_once(samples[..., first : start + step + margin], from_hz, to_hz)
        blocks.append(block[..., (start - first) * to_hz // from_hz :][..., : step * to_hz // from_hz])
    return np.concatenate(blocks, axis=-1)


def _margin(from_hz: int, to_hz: int) -> int:
    """What the filter reaches to either side, in samples that become a whole number of samples."""
    unit = from_hz // math.gcd(from_hz, to_hz)
    reach = math.ceil(FILTER_WIDTH / ROLLOFF * max(1, from_hz / to_hz))
    return unit * (reach // unit + 2)


def _resample_at_once(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    import torch

    kaiser_best = {"lowpass_filter_width": FILTER_WIDTH, "rolloff": ROLLOFF, "beta": 14.7696566}
    out = _torchaudio().functional.resample(
        torch.from_numpy(np.asarray(samples, np.float64)),
        from_hz,
        to_hz,
        resampling_method="sinc_interp_kaiser",
        **kaiser_best,
    )
    resampled: Samples = out.numpy().astype(np.float32)
    return resampled


def convolve(samples: Samples, response: Samples) -> Samples:
    """(time,) through an impulse response (tap,), whole: time + tap - 1 samples; in float64 as `resample`."""
    import torch

    signals = (torch.from_numpy(np.asarray(signal, np.float64)) for signal in (samples, response))
    convolved: Samples = _torchaudio().functional.fftconvolve(*signals).numpy().astype(np.float32)
    return convolved


def resampled_blocks(blocks: Iterable[Samples], from_hz: int, to_hz: int) -> Iterator[Samples]:
    """Resample a signal that comes in blocks (time,): the blocks of the result are those of the whole resampled."""
    margin = _margin(from_hz, to_hz)
    held, lead = np.zeros(0, np.float32), 0
    for block in blocks:
        held = np.concatenate([held, block])
        ready = (len(held) - lead - margin) // margin * margin
        if ready <= margin:
            continue
        done = resample(held[: lead + ready + margin], from_hz, to_hz)
        yield done[lead * to_hz // from_hz : (lead + ready) * to_hz // from_hz]
        held, lead = held[lead + ready - margin :], margin
    yield resample(held, from_hz, to_hz)[lead * to_hz // from_hz :]


def write_audio(path: str | Path, samples: Samples, rate: int = SAMPLE_RATE_HZ, *, subtype: str | None = None) -> None:
    """Write (time,) or (channels, time) in the format of the suffix, 16 bits unless `subtype` says otherwise.

    A reader never sees half a file: it is written under a temporary name and renamed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        soundfile.write(str(partial), np.asarray(samples).T, rate, subtype=subtype)
        partial.replace(path)
    except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
        raise DataError(f"{path}: cannot be written as audio ({_reason(path, error)})") from error
    finally:
        partial.unlink(missing_ok=True)


def write_blocks(path: str | Path, blocks: Iterable[Samples], like: str | Path) -> None:
    """Write blocks (channels, time) one behind the other, with the rate and channels of the file `like`.

    The sample format is that of `like` where the suffix is the same, else the suffix's own. A reader never sees
    half a file: it is written under a temporary name and renamed.
    """
    info(like)  # tells what is wrong with it
    path, model = Path(path), soundfile.info(str(like))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    subtype = model.subtype if path.suffix.lower() == Path(like).suffix.lower() else None
    try:
        with soundfile.SoundFile(str(partial), "w", model.samplerate, model.channels, subtype) as file:
            for block in blocks:
                file.write(block.T)
        partial.replace(path)
    except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
        raise DataError(f"{path}: cannot be written as audio ({_reason(path, error)})") from error
    finally:
        partial.unlink(missing_ok=True)


def _reason(path: str | Path, error: Exception) -> str:
    """The library's reason without the path, which the message names already."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if not Path(path).exists():
        return "no such file"
    # libsndfile has no words for a stream that breaks off or fails its checksum
    return str(getattr(error, "error_string", error)).strip().rstrip(".") or "its content is damaged"


@functools.cache
def _tell_rate(from_hz: int, to_hz: int) -> None:
    _log.info("audio at %d Hz is resampled to %d Hz", from_hz, to_hz)


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
        sys.modules["torchaudio._extension"] = _extension_stub()
        import torchaudio
    return torchaudio


def _extension_stub() -> types.ModuleType:
    """What torchaudio expects of its extension module, saying that nothing native is there."""

    def unavailable(*_: object, **__: object) -> None:
        raise RuntimeError("torchaudio's native extension is not available on this machine")

    stub: Any = types.ModuleType("torchaudio._extension")
    stub._IS_TORCHAUDIO_EXT_AVAILABLE = False
    stub._IS_ALIGN_AVAILABLE = False
    stub._check_cuda_version = lambda: None
    stub.fail_if_no_align = lambda function: unavailable
    return stub  # type: ignore[no-any-return]
