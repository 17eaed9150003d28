"""Clean audio files with a trained model: what comes out is what came in, but for the noise."""

from __future__ import annotations

import itertools
import logging
import math
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from dfkd_core.base.allowance import allowed_cpus
from dfkd_core.base.documents import real_path
from dfkd_core.base.machine import choose_device
from dfkd_core.base.outputs import require_folder
from dfkd_core.base.progress import Progress, silent
from dfkd_core.data.damage import length_in_words
from dfkd_core.data.scanning import audio_files
from dfkd_core.errors import ConfigError, DataError, DFKDError
from dfkd_core.signal.audio import AUDIO_SUFFIXES, Samples, info, read_blocks, write_blocks
from dfkd_core.signal.chunks import CHUNK_S, OVERLAP_S, in_chunks
from dfkd_core.signal.containers import output_path
from dfkd_core.teachers import Teacher, open_network

NUM_NAMED = 5  # failed files that the last line names
MOST_JOBS = 8  # each holds some 22 s of sound, and what a model makes of it on its way

_log = logging.getLogger(__name__)


def enhance_path(
    model: Path,
    source: Path,
    target: Path,
    *,
    device: str = "auto",
    attenuation_limit_db: float | None = None,
    jobs: int | None = None,
    progress: Progress = silent,
) -> Iterator[Path]:
    """Enhance a file, or every audio file below a folder; yields each file once it is written, in the order of names.

    `model` is a model folder or an ONNX file (waveform to waveform, 16 kHz). A folder as `target`, there already or
    named without a suffix, takes a file under its own name, as a .wav where its format is read only. Of a folder hidden
    files are left out, links are followed, and what lies below a `target` within it is no input. `jobs` of its files
    are worked on at a time; None: one for each processor that may be used, MOST_JOBS at most, on a GPU one. `progress`
    hears of finished files, of a single long one of its seconds. One file that fails ends no folder: DFKDError tells of
    all of them at the end.
    ConfigError: no input, no model, output in place of input, or a limit that is none. DataError: a single file fails.
    """
    share = noisy_share(attenuation_limit_db)
    on = choose_device(device)
    network = open_network(model, on)
    pairs = _pairs(source, target)
    if source.is_file():
        ((noisy, clean),) = pairs
        write_blocks(clean, enhanced_blocks(network, noisy, share, progress), like=noisy)
        yield clean
        return
    failed: list[DataError] = []
    counted = itertools.count(1)

    def count(result: Future[DataError | None]) -> None:
        if not result.cancelled():
            progress(source.name, next(counted), len(pairs))

    num_jobs = min(jobs or (min(allowed_cpus(), MOST_JOBS) if on.type == "cpu" else 1), len(pairs))
    networks = [network, *(open_network(model, on) for _ in range(num_jobs - 1))]  # each hears one stream at a time
    with _side_by_side(networks, pairs, share) as results:
        for result in results:
            result.add_done_callback(count)
        for (_, clean), result in zip(pairs, results, strict=True):
            if error := result.result():
                failed.append(error)
            else:
                yield clean
    for failure in failed:
        _log.warning("not enhanced: %s", failure)
    if failed:
        names = "; ".join(str(failure) for failure in failed[:NUM_NAMED])
        raise DFKDError(f"{source}: {len(failed)} of {len(pairs)} files were not enhanced: {names}")


