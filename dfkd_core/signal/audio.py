"""Audio files: the one door through which they are read and written."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import soundfile

from dfkd_core.base.documents import real_path
from dfkd_core.base.outputs import require_place
from dfkd_core.errors import DataError
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.containers import (
    AUDIO_SUFFIXES,
    LARGEST_BYTES,
    OPUS_RATES_HZ,
    channel_mask,
    encoding_for,
    num_bytes,
    set_channel_mask,
)
from dfkd_core.signal.decoders import Decoder, Samples, open_decoder, reason
from dfkd_core.signal.resampling import resample

__all__ = ["AUDIO_SUFFIXES", "AudioInfo", "Samples", "info", "mono", "read_audio", "read_blocks", "read_channels"]
__all__ += ["write_audio", "write_blocks"]

PIECE = 1 << 13  # frames handed to an encoder at a time: libvorbis overflows the stack on long blocks at high rates

_log = logging.getLogger(__name__)


class AudioInfo(NamedTuple):
    """What a file's header says, or, where it is silent, what decoding it shows."""

    seconds: float
    rate_hz: int
    num_channels: int
    num_frames: int
    container: str = ""  # as libsndfile names it
    log: str = ""  # libsndfile's own words


def info(path: str | Path) -> AudioInfo:
    """What a file holds; DataError names a file that is unreadable or empty."""
    with _decoding(path) as decoder:
        num_frames = decoder.num_frames
        if num_frames is None:
            num_frames = sum(block.shape[1] for block in decoder.blocks(1 << 16))
        if not num_frames:
            raise DataError(f"{path}: holds no samples; remove it")
        rate_hz = decoder.rate_hz
        shape = rate_hz, decoder.num_channels, num_frames
        return AudioInfo(num_frames / rate_hz, *shape, decoder.container, decoder.log)


def read_channels(path: str | Path) -> tuple[Samples, int]:
    """Read (channels, time), full scale at 1, and the rate in Hz.

    DataError names a file that is unreadable, empty or holds NaN or infinity.
    """
    with _decoding(path) as decoder:
        blocks = list(_finite(path, decoder.blocks(decoder.num_frames or 1 << 20)))
        if not blocks:
            raise DataError(f"{path}: holds no samples; remove it")
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1), decoder.rate_hz


def read_blocks(path: str | Path, num_samples: int, *, finite: bool = True) -> Iterator[Samples]:
    """Read a file from its start in blocks (channels, time), the last one shorter; errors as `read_channels`.

    finite: NaN and infinity are an error.
    """
    with _decoding(path) as decoder:
        blocks = decoder.blocks(num_samples)
        yield from _finite(path, blocks) if finite else blocks


def read_audio(path: str | Path, *, rate: int = SAMPLE_RATE_HZ) -> Samples:
    """Read a file as mono (time,) at `rate` Hz; errors as `read_channels`."""
    return mono(*read_channels(path), rate=rate)


def mono(channels: Samples, from_hz: int, *, rate: int = SAMPLE_RATE_HZ) -> Samples:
    """The mean over channels of (channels, time), resampled to `rate` Hz; told once per rate."""
    if from_hz != rate:
        _tell_rate(from_hz, rate)
    mean = channels[0] if len(channels) == 1 else channels.mean(axis=0, dtype=np.float32)
    return resample(mean, from_hz, rate)


def write_audio(path: str | Path, samples: Samples, rate: int = SAMPLE_RATE_HZ, *, subtype: str | None = None) -> None:
    """Write (time,) or (channels, time) in the format of the suffix, 16 bits unless `subtype` says otherwise.

    A reader never sees half a file: it is written under a temporary name and renamed.
    """
    path, samples = Path(path), np.atleast_2d(np.asarray(samples))
    container, usual = encoding_for(path, None)
    _write(path, [samples], (rate, len(samples), container, subtype or usual), {})


def write_blocks(path: str | Path, blocks: Iterable[Samples], like: str | Path) -> None:
    """Write blocks (channels, time) one behind the other, as the file `like` is: rate, channels, tags, loudspeakers.

    Container and encoding, too, as far as the suffix of `path` can hold them. DataError: it cannot be written, is no
    format, or grows larger than its header can tell; never half a file, never one whose header tells a part.
    """
    path, like = Path(path), Path(like)
    with _decoding(like) as decoder:
        container, encoding = encoding_for(path, decoder, decoder.num_frames)
        shape = (decoder.rate_hz, decoder.num_channels, container, encoding)
        tags = decoder.tags
    _write(path, blocks, shape, tags, channel_mask(like) if container in ("WAVEX", "RF64") else None)


