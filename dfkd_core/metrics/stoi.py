"""Short-time objective intelligibility."""

from __future__ import annotations

import numpy as np

from dfkd_core.metrics.base import UNDEFINED, Goal, Waveform
from dfkd_core.metrics.intelligibility import EPS, Array, segments, unit

_CLIP = 1 + 10 ** (15 / 20)  # an estimate's envelope counts up to 15 dB of distortion


class STOI:
    """Mean correlation of band envelopes over segments of 384 ms, -1 to 1 (Taal, Hendriks, Heusdens, Jensen, 2011).

    The estimate's envelope is scaled to the clean one's norm in each segment and clipped. 0 for a silent
    estimate; undefined under 0.4 s of active speech.
    """

    name = "stoi"
    unit = "1"
    goal: Goal = "maximize"

    def __call__(self, estimate: Waveform, clean: Waveform) -> float:
        """STOI of the estimate (time,) against clean speech (time,)."""
        pair = segments(estimate, clean)
        if pair is None:
            return UNDEFINED
        x, y = pair[1], pair[0]
        scaled = y * _norm(x) / (_norm(y) + EPS)
        return float((unit(np.minimum(scaled, _CLIP * x), axis=-1) * unit(x, axis=-1)).sum(axis=-1).mean())


def _norm(envelope: Array) -> Array:
    norm: Array = np.linalg.norm(envelope, axis=-1, keepdims=True)
    return norm