@contextmanager
def _side_by_side(
    networks: Sequence[Teacher], pairs: Sequence[tuple[Path, Path]], share: float
) -> Iterator[list[Future[DataError | None]]]:
    """What becomes of each pair: None, or what is wrong with it; a thread for each network.

    Leaving it early ends the files at work after their present block, and leaves nothing of them behind.
    """
    free, is_ended = queue.SimpleQueue[Teacher](), threading.Event()
    for network in networks:
        free.put(network)

    def one(noisy: Path, clean: Path) -> DataError | None:
        network = free.get()
        try:
            blocks = enhanced_blocks(network, noisy, share, is_ended=is_ended.is_set)
            write_blocks(clean, blocks, like=noisy)
        except DataError as error:
            return error
        finally:
            free.put(network)
        return None

    threads = torch.get_num_threads()
    torch.set_num_threads(1 if len(networks) > 1 else threads)
    pool = ThreadPoolExecutor(len(networks), thread_name_prefix="enhance")
    try:
        yield [pool.submit(one, *pair) for pair in pairs]
    finally:
        is_ended.set()
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def enhanced_blocks(
    network: Teacher,
    path: Path,
    share: float = 0.0,
    progress: Progress = silent,
    is_ended: Callable[[], bool] = lambda: False,
) -> Iterator[Samples]:
    """The enhanced signal of a file in blocks (channels, time) at its own rate and level; each channel by itself.

    As `in_chunks`; `share` of the noisy signal is left in it. Samples that are nan or infinite are heard as silence,
    with a word, as are those that were clipped as they are. `progress` hears of the seconds that are read.
    DataError: the network's estimate has another length, or is not finite; or `is_ended` says that nobody wants it.
    """
    header = info(path)
    if note := length_in_words(path, header):
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
        highest, num_flat, num_lost, seconds = 0.0, 0, 0, 0
        for block in read_blocks(path, CHUNK_S * header.rate_hz, finite=False):
            if is_ended():
                raise DataError(f"{path}: was left before its end")
            if lost := int((~np.isfinite(block)).sum()):
                block = np.where(np.isfinite(block), block, np.float32(0))  # noqa: PLW2901
                num_lost += lost
            highest = max(highest, float(np.abs(block).max()))
            num_flat += _num_flat(block)
            yield block
            seconds += CHUNK_S
            if header.seconds > CHUNK_S:
                progress(path.name, min(seconds, round(header.seconds)), round(header.seconds))
        if num_lost:
            _log.warning("%s: %d samples are nan or infinite, and are heard as silence", path, num_lost)
        if num_flat:
            _log.warning(
                "%s: was clipped: %d samples lie flat at full scale, and are heard as they are", path, num_flat
            )
        if highest > 1.0:
            _log.warning("%s: its samples reach %.4g, over full scale; a format of floats keeps them", path, highest)

    yield from in_chunks(estimate_of, watched(), header.rate_hz, noisy_share=share)


def _num_flat(block: Samples) -> int:
    """Samples (channels, time) in the middle of three alike at full scale of 16 bits: no voice stays there."""
    middle = block[:, 1:-1]
    alike = (block[:, :-2] == middle) & (middle == block[:, 2:])
    full = np.abs(np.abs(middle) - 1) <= 2**-15
    return int((alike & full).sum())


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
        pairs = [(source, target / output_path(Path(source.name)) if target.is_dir() or not target.suffix else target)]
    elif source.is_dir():
        below = real_path(target)
        if below == real_path(source):
            raise ConfigError("must differ from the input, which would be overwritten; name another place", file=target)
        files = list(audio_files(source))
        if not real_path(source).is_relative_to(below):
            files = [path for path in files if not real_path(path).is_relative_to(below)]
        require_folder(target)
        alike = Counter(path.with_suffix("") for path in files)
        places = (output_path(path, is_alone=alike[path.with_suffix("")] == 1) for path in files)
        pairs = [(path, target / place.relative_to(source)) for path, place in zip(files, places, strict=True)]
    else:
        raise ConfigError("must be an audio file or a folder of them, but is neither", file=source)
    if not pairs:
        raise ConfigError(f"must hold audio files ({', '.join(sorted(AUDIO_SUFFIXES))}), but holds none", file=source)
    made: dict[Path, Path] = {}
    for noisy, clean in pairs:
        if (other := made.setdefault(clean, noisy)) != noisy:
            rule = f"and {noisy} would both be written as {clean}; rename one of them"
            raise ConfigError(rule, file=other)
        if real_path(noisy) == real_path(clean) or (clean.exists() and noisy.exists() and noisy.samefile(clean)):
            raise ConfigError("must differ from the input, which would be overwritten; name another place", file=target)
    if renamed := [noisy for noisy, clean in pairs if clean != target and clean.suffix != noisy.suffix]:
        named = ", ".join(sorted({noisy.suffix.lower() for noisy in renamed}))
        _log.warning("%d files are in formats that are read only (%s), and are written as .wav", len(renamed), named)
    return pairs
