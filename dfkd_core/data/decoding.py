"""Decode clips into the files of an audio part."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from dfkd_core.base.allowance import allowed_cpus
from dfkd_core.base.atomic_files import sha256_file, write_atomic
from dfkd_core.base.cache import value_sha256
from dfkd_core.base.progress import Progress
from dfkd_core.data.activity import active_frames
from dfkd_core.data.damage import tolerate, whole_info
from dfkd_core.data.manifest import Clip, Manifest
from dfkd_core.errors import DataError
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import (
    AudioInfo,
    Samples,
    mono,
    read_blocks,
    read_channels,
)
from dfkd_core.signal.level import without_offset
from dfkd_core.signal.resampling import resampled_blocks

BATCH = 64  # clips in flight: bounds memory whatever the size of the corpus
LONG_S = 600  # what is longer is decoded in blocks
PIECE = 1 << 20  # samples that are rounded at a time


# what is told of clips that are not as they seem
OFFSET, OPPOSITE, SILENT, LOUD, NARROW = "offset", "opposite", "silent", "loud", "narrow"
NOTES: Final = {
    SILENT: "are silence throughout, or one constant, and are left out",
    OFFSET: "have an offset, which is taken out",
    OPPOSITE: "have channels of opposite phase, which would cancel: the first one is taken",
    LOUD: "hold samples over full scale, which are kept",
    NARROW: "are speech that ends at 4 kHz, from which no student learns to give back more",
}
CANCELLED: Final = 1e-3  # of the channels' power, under which their mean has lost the sound
NARROW_HZ, NARROW_SHARE, NARROW_S = 4_200, 10**-5.5, 10  # full-band speech has -40 dB above it, 16 bits -70 dB of noise

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decoded:
    """One clip: integers, what one of them is worth, where it is active, its source's hash, what to tell of it."""

    samples: NDArray[np.int16]
    step: float
    active: NDArray[np.bool_]
    sha256: bytes
    notes: tuple[str, ...] = ()


def decode(path: Path, *, first_channel: bool = False) -> Decoded:
    """Read a file to 16 kHz mono int16: the mean of its channels, without an offset; or the first of them as it is.

    The first one, too, of channels that would cancel. The hash is of the samples as the file holds them, before
    resampling, whose last bit differs between machines, and of what was done to them.
    """
    header = whole_info(path)
    rate_hz = header.rate_hz
    if header.seconds > LONG_S:
        return _decode_long(path, header, first_channel)
    channels, _ = read_channels(path)
    # shape and rate too: equal samples at another rate are another sound
    source = hashlib.sha256(f"{rate_hz} {channels.shape}".encode())
    source.update(channels.tobytes())
    opposite = not first_channel and _cancel(channels)
    signal = mono(channels[:1] if first_channel or opposite else channels, rate_hz)
    return _finished(signal, source, float(np.abs(channels).max()), first_channel, opposite)


def _decode_long(path: Path, header: AudioInfo, first_channel: bool) -> Decoded:
    """As `decode`, in blocks of a minute: an hour at 48 kHz in stereo would take gigabytes at once."""
    rate_hz = header.rate_hz
    source = hashlib.sha256(f"{rate_hz} {header.num_channels} in blocks".encode())
    opposite = not first_channel and _cancel(next(read_blocks(path, 60 * rate_hz)))
    peak = 0.0

    def blocks() -> Iterator[Samples]:
        nonlocal peak
        for channels in read_blocks(path, 60 * rate_hz):
            source.update(channels.tobytes())
            peak = max(peak, float(np.abs(channels).max()))
            yield mono(channels[:1] if first_channel or opposite else channels, rate_hz, rate=rate_hz)

    signal = np.concatenate(list(resampled_blocks(blocks(), rate_hz, SAMPLE_RATE_HZ)))
    return _finished(signal, source, peak, first_channel, opposite)


def _cancel(channels: Samples) -> bool:
    """Whether the mean of channels (channels, time) has lost what they hold."""
    if len(channels) == 1:
        return False
    power, left = (float(np.mean(np.square(x, dtype=np.float64))) for x in (channels, channels.mean(axis=0)))
    return power > 0 and left < CANCELLED * power


def _finished(signal: Samples, source: Any, peak: float, as_it_is: bool, opposite: bool) -> Decoded:
    """A signal at 16 kHz without its offset, in integers, with what is told of it."""
    plain = signal if as_it_is else without_offset(signal)
    samples, step = quantised(plain)
    active = active_frames(samples)
    found = {OFFSET: plain is not signal, OPPOSITE: opposite, SILENT: not active.any(), LOUD: peak > 1.0}
    for name in (OFFSET, OPPOSITE):
        if found[name]:  # another signal than the file's, so another hash
            source.update(name.encode())
    found[OFFSET] = found[OFFSET] and not found[SILENT]
    return Decoded(samples, step, active, source.digest(), tuple(name for name, is_so in found.items() if is_so))


