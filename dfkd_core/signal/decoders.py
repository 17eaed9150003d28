"""What decodes a file: libsndfile, or ffmpeg's library (PyAV) where that cannot."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from dfkd_core.base.documents import open_plain
from dfkd_core.errors import DataError, Unreadable
from dfkd_core.signal.lossy import is_joined

Samples = NDArray[np.float32]

HIGHEST_RATE_HZ = 2**22  # above any recorder's; a header that tells more is damaged, and filters would fill the memory
UNKNOWN_FRAMES = 2**62  # libsndfile's number for a length that a FLAC header leaves open, and above
BLOCK = 1 << 16  # frames that are decoded at a time
# ffmpeg's names as libsndfile's
CONTAINERS = {"wav": "WAV", "flac": "FLAC", "aiff": "AIFF", "au": "AU", "w64": "W64", "caf": "CAF"}
ENCODINGS = {"s16": "PCM_16", "s32": "PCM_24"} | {
    f"pcm_{ours}{end}": theirs
    for ours, theirs in (("s16", "PCM_16"), ("s24", "PCM_24"), ("s32", "PCM_32"), ("f32", "FLOAT"), ("f64", "DOUBLE"))
    for end in ("le", "be")
}
TAGS = ("title", "copyright", "software", "artist", "comment", "date", "album", "license", "tracknumber", "genre")

_log = logging.getLogger(__name__)


class Decoder(Protocol):
    """An audio file that is open for reading, once, from its start."""

    rate_hz: int
    num_channels: int
    num_frames: int | None  # None: nothing tells before the end
    container: str  # as libsndfile names it; "" where it does not know it
    encoding: str
    log: str  # libsndfile's own words
    tags: dict[str, str]

    def blocks(self, num_frames: int) -> Iterator[Samples]:
        """What is left in blocks (channels, time), the last one shorter."""

    def close(self) -> None:
        """Let go of the file."""


def open_decoder(path: str | Path) -> Decoder:
    """Open an audio file; DataError names one that nothing can decode, in one line.

    ffmpeg's library reads what libsndfile does not know, what it knows without being able to count (a FLAC whose
    length is left open, a WAV that was never closed), what it cannot seek in (GSM and G.726 in a WAV), and what holds
    more than the stream that it counts.
    """
    try:
        file = open_plain(path)
    except Unreadable as error:
        raise DataError(f"{path}: cannot be read as audio ({error.rule}); name an audio file") from error
    except FileNotFoundError as error:
        raise DataError(f"{path}: cannot be read as audio (no such file); check the path") from error
    try:
        found = _Sndfile(path)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError) as error:  # TypeError: .raw tells no rate
        # libsndfile says so of an .mp3 in which there is none, though it has opened it
        lack = "Format not recognised" if "File does not exist" in str(error) else reason(error)
        return _with_ffmpeg(file, path, lack)
    if found.rate_hz > HIGHEST_RATE_HZ:
        file.close()
        found.close()
        rule = f"{path}: must have a rate of at most {HIGHEST_RATE_HZ} Hz, but its header tells {found.rate_hz} Hz"
        raise DataError(f"{rule}; repair it")
    if found.is_counted and not is_joined(file, found.container):
        file.close()
        return found
    found.close()
    decoder = _with_ffmpeg(file, path, "its length is not told, and no decoder takes it")
    decoder.log = found.log
    return decoder


def reason(error: Exception) -> str:
    """A library's reason without the path, which the message names already."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # libsndfile has no words for a stream that breaks off or fails its checksum
    words = str(getattr(error, "error_string", error)).strip().rstrip(".")
    return " ".join(words.split())[:200] or "its content is damaged"


class _Sndfile:
    """Through libsndfile."""

    def __init__(self, path: str | Path) -> None:
        # as bytes, in which names that are no UTF-8 are names, too
        self._path = path
        self._file = soundfile.SoundFile(os.fsencode(path) if os.name == "posix" else str(path))
        self.rate_hz, self.num_channels = self._file.samplerate, self._file.channels
        self.container, self.encoding = self._file.format, self._file.subtype
        self.num_frames: int | None = self._file.frames
        self.log = self._file.extra_info
        self.tags = self._file.copy_metadata()

    @property
    def is_counted(self) -> bool:
        """Whether its length is known, and it can be read by blocks."""
        return 0 < (self.num_frames or 0) < UNKNOWN_FRAMES and self._file.seekable()

    def blocks(self, num_frames: int) -> Iterator[Samples]:
        left = self.num_frames or 0
        while left > 0:
            block = self._file.read(min(num_frames, left), dtype="float32", always_2d=True)
            if not len(block):
                counted = self.num_frames or 0
                lack = f"{counted:,} samples are told, but {counted - left:,} there"
                _log.warning("%s: breaks off: %s", self._path, lack)
                return
            left -= len(block)
            yield np.ascontiguousarray(block.T)

    def close(self) -> None:
        self._file.close()


class _Ffmpeg:
    """Through ffmpeg's library; a damaged stream is an error, not a guess."""

    def __init__(self, file: BinaryIO) -> None:
        import av

        self._file = file
        self._container = av.open(file)
        if not self._container.streams.audio:
            raise ValueError("it holds no audio")
        self._stream: Any = self._container.streams.audio[0]
        if self._stream.codec_context is None:
            raise ValueError("no decoder knows its encoding")
        self._stream.codec_context.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
        self.rate_hz, self.num_channels = self._stream.rate, self._stream.codec_context.channels
        self.num_frames: int | None = None
        codec = self._stream.codec_context
        self.container = CONTAINERS.get(self._container.format.name, "")
        self.encoding = ENCODINGS.get(codec.name, ENCODINGS.get(codec.format.name, "") if codec.name == "flac" else "")
        self.log = ""
        named = {name.lower(): value for name, value in self._container.metadata.items()}
        self.tags = {name: named[name] for name in TAGS if name in named}

    def blocks(self, num_frames: int) -> Iterator[Samples]:
        import av

        as_floats, held = av.AudioResampler(format="fltp"), np.zeros((self.num_channels, 0), np.float32)
        # a WAV tells how many samples its last block of GSM or G.726 has
        left = (self._stream.duration or UNKNOWN_FRAMES) if self._container.format.name == "wav" else UNKNOWN_FRAMES
        try:
            for frame in self._container.decode(self._stream):
                for part in as_floats.resample(frame):
                    samples = part.to_ndarray()[:, :left]
                    left -= samples.shape[1]
                    held = np.concatenate([held, samples], axis=1)
                    while held.shape[1] >= num_frames:
                        yield np.ascontiguousarray(held[:, :num_frames])
                        held = held[:, num_frames:]
        except av.FFmpegError as error:
            raise RuntimeError(error.strerror) from error
        except ValueError as error:  # of the resampler
            raise RuntimeError("its parts differ in rate or channels") from error
        if held.size:
            yield held

    def close(self) -> None:
        self._container.close()
        self._file.close()


def _with_ffmpeg(file: BinaryIO, path: str | Path, lack: str) -> Decoder:
    import av

    try:
        return _Ffmpeg(file)
    except (av.FFmpegError, ValueError, OSError) as error:
        file.close()
        raise DataError(f"{path}: cannot be read as audio ({lack}); repair or remove it") from error
