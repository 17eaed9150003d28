"""Clean audio files with a trained model: what comes out is what came in, but for the noise."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dfkd_core.base.machine import choose_device
from dfkd_core.data.scanning import audio_files
from dfkd_core.errors import ConfigError, DataError, DFKDError
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import AUDIO_SUFFIXES, Samples, info, read_blocks, write_blocks
from dfkd_core.signal.level import at_reference_level
from dfkd_core.signal.resampling import resample
from dfkd_core.teachers import Teacher, open_network

CHUNK_S = 20  # a longer file is cut into chunks, so that an hour needs no more memory than these seconds
OVERLAP_S = 2  # of two chunks, one fading into the other: recurrent states have settled where a chunk is heard
NUM_NAMED = 5  # failed files that the last line names

_log = logging.getLogger(__name__)


def enhance_path(model: Path, source: Path, target: Path, *, device: str = "auto") -> Iterator[Path]:
    """Enhance a file, or every audio file below a folder; yields each file once it is written.

    `model` is a model folder or an ONNX file (waveform to waveform, 16 kHz). A folder as `target`, there already or
    named without a suffix, takes a file under its own name. Of a folder hidden files are left out, links are followed,
    and what lies below `target` is no input. One file that fails ends no folder: DFKDError tells of all of them at
    the end. ConfigError: no input, no model, or output in place of input. DataError: a single file fails.
    """
    network = open_network(model, choose_device(device))
    failed: list[DataError] = []
    pairs = _pairs(source, target)
    for noisy, clean in pairs:
        try:
            write_blocks(clean, enhanced_blocks(network, noisy), like=noisy)
        except DataError as error:
            if source.is_file():
                raise
            failed.append(error)
            continue
        yield clean
    for failure in failed:
        _log.warning("not enhanced: %s", failure)
    if failed:
        names = "; ".join(str(failure) for failure in failed[:NUM_NAMED])
        raise DFKDError(f"{source}: {len(failed)} of {len(pairs)} files were not enhanced: {names}")


def enhanced_blocks(network: Teacher, path: Path) -> Iterator[Samples]:
    """The enhanced signal of a file in blocks (channels, time) at its own rate and level; each channel by itself.

    Files up to CHUNK_S + OVERLAP_S pass through the network whole. Longer ones are cut into chunks that overlap by
    OVERLAP_S and are faded into one another; a model that looks at whole clips sees one chunk at a time. The network
    hears each chunk as `at_reference_level` has it. DataError: its estimate has another length, or is not finite.
    """
    header = info(path)
    if header.rate_hz < OVERLAP_S:
        raise DataError(f"{path}: must have a rate of some Hz, but is at {header.rate_hz} Hz; repair its header")
    hop, overlap = CHUNK_S * header.rate_hz, OVERLAP_S * header.rate_hz
    fade_in = np.linspace(0, 1, overlap, dtype=np.float32)
    held, tail = np.zeros((header.num_channels, 0), np.float32), np.zeros((header.num_channels, 0), np.float32)

    def estimate_of(noisy: Samples) -> Samples:
        estimate = network(noisy)
        if estimate.shape != noisy.shape:
            lost = f"{network.name} returns {estimate.shape[-1]} samples for {noisy.shape[-1]}"
            raise DataError(f"{path}: must be enhanced to a signal of its length, but {lost}; use another model")
        if not np.isfinite(estimate).all():
            raise DataError(f"{path}: must be enhanced to finite samples, but {network.name} returns nan or inf")
        return estimate

    def enhanced(noisy: Samples) -> Samples:
        estimate = at_reference_level(estimate_of, resample(noisy, header.rate_hz, SAMPLE_RATE_HZ))
        # a copy: resampling at its own rate hands back what it was given
        clean = resample(estimate, SAMPLE_RATE_HZ, header.rate_hz)[:, : noisy.shape[1]].copy()
        if tail.size:
            clean[:, :overlap] = fade_in * clean[:, :overlap] + (1 - fade_in) * tail
        return clean

    highest = 0.0
    for block in read_blocks(path, hop):
        highest = max(highest, float(np.abs(block).max()))
        held = np.concatenate([held, block], axis=1)
        while held.shape[1] > hop + overlap:
            chunk = enhanced(held[:, : hop + overlap])
            held, tail = held[:, hop:], chunk[:, hop:]
            yield chunk[:, :hop]
    if highest > 1.0:
        _log.warning("%s: its samples reach %.4g, over full scale; a format of floats keeps them", path, highest)
    yield enhanced(held)


def _pairs(source: Path, target: Path) -> list[tuple[Path, Path]]:
    """Every input with its output."""
    if not source.exists():
        raise ConfigError("must be an audio file or a folder of them, but there is no such place", file=source)
    if source.is_file():
        pairs = [(source, target / source.name if target.is_dir() or not target.suffix else target)]
    elif source.is_dir():
        below = target.resolve()
        if below == source.resolve():
            raise ConfigError("must differ from the input, which would be overwritten; name another place", file=target)
        files = [path for path in audio_files(source) if not path.resolve().is_relative_to(below)]
        pairs = [(path, target / path.relative_to(source)) for path in files]
    else:
        raise ConfigError("must be an audio file or a folder of them, but is neither", file=source)
    if not pairs:
        raise ConfigError(f"must hold audio files ({', '.join(sorted(AUDIO_SUFFIXES))}), but holds none", file=source)
    for noisy, clean in pairs:
        if noisy.resolve() == clean.resolve() or (clean.exists() and noisy.exists() and noisy.samefile(clean)):
            raise ConfigError("must differ from the input, which would be overwritten; name another place", file=target)
    return pairs