def ends_at_4_khz(samples: NDArray[np.int16]) -> bool:
    """Whether there is nothing above 4.2 kHz in the first ten seconds (time,), as of a telephone."""
    heard = samples[: NARROW_S * SAMPLE_RATE_HZ].astype(np.float64)
    power = np.square(np.abs(np.fft.rfft(heard * np.hanning(len(heard)))))
    above = power[round(NARROW_HZ * len(heard) / SAMPLE_RATE_HZ) :].sum()
    return bool(power.sum() > 0 and above < NARROW_SHARE * power.sum())


def quantised(samples: Samples) -> tuple[NDArray[np.int16], float]:
    """int16 and the power of two that one step is worth; 16-bit sources lose nothing."""
    mantissa, exponent = np.frexp(max(samples.max(), -samples.min()))
    # a peak of exactly 2^e fits: int16 reaches -32768
    step = float(np.ldexp(1.0, int(exponent) - int(mantissa == 0.5) - 15))
    integers = np.empty(len(samples), np.int16)
    for start in range(0, len(samples), PIECE):  # recordings may last hours
        piece = samples[start : start + PIECE] / np.float32(step)
        integers[start : start + PIECE] = np.clip(np.rint(piece, out=piece), -32768, 32767, out=piece)
    return integers, step


def build(manifest: Manifest, clips: list[Clip], folder: Path, progress: Progress) -> None:
    """Write samples, activity, index and state of the clips; damaged files are named, then skipped or refused."""
    problems: dict[str, str] = {}
    index: dict[str, list[Any]] = {"usable": [], "num_samples": [], "steps": []}
    digest, noted = hashlib.sha256(), defaultdict[str, list[str]](list)
    with (folder / "samples.i16").open("wb") as samples, (folder / "active.i32").open("wb") as active:
        counter = _ActiveCounter(active)
        for i, (clip, result) in enumerate(_decoded(manifest, clips)):
            progress("decode audio", i + 1, len(clips))
            if isinstance(result, DataError):
                problems[clip.path] = str(result)
                continue
            samples.write(result.samples.tobytes())
            counter.add(result.active)
            for column, value in zip(index.values(), (i, len(result.samples), result.step), strict=True):
                column.append(value)
            digest.update(os.fsencode(f"{clip.path}\t{clip.kind}\t{clip.label}\t") + result.sha256)
            for note in result.notes:
                noted[note].append(clip.path)
    for note, paths in noted.items():
        _log.warning("%s: %d of %d clips %s, such as %s", manifest.root, len(paths), len(clips), NOTES[note], paths[0])
    tolerate(problems, len(clips), str(manifest.root))
    np.savez(
        folder / "index.npz",
        usable=np.array(index["usable"], np.int64),
        num_samples=np.array(index["num_samples"], np.int64),
        steps=np.array(index["steps"], np.float32),
    )
    _write_state(folder, digest.hexdigest())


class _ActiveCounter:
    """Writes the running number of active frames, starting with 0."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._count = file, 0
        file.write(np.zeros(1, np.int32).tobytes())

    def add(self, active: NDArray[np.bool_]) -> None:
        running = np.cumsum(active, dtype=np.int32) + np.int32(self._count)
        self._file.write(running.astype(np.int32).tobytes())
        self._count = int(running[-1]) if len(running) else self._count


def _decoded(manifest: Manifest, clips: list[Clip]) -> Iterator[tuple[Clip, Decoded | DataError]]:
    """Every clip in order, decoded by threads (libsndfile works outside Python's lock)."""

    def attempt(clip: Clip) -> Decoded | DataError:
        try:
            # microphones of an array hear a room at other times: their mean would be a comb filter
            decoded = decode(manifest.path(clip), first_channel=clip.kind == "impulse_response")
            is_narrow = clip.kind == "clean" and SILENT not in decoded.notes and ends_at_4_khz(decoded.samples)
            return replace(decoded, notes=(*decoded.notes, NARROW)) if is_narrow else decoded
        except DataError as error:
            return error

    with ThreadPoolExecutor(min(8, allowed_cpus())) as pool:
        for batch in _batches(clips):
            yield from zip(batch, pool.map(attempt, batch), strict=True)


def _batches(clips: list[Clip]) -> Iterator[list[Clip]]:
    """At most BATCH clips, and no long ones side by side."""
    batch: list[Clip] = []
    for clip in clips:
        if batch and (len(batch) == BATCH or sum(c.seconds for c in batch) + clip.seconds > LONG_S):
            yield batch
            batch = []
        batch.append(clip)
    yield batch


def _write_state(folder: Path, sha256: str) -> None:
    """The state is written last, and describes the files as they lie on the disk."""
    files = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
        files[path.name] = {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
    state = {"sha256": sha256, "files": files}
    write_atomic(folder / "state.json", json.dumps({**state, "check": value_sha256(state)}).encode())
