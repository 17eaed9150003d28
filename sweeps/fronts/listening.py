"""Excerpts to listen to: the same few clips as noisy input, clean speech, teacher and the students on the front.

Audio goes into the page as FLAC, without what a lossy codec would add to the artefacts that one listens for. Where a
large front would make the page too heavy, fewer excerpts are kept, and the last one as MP3 if it must be. Every current
browser plays both.
"""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from dfkd_core.signal import SAMPLE_RATE_HZ

Waveform = npt.NDArray[np.floating]  # (time,)

WINDOW_SAMPLES, HOP_SAMPLES = 512, 256
RANGE_DB, STEP_DB = 80.0, 2.0
BINS_PER_ROW = 2
QUIETEST = 1e-6  # power of a clip that would be silence anyway
BUDGET_BYTES = 8_000_000  # of encoded sound and pictures on one page

CODECS: dict[str, dict[str, Any]] = {
    "flac": {"format": "FLAC", "subtype": "PCM_16"},
    "mpeg": {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT", "compression_level": 0.5},
}


@dataclass(frozen=True)
class Excerpt:
    """One clip in all its versions, each (time,) of the same length.

    `students` by trial number, `references` (models from elsewhere) by name.
    """

    name: str
    noisy: Waveform
    clean: Waveform | None
    teacher: Waveform | None
    students: Mapping[int, Waveform]
    references: Mapping[str, Waveform] = field(default_factory=dict)


@dataclass(frozen=True)
class Listening:
    """The excerpts of a front and their rate."""

    excerpts: Sequence[Excerpt]
    sample_rate_hz: int = SAMPLE_RATE_HZ

    def to_page(self, budget_bytes: int = BUDGET_BYTES) -> dict[str, Any]:
        """The excerpts as the page reads them: audio and grey spectrograms as data URLs, within the budget."""
        clips: list[dict[str, Any]] = []
        codec, size = "flac", 0
        for excerpt in self.excerpts:  # as many as fit, without loss
            clip = _clip(excerpt, self.sample_rate_hz, codec)
            groups = (clip[group] for group in ("versions", "students", "references"))
            size += sum(len(part) for group in groups for version in group.values() for part in version.values())
            if size > budget_bytes:
                break
            clips.append(clip)
        if not clips and self.excerpts:
            codec = "mpeg"
            clips = [_clip(self.excerpts[0], self.sample_rate_hz, codec)]
        return {"range_db": RANGE_DB, "sample_rate_hz": self.sample_rate_hz, "codec": codec, "clips": clips}


def _clip(excerpt: Excerpt, rate: int, codec: str) -> dict[str, Any]:
    loudest = float(_power(excerpt.noisy).max())  # one scale for every version of a clip
    fixed = {"noisy": excerpt.noisy, "clean": excerpt.clean, "teacher": excerpt.teacher}
    waves = {name: wave for name, wave in fixed.items() if wave is not None}

    def encode(versions: Iterable[tuple[object, Waveform]]) -> dict[str, dict[str, str]]:
        return {
            str(name): {
                "audio": _data_url(f"audio/{codec}", encoded(wave, rate, codec)),
                "spectrogram": _data_url("image/png", grey_png(spectrogram(wave, loudest))),
            }
            for name, wave in versions
        }

    return {
        "name": excerpt.name,
        "seconds": round(len(excerpt.noisy) / rate, 3),
        "versions": encode(waves.items()),
        "students": encode(excerpt.students.items()),
        "references": encode(excerpt.references.items()),
    }


def encoded(samples: Waveform, rate: int, codec: str) -> bytes:
    """The samples (time,) as a file of one of CODECS; what is beyond full scale is clipped."""
    out = io.BytesIO()
    soundfile.write(out, np.clip(samples, -1, 1), rate, **CODECS[codec])
    return out.getvalue()


def spectrogram(samples: Waveform, loudest: float) -> npt.NDArray[np.uint8]:
    """Power in dB under `loudest` as grey values (freq, frame): 255 at the loudest, 0 at RANGE_DB below it or less.

    Values are rounded to STEP_DB, which no eye misses and which halves the picture's size.
    """
    decibel = 10 * np.log10(np.maximum(_power(samples), 1e-20) / max(loudest, QUIETEST))
    grey = np.clip(1 + np.round(decibel / STEP_DB) * STEP_DB / RANGE_DB, 0, 1) * 255
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
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        png += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return png


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
