"""Turn one listed mixture into signals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dfkd_core.data.activity import FRAME_SAMPLES
from dfkd_core.data.audio_store import AudioPart
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.resampling import Samples, convolve

PEAK = 0.99  # neither signal of a mixture exceeds it
TINY = 1e-12
DIRECT_SAMPLES = SAMPLE_RATE_HZ // 400  # 2.5 ms to either side of the peak: direct sound, as recorded
EARLY_SAMPLES = SAMPLE_RATE_HZ // 20  # 50 ms behind the direct sound: reflections that help to understand speech


def speech(part: AudioPart, pieces: NDArray[np.void], num_frames: int) -> Samples:
    """The pieces at their places, silence between them, (time,)."""
    signal = np.zeros(num_frames * FRAME_SAMPLES, np.float32)
    for clip, start, at, length in pieces.tolist():
        crop = part.read(clip, start * FRAME_SAMPLES, length * FRAME_SAMPLES)
        signal[at * FRAME_SAMPLES :][: len(crop)] = crop
    return signal


def looped(part: AudioPart, clip: int, start: int, num_frames: int) -> Samples:
    """A crop of noise, (time,); a clip that ends before the crop does starts again."""
    wanted = num_frames * FRAME_SAMPLES
    crop = part.read(clip, start * FRAME_SAMPLES, wanted)
    if len(crop) == wanted:
        return crop
    whole = part.read(clip, 0, len(part.clip(clip)))
    turns = np.tile(whole, 1 + (wanted - len(crop)) // len(whole))
    return np.concatenate([crop, turns[: wanted - len(crop)]])


def in_room(dry: Samples, response: Samples, target: str) -> tuple[Samples, Samples]:
    """Speech (time,) as heard in the room of an impulse response (tap,), and what of it is clean speech.

    Direct sound keeps its place and, in energy, its level. target: `dry` speech itself, or `early`: direct sound and
    the reflections of the next 50 ms.
    """
    direct = int(np.argmax(np.abs(response)))
    near = response[max(0, direct - DIRECT_SAMPLES) : direct + DIRECT_SAMPLES + 1]
    scaled = response * (np.sign(response[direct]) / np.sqrt(max(float(near @ near), TINY)))

    def heard(taps: Samples) -> Samples:
        return convolve(dry, taps)[direct : direct + len(dry)]

    return heard(scaled), heard(scaled[: direct + EARLY_SAMPLES]) if target == "early" else dry


def babble(part: AudioPart, talkers: NDArray[np.void], num_frames: int) -> Samples:
    """The voices of talkers at one level each, looped where a clip ends before the crop does, (time,)."""
    mixed = np.zeros(num_frames * FRAME_SAMPLES, np.float32)
    for clip, start in talkers.tolist():
        voice = looped(part, clip, start, num_frames)
        mixed += voice / np.float32(np.sqrt(max(float(np.vdot(voice, voice)) / len(voice), TINY)))
    return mixed


def clipped(signal: Samples, clip_db: float) -> Samples:
    """The signal cut off `clip_db` under its peak; nan leaves it as it is."""
    if np.isnan(clip_db):
        return signal
    bound = float(np.abs(signal).max()) * 10 ** (-clip_db / 20)
    cut: Samples = np.clip(signal, -bound, bound)
    return cut


def active_power(part: AudioPart, pieces: NDArray[np.void], clean: Samples) -> float:
    """Mean square of the clean crop over its active frames: pauses do not lower the level of speech."""
    framed = clean.reshape(-1, FRAME_SAMPLES)
    energy = np.einsum("ft,ft->f", framed, framed)
    total, count = 0.0, 0
    for clip, start, at, length in pieces.tolist():
        first = part.frame_offsets[clip] + start
        active = np.diff(part.active_before[first : first + length + 1]) > 0
        total += float(energy[at : at + length][active].sum())
        count += int(active.sum())
    return total / max(1, count * FRAME_SAMPLES)


def noise_gain(speech_power: float, noise: Samples, snr_db: float) -> float:
    """The gain g with 10 log10(speech_power / mean (g noise)^2) = snr_db."""
    noise_power = float(np.vdot(noise, noise)) / len(noise)
    return float(np.sqrt(speech_power / max(noise_power, TINY) / 10 ** (snr_db / 10)))


def levelled(noisy: Samples, clean: Samples, level_dbfs: float) -> tuple[Samples, Samples]:
    """Both signals scaled by one factor: RMS of the mixture at `level_dbfs`, or lower where a peak would clip.

    NaN keeps the level that the signals have.
    """
    rms = float(np.sqrt(np.vdot(noisy, noisy) / len(noisy)))
    scale = 1.0 if np.isnan(level_dbfs) else 10 ** (level_dbfs / 20) / max(rms, TINY)
    # of the clean signal too: it is the target, and noise can cancel its peaks
    peak = max(float(signal.max()) for signal in (noisy, -noisy, clean, -clean))
    factor = np.float32(min(scale, PEAK / max(peak, TINY)))
    return noisy * factor, clean * factor


def ratio_db(power: float, other: float) -> float:
    """10 log10(power / other), finite where either is zero."""
    return float(10 * np.log10(max(power, TINY) / max(other, TINY)))
