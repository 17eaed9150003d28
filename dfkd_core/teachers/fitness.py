"""Whether a teacher's estimates can be learned from: length, finiteness, delay, gain."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from dfkd_core.errors import DataError
from dfkd_core.teachers.base import Waveforms

MAX_DELAY_SAMPLES = 8  # 0.5 ms; phase-aware losses see more as error
GAIN_WARNING_DB = 6.0
_SEARCHED_SAMPLES = 1600  # 100 ms to either side

_log = logging.getLogger(__name__)


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
    """DataError when estimates lag or lead clean speech; a warning when their level is far off."""
    delay = delay_samples(estimate, clean)
    if abs(delay) > MAX_DELAY_SAMPLES:
        shift = f"{'lags' if delay > 0 else 'leads'} by {abs(delay)} samples ({abs(delay) / 16:.1f} ms)"
        raise DataError(f"teacher {name}: must not shift the signal, but {shift}; compensate its delay")
    gain_db = level_db(estimate, clean)
    if abs(gain_db) > GAIN_WARNING_DB:
        _log.warning("teacher %s returns speech at %+.1f dB; distil by a loss that ignores gain", name, gain_db)


def delay_samples(estimate: Waveforms, reference: Waveforms) -> int:
    """Lag of estimates behind references, each (batch, time), at the peak of |cross-correlation| within 100 ms."""
    span = min(_SEARCHED_SAMPLES, estimate.shape[-1] - 1)
    num_fft = 2 * estimate.shape[-1]
    spectra = np.fft.rfft(estimate, num_fft) * np.fft.rfft(reference, num_fft).conj()
    correlation: NDArray[np.float64] = np.fft.irfft(spectra.sum(axis=0), num_fft)
    lags = np.arange(-span, span + 1)
    return int(lags[np.argmax(np.abs(correlation[lags]))])


def level_db(estimate: Waveforms, clean: Waveforms) -> float:
    """Gain of clean speech in the estimates, in dB: 20 log10 |<e, s> / <s, s>|."""
    gain = np.vdot(estimate, clean) / max(float(np.vdot(clean, clean)), 1e-12)
    return float(20 * np.log10(max(abs(float(gain)), 1e-6)))
