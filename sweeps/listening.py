"""Excerpts to listen to: the same few clips as noisy input, clean speech, teacher and the students on the front.

Audio goes into the page as FLAC, which every current browser plays, without what a lossy codec would add to the
artefacts that one listens for.
"""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

Waveform = npt.NDArray[np.floating]  # (time,)

WINDOW_SAMPLES, HOP_SAMPLES = 512, 256
RANGE_DB = 80.0
BINS_PER_ROW = 2


@dataclass(frozen=True)
class Excerpt:
    """One clip in all its versions, each (time,) of the same length; `students` by trial number."""

    name: str
    noisy: Waveform
    clean: Waveform
    teacher: Waveform | None
    students: Mapping[int, Waveform]


@dataclass(frozen=True)
class Listening:
    """The excerpts of a front and their rate."""

    excerpts: Sequence[Excerpt]
    sample_rate_hz: int = 16_000

    def to_page(self) -> dict[str, Any]:
        """The excerpts as the page reads them: audio as FLAC, spectrograms as grey PNG, both as data URLs."""
        return {
            "range_db": RANGE_DB,
            "sample_rate_hz": self.sample_rate_hz,
            "clips": [_clip(excerpt, self.sample_rate_hz) for excerpt in self.excerpts],
        }


def _clip(excerpt: Excerpt, rate: int) -> dict[str, Any]:
    loudest = float(_power(excerpt.noisy).max())  # one scale for every version of a clip
    fixed = {"noisy": excerpt.noisy, "clean": excerpt.clean, "teacher": excerpt.teacher}
    return {
        "name": excerpt.name,
        "seconds": round(len(excerpt.noisy) / rate, 3),
        "versions": {name: _version(wave, rate, loudest) for name, wave in fixed.items() if wave is not None},
        "students": {str(trial): _version(wave, rate, loudest) for trial, wave in excerpt.students.items()},
    }


def _version(samples: Waveform, rate: int, loudest: float) -> dict[str, str]:
    return {
        "audio": _data_url("audio/flac", flac(samples, rate)),
        "spectrogram": _data_url("image/png", grey_png(spectrogram(samples, loudest))),
    }


def flac(samples: Waveform, rate: int) -> bytes:
    """The samples (time,) as 16 bit FLAC; what is beyond full scale is clipped."""
    out = io.BytesIO()
    soundfile.write(out, np.clip(samples, -1, 1), rate, format="FLAC", subtype="PCM_16")
    return out.getvalue()


def spectrogram(samples: Waveform, loudest: float) -> npt.NDArray[np.uint8]:
    """Power in dB under `loudest` as grey values (freq, frame): 255 at the loudest, 0 at RANGE_DB below it or less."""
    decibel = 10 * np.log10(np.maximum(_power(samples), 1e-20) / max(loudest, 1e-20))
    grey = np.clip(1 + decibel / RANGE_DB, 0, 1) * 255
    return np.asarray(grey[::-1], dtype=np.uint8)


def _power(samples: Waveform) -> npt.NDArray[np.float64]:
    """Hann power spectrum (freq, frame), low frequencies first; neighbouring bins are averaged in pairs."""
    padded = np.pad(np.asarray(samples, dtype=np.float64), (0, WINDOW_SAMPLES))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::HOP_SAMPLES]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW_SAMPLES))) ** 2
    rows = power[:, : WINDOW_SAMPLES // 2].reshape(len(frames), -1, BINS_PER_ROW)
    return np.asarray(rows.mean(axis=2).T)


def grey_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A grey image (row, column), 8 bit, as PNG."""
    height, width = pixels.shape
    rows = np.hstack([np.zeros((height, 1), np.uint8), pixels])  # each row starts with its filter, 0: none
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
