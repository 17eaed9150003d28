"""Whether a teacher's estimates can be learned from: length, finiteness, delay, sign, gain."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfkd_core.errors import DataError
from dfkd_core.teachers.base import Waveforms

MAX_DELAY_SAMPLES = 8  # 0.5 ms; phase-aware losses see more as error
GAIN_WARNING_DB = 6.0
ALIKE = 0.5  # correlation from which on two signals are versions of one
_CLEARER = 1.2  # how much clearer than an unshifted signal a shifted one must be to be called so
_SEARCHED_SAMPLES = 1600  # 100 ms to either side
_TINY = 1e-12

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fitness:
    """How estimates lie to clean speech; as text, one line.

    delay_samples: of estimates behind the speech. gain_db: of the speech in them. correlation: at that delay,
    negative where the sign is turned. correlation_unshifted: without a delay, between 0 and 1.
    """

    delay_samples: int
    gain_db: float
    correlation: float
    correlation_unshifted: float

    @property
    def is_alike(self) -> bool:
        """Whether the estimates hold the speech at all, so that a delay and a sign mean something."""
        return abs(self.correlation) >= ALIKE

    @property
    def is_shifted(self) -> bool:
        """Whether the speech lies elsewhere than where it was."""
        is_clear = self.is_alike and abs(self.correlation) > _CLEARER * self.correlation_unshifted
        return is_clear and abs(self.delay_samples) > MAX_DELAY_SAMPLES

    def __str__(self) -> str:
        sign = ", sign turned" if self.is_alike and self.correlation < 0 else ""
        return (
            f"delay {self.delay_samples} samples ({self.delay_samples / 16:.1f} ms), gain {self.gain_db:+.1f} dB, "
            f"correlation {abs(self.correlation):.2f}{sign}"
        )


def measure(estimate: Waveforms, clean: Waveforms) -> Fitness:
    """Compare estimates with clean speech, each (batch, time), over all of them together."""
    delay, peak = _peak(estimate, clean)
    energy = float(np.linalg.norm(estimate)) * float(np.linalg.norm(clean)) + _TINY
    unshifted = abs(float(np.vdot(estimate, clean))) / energy
    return Fitness(delay, level_db(estimate, clean), peak / energy, unshifted)


def require_estimates(name: str, estimate: Waveforms, noisy: Waveforms) -> None:
    """DataError unless estimates have the shape (batch, time) of the mixtures and are finite."""
    if estimate.shape != noisy.shape:
        raise DataError(
            f"teacher {name}: must return {noisy.shape[-1]} samples a mixture as it was given, "
            f"but returned shape {estimate.shape}; choose or repair the teacher"
        )
    if not np.isfinite(estimate).all():
        raise DataError(f"teacher {name}: must return finite samples, but returned nan or inf; choose another teacher")


def require_alignment(name: str, estimate: Waveforms, clean: Waveforms) -> None:
    """DataError when estimates lag, lead or turn clean speech over; a warning when their level is far off."""
    found = measure(estimate, clean)
    if abs(found.delay_samples) > MAX_DELAY_SAMPLES:
        shift = delay_in_words(found.delay_samples)
        raise DataError(f"teacher {name}: must not shift the signal, but {shift}; compensate its delay")
    if found.is_alike and found.correlation < 0:
        raise DataError(f"teacher {name}: must keep the signal's sign, but turns it over; multiply its output by -1")
    if abs(found.gain_db) > GAIN_WARNING_DB:
        _log.warning("teacher %s returns speech at %+.1f dB; distil by a loss that ignores gain", name, found.gain_db)


def require_each_aligned(
    name: str, mixtures: Sequence[str], estimate: Waveforms, noisy: Waveforms, clean: Waveforms
) -> None:
    """DataError naming the first of the mixtures whose estimate alone is shifted, as one file of a folder may be.

    Only estimates that are less like the speech than the mixture was are looked at, which costs two products each.
    """
    suspects = np.flatnonzero(_likeness(estimate, clean) < _likeness(noisy, clean))
    for index in suspects.tolist():
        found = measure(estimate[index : index + 1], clean[index : index + 1])
        if found.is_shifted:
            shift = delay_in_words(found.delay_samples)
            raise DataError(f"teacher {name}: must not shift {mixtures[index]}, but {shift}; write that estimate again")


def delay_in_words(delay_samples: int) -> str:
    """A delay in words: lags by 384 samples (24.0 ms)."""
    verb = "lags" if delay_samples > 0 else "leads"
    return f"{verb} by {abs(delay_samples)} samples ({abs(delay_samples) / 16:.1f} ms)"


def delay_samples(estimate: Waveforms, reference: Waveforms) -> int:
    """Lag of estimates behind references, each (batch, time), at the peak of |cross-correlation| within 100 ms."""
    return _peak(estimate, reference)[0]


def level_db(estimate: Waveforms, clean: Waveforms) -> float:
    """Gain of clean speech in the estimates, in dB: 20 log10 |<e, s> / <s, s>|."""
    gain = np.vdot(estimate, clean) / max(float(np.vdot(clean, clean)), _TINY)
    return float(20 * np.log10(max(abs(float(gain)), 1e-6)))


def _peak(estimate: Waveforms, reference: Waveforms) -> tuple[int, float]:
    """Lag and value of the cross-correlation, summed over the batch, where it is largest."""
    span = min(_SEARCHED_SAMPLES, estimate.shape[-1] - 1)
    num_fft = 2 * estimate.shape[-1]
    spectra = np.fft.rfft(estimate, num_fft) * np.fft.rfft(reference, num_fft).conj()
    correlation: NDArray[np.float64] = np.fft.irfft(spectra.sum(axis=0), num_fft)
    lags = np.arange(-span, span + 1)
    best = int(lags[np.argmax(np.abs(correlation[lags]))])
    return best, float(correlation[best])


def _likeness(signal: Waveforms, clean: Waveforms) -> NDArray[np.float64]:
    """|<x, s>| / (|x| |s|) of each row, (batch,)."""
    norms = np.linalg.norm(signal, axis=-1) * np.linalg.norm(clean, axis=-1)
    likeness: NDArray[np.float64] = np.abs(np.einsum("bt,bt->b", signal, clean)) / np.maximum(norms, _TINY)
    return likeness
