"""Clean audio files with a trained model, at the rate and with the channels that they have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dfkd_core.base.machine import choose_device
from dfkd_core.errors import ConfigError
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import (
    AUDIO_SUFFIXES,
    AudioInfo,
    Samples,
    info,
    read_block,
    resample,
    write_blocks,
)
from dfkd_core.teachers import Teacher, open_network

CHUNK_S = 20  # a longer file is cut into chunks, so that an hour needs no more memory than these seconds
OVERLAP_S = 2  # of two chunks, one fading into the other: recurrent states have settled where a chunk is heard


def enhance_path(model: Path, source: Path, target: Path, *, device: str = "auto") -> Iterator[Path]:
    """Enhance a file, or every audio file below a folder; yields each file once it is written.

    `model` is a model folder or an ONNX file (waveform to waveform, 16 kHz). An existing folder as `target` takes a
    file under its own name. ConfigError: no input, no model, or output in place of input. DataError: a file is
    unreadable.
    """
    network = open_network(model, choose_device(device))
    for noisy, clean in _pairs(source, target):
        write_blocks(clean, enhanced_blocks(network, noisy), like=noisy)
        yield clean


def enhanced_blocks(network: Teacher, path: Path) -> Iterator[Samples]:
    """The enhanced signal of a file in blocks (channels, time) at its own rate; each channel by itself.

    Files up to CHUNK_S + OVERLAP_S pass through the network whole. Longer ones are cut into chunks that overlap by
    OVERLAP_S and are faded into one another; a model that looks at whole clips sees one chunk at a time.
    """
    header = info(path)
    num_samples = round(header.seconds * header.rate_hz)
    hop, overlap = CHUNK_S * header.rate_hz, OVERLAP_S * header.rate_hz
    fade_in = np.linspace(0, 1, overlap, dtype=np.float32)
    tail: Samples | None = None
    for start in range(0, max(num_samples - overlap, 1), hop):
        chunk = _enhanced(network, read_block(path, start, hop + overlap), header)
        if tail is not None:
            chunk[:, :overlap] = fade_in * chunk[:, :overlap] + (1 - fade_in) * tail
        if start + hop + overlap >= num_samples:
            yield chunk
            return
        tail = chunk[:, hop:]
        yield chunk[:, :hop]


def _enhanced(network: Teacher, noisy: Samples, header: AudioInfo) -> Samples:
    """One chunk (channels, time) through the network, within full scale."""
    estimate = network(resample(noisy, header.rate_hz, SAMPLE_RATE_HZ))
    clean = resample(estimate, SAMPLE_RATE_HZ, header.rate_hz)[:, : noisy.shape[1]]
    # inference tensors and resampling may share memory that must not be written to
    bounded: Samples = np.clip(clean, -1.0, 1.0)
    return bounded


def _pairs(source: Path, target: Path) -> list[tuple[Path, Path]]:
    """Every input with its output."""
    if not source.exists():
        raise ConfigError("must be an audio file or a folder of them, but there is no such place", file=source)
    if source.is_file():
        pairs = [(source, target / source.name if target.is_dir() else target)]
    else:
        files = sorted(path for path in source.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
        pairs = [(path, target / path.relative_to(source)) for path in files]
    if not pairs:
        raise ConfigError(f"must hold audio files ({', '.join(sorted(AUDIO_SUFFIXES))}), but holds none", file=source)
    if any(noisy.resolve() == clean.resolve() for noisy, clean in pairs):
        raise ConfigError("must differ from the input, which would be overwritten; name another place", file=target)
    return pairs
