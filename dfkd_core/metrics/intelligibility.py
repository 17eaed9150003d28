"""What STOI and ESTOI share: silence, short clips and a fixed dither."""

from __future__ import annotations

import warnings

import numpy as np

from dfkd_core.metrics.base import UNDEFINED, Waveform, checked, is_silent

_SAMPLE_RATE_HZ = 16000
_SHORTEST_SAMPLES = 512  # one frame of 25.6 ms at 10 kHz, below which pystoi has nothing to stack
_FLOOR = 0.0


def intelligibility(estimate: Waveform, clean: Waveform, *, extended: bool) -> float:
    """STOI, or ESTOI when `extended`; 0 for a silent estimate, undefined under 30 active frames (0.4 s)."""
    estimate, clean = checked(estimate, clean)
    if clean.size < _SHORTEST_SAMPLES or not clean.any():
        return UNDEFINED
    score = _score(clean if is_silent(estimate, clean) else estimate, clean, extended)
    return _FLOOR if np.isfinite(score) and is_silent(estimate, clean) else score


def _score(estimate: Waveform, clean: Waveform, extended: bool) -> float:
    from pystoi import stoi

    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        dither = np.random.get_state()
        np.random.seed(0)
        try:
            return float(stoi(clean, estimate, _SAMPLE_RATE_HZ, extended=extended))
        except RuntimeWarning:  # its way to say that too few frames are active
            return UNDEFINED
        finally:
            np.random.set_state(dither)
