"""Whether the files of a pair are one: aligned, and the one's speech in the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dfkd_core.base.progress import Progress
from dfkd_core.data.damage import tolerate
from dfkd_core.data.manifest import MAX_TRIMMED, SPLITS, Clip, Manifest, manifest_of, without_partners
from dfkd_core.errors import DataError
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import Samples, info, mono, read_blocks

NUM_CHECKED = 120  # pairs, spread over the corpus: one of them is under the share that is borne
HEARD_S = 10  # of each file
MAX_DELAY_SAMPLES = 8  # 0.5 ms, as of a teacher: phase-aware losses see more as error
FRAME_SAMPLES = 512
LOUD_SHARE = 0.2  # of frames, in which the speech stands out of the noise
ALIKE = 0.3  # correlation in loud frames, of a pair at -10 dB and above
PROMINENT = 8  # times its root mean square, a peak that is no chance: of noise it is under 6


def require_pairs(manifest: Manifest, progress: Progress) -> Manifest:
    """The manifest without pairs that are none; a sample of them is listened to, each split by itself.

    DataError: 1 % or more of the sample is delayed, swapped or of two lengths; named and left out below that.
    """
    pairs: list[tuple[Clip, Clip]] = []
    for split in SPLITS:
        noisy = {clip.pair: clip for clip in manifest.select("noisy", split)}
        pairs += [(clip, noisy[clip.pair]) for clip in manifest.select("clean", split) if clip.pair in noisy]
    if not pairs:
        return manifest
    chosen = [pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, min(NUM_CHECKED, len(pairs))).astype(int))]
    problems: dict[str, str] = {}
    trimmed: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        heard = pool.map(lambda pair: _heard(manifest.path(pair[0]), manifest.path(pair[1])), chosen)
        for done, ((clean, noisy_clip), (problem, difference)) in enumerate(zip(chosen, heard, strict=True), 1):
            if problem:
                problems[clean.path] = f"{manifest.path(noisy_clip)}: {problem}"
            elif difference:
                trimmed.append(clean.path)
            progress("check pairs", done, len(chosen))
    tolerate(problems, len(chosen), f"{manifest.root}, pairs listened to")
    lost = {(clean.split, clean.pair) for clean, _ in chosen if clean.path in problems}
    notes = list(manifest.notes)
    if trimmed:
        more = f" and {len(trimmed) - 1} more" if len(trimmed) > 1 else ""
        notes.append(f"of two lengths, by 10 ms at most, of which the longer file is trimmed: {trimmed[0]}{more}")
    return manifest_of(manifest.root, without_partners(manifest.clips, lost), notes)


def _heard(clean: Path, noisy: Path) -> tuple[str, int]:
    """What is wrong with a pair, else "", and by how many samples at 16 kHz its lengths differ."""
    try:
        headers = [info(path) for path in (clean, noisy)]
        lengths = [-(-header.num_frames * SAMPLE_RATE_HZ // header.rate_hz) for header in headers]
        if abs(lengths[0] - lengths[1]) > MAX_TRIMMED:
            return f"must be as long as {clean.name}, but has {lengths[1]} samples at 16 kHz for {lengths[0]}", 0
        first = (next(read_blocks(p, HEARD_S * h.rate_hz)) for p, h in zip((clean, noisy), headers, strict=True))
        signals = [mono(block, header.rate_hz) for block, header in zip(first, headers, strict=True)]
    except (DataError, StopIteration):
        return "", 0  # damage is told where files are decoded
    return pair_problem(signals[0], signals[1], clean.name), lengths[0] - lengths[1]


def pair_problem(clean: Samples, noisy: Samples, name: str = "its clean file") -> str:
    """What keeps two signals (time,) from being a pair, else "": a delay, or other speech.

    A pair has the peak of its whitened cross-correlation (GCC-PHAT) at no delay. Elsewhere it is a delay where it
    stands out, as that of two versions of one signal does, and else chance: then the frames where the clean file is
    loudest tell whether its speech is there.
    """
    length = min(len(clean), len(noisy))
    speech, heard = (np.diff(signal[:length].astype(np.float64), prepend=0.0) for signal in (clean, noisy))
    if length < 4 * FRAME_SAMPLES or not speech[1:].any() or not heard[1:].any():
        return ""
    num_fft = 1 << int(2 * length - 1).bit_length()
    cross = np.fft.rfft(heard, num_fft) * np.fft.rfft(speech, num_fft).conj()
    correlation = np.abs(np.fft.irfft(cross / np.maximum(np.abs(cross), 1e-12 * np.abs(cross).max()), num_fft))
    best = int(np.argmax(correlation))
    delay = best if best < num_fft // 2 else best - num_fft
    if abs(delay) <= MAX_DELAY_SAMPLES:
        return ""
    if correlation[best] > PROMINENT * np.sqrt(np.mean(np.square(correlation))):
        verb = "lags behind" if delay > 0 else "leads"
        return f"must be aligned with {name}, but {verb} it by {abs(delay)} samples ({abs(delay) / 16:.1f} ms)"
    return "" if _likeness(heard, speech) >= ALIKE else f"must hold the speech of {name}, but is not like it"


def _likeness(heard: NDArray[np.float64], speech: NDArray[np.float64]) -> float:
    """|<x, s>| / (|x| |s|), the median over the frames where s is loudest."""
    num_frames = len(speech) // FRAME_SAMPLES
    if not num_frames:
        return 0.0
    x, s = (signal[: num_frames * FRAME_SAMPLES].reshape(num_frames, FRAME_SAMPLES) for signal in (heard, speech))
    loud = np.argsort(-np.linalg.norm(s, axis=1))[: max(1, round(LOUD_SHARE * num_frames))]
    norms = np.linalg.norm(x[loud], axis=1) * np.linalg.norm(s[loud], axis=1)
    return float(np.median(np.abs(np.einsum("ft,ft->f", x[loud], s[loud])) / np.maximum(norms, 1e-30)))
