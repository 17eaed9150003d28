"""Clean audio files with a trained model: what comes out is what came in, but for the noise."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dfkd_core.base.machine import choose_device
from dfkd_core.data.damage import length_in_words
from dfkd_core.data.scanning import audio_files
from dfkd_core.errors import ConfigError, DataError, DFKDError
from dfkd_core.signal.audio import AUDIO_SUFFIXES, Samples, info, read_blocks, write_blocks
from dfkd_core.signal.chunks import CHUNK_S, OVERLAP_S, in_chunks
from dfkd_core.teachers import Teacher, open_network

NUM_NAMED = 5  # failed files that the last line names

_log = logging.getLogger(__name__)


def enhance_path(
    model: Path, source: Path, target: Path, *, device: str = "auto", attenuation_limit_db: float | None = None
) -> Iterator[Path]:
    """Enhance a file, or every audio file below a folder; yields each file once it is written.

    `model` is a model folder or an ONNX file (waveform to waveform, 16 kHz). A folder as `target`, there already or
    named without a suffix, takes a file under its own name. Of a folder hidden files are left out, links are followed,
    and what lies below `target` is no input. One file that fails ends no folder: DFKDError tells of all of them at
    the end. ConfigError: no input, no model, output in place of input, or a limit that is none. DataError: a single
    file fails.
    """
    share = noisy_share(attenuation_limit_db)
    network = open_network(model, choose_device(device))
    failed: list[DataError] = []
    pairs = _pairs(source, target)
    for noisy, clean in pairs:
        try:
            write_blocks(clean, enhanced_blocks(network, noisy, share), like=noisy)
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


def enhanced_blocks(network: Teacher, path: Path, share: float = 0.0) -> Iterator[Samples]:
    """The enhanced signal of a file in blocks (channels, time) at its own rate and level; each channel by itself.

    As `in_chunks`; `share` of the noisy signal is left in it. DataError: the network's estimate has another length, or
    is not finite.
    """
    header = info(path)
    if note := length_in_words(header):
        _log.warning("%s: %s", path, note)
    if header.rate_hz < OVERLAP_S:
        raise DataError(f"{path}: must have a rate of some Hz, but is at {header.rate_hz} Hz; repair its header")

    def estimate_of(noisy: Samples) -> Samples:
        estimate = network(noisy)
        if estimate.shape != noisy.shape:
            lost = f"{network.name} returns {estimate.shape[-1]} samples for {noisy.shape[-1]}"
            raise DataError(f"{path}: must be enhanced to a signal of its length, but {lost}; use another model")
        if not np.isfinite(estimate).all():
            raise DataError(f"{path}: must be enhanced to finite samples, but {network.name} returns nan or inf")
        return estimate

    def watched() -> Iterator[Samples]:
        highest = 0.0
        for block in read_blocks(path, CHUNK_S * header.rate_hz):
            highest = max(highest, float(np.abs(block).max()))
            yield block
        if highest > 1.0:
            _log.warning("%s: its samples reach %.4g, over full scale; a format of floats keeps them", path, highest)

    yield from in_chunks(estimate_of, watched(), header.rate_hz, noisy_share=share)


def noisy_share(attenuation_limit_db: float | None) -> float:
    """How much of the noisy signal is left where nothing is attenuated by more than so many dB; 0 without a limit.

    ConfigError: the limit is no number of dB of 0 or above.
    """
    if attenuation_limit_db is None:
        return 0.0
    if not 0 <= attenuation_limit_db < math.inf:
        rule = f"must be a number of dB, 0 or above, but got {attenuation_limit_db:g}; 12 leaves some of the noise"
        raise ConfigError(rule, key="--attenuation-limit-db")
    return float(10 ** (-attenuation_limit_db / 20))


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