def _write(
    path: Path,
    blocks: Iterable[Samples],
    shape: tuple[int, int, str, str],
    tags: dict[str, str],
    mask: int | None = None,
) -> None:
    """Encode under a temporary name, then rename; whatever goes wrong is told by its real reason."""
    rate_hz, num_channels, container, encoding = shape
    target = real_path(path)
    if os.path.lexists(target) and not target.is_file():
        raise DataError(f"{path}: cannot be written as audio (it is there, and no file); name another")
    # of a length of its own: a name of 255 bytes has no room for more
    partial = target.with_name(f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:12]}.{os.getpid()}.part")
    written = over = 0
    try:
        require_place(target.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            _Kept(partial) as kept,
            soundfile.SoundFile(kept, "w", rate_hz, num_channels, encoding, format=container) as file,
        ):
            for tag, value in tags.items():
                with contextlib.suppress(soundfile.SoundFileError):  # a container that has no place for it
                    setattr(file, tag, value)
            for block in blocks:
                written += block.shape[1] * num_channels
                if num_bytes(encoding, written) > LARGEST_BYTES.get(container, 2**62):
                    raise DataError(f"{path}: grows over what its header can tell; write .w64, .rf64 or .flac instead")
                if encoding.startswith("PCM"):  # integers hold no more than full scale
                    over += int((np.abs(block) > 1.0).sum())
                    block = np.clip(block, -1.0, 1.0)  # noqa: PLW2901
                for start in range(0, block.shape[1], PIECE):
                    file.write(block[:, start : start + PIECE].T)
        if mask is not None:
            set_channel_mask(partial, mask)
        partial.replace(target)
        if over:
            _log.warning("%s: %d samples over full scale were cut; a .wav of floats would keep them", path, over)
    except (soundfile.SoundFileError, OSError, TypeError, ValueError, AssertionError) as error:
        raise DataError(f"{path}: cannot be written as audio ({_why(error, partial, shape)})") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


class _Kept:
    """A new file as libsndfile writes it, which has no words for what the system says, and none at all at the end.

    OSError on leaving: the first one that a write met.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b")
        self.read, self.seek, self.tell = self._file.read, self._file.seek, self._file.tell
        self._failure: OSError | None = None

    def write(self, content: bytes) -> int:
        """How many bytes were taken; after a failure none."""
        try:
            return 0 if self._failure else self._file.write(content)
        except OSError as error:
            self._failure = error
            return 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._file.close()
        finally:
            if self._failure is not None:
                raise self._failure


def _why(error: Exception, partial: Path, shape: tuple[int, int, str, str]) -> str:
    """The reason of a failed write: of the disk, else of the format, else the library's."""
    if isinstance(error, OSError):
        return reason(error)
    rate_hz, num_channels, container, encoding = shape
    if encoding == "OPUS" and rate_hz not in OPUS_RATES_HZ:
        return f"Opus has {', '.join(map(str, OPUS_RATES_HZ))} Hz, but not {rate_hz}; write .wav or .flac"
    try:
        if shutil.disk_usage(partial.parent).free < 1 << 20:
            return "no space left on device"
    except OSError as no_folder:
        return reason(no_folder)
    return f"{reason(error)}: {container} with {encoding}, {num_channels} channels at {rate_hz} Hz; write .wav or .flac"


@contextlib.contextmanager
def _decoding(path: str | Path) -> Iterator[Decoder]:
    """A file open for reading; what goes wrong meanwhile names it."""
    decoder = open_decoder(path)
    try:
        yield decoder
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise DataError(f"{path}: cannot be read as audio ({reason(error)}); repair or remove it") from error
    finally:
        decoder.close()


def _finite(path: str | Path, blocks: Iterable[Samples]) -> Iterator[Samples]:
    for block in blocks:
        if not np.isfinite(block).all():
            raise DataError(f"{path}: samples must be finite, but it holds NaN or infinity; repair or remove it")
        yield block


@functools.cache
def _tell_rate(from_hz: int, to_hz: int) -> None:
    _log.info("audio at %d Hz is resampled to %d Hz", from_hz, to_hz)
