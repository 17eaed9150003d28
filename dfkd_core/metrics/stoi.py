"""Short-time objective intelligibility."""

from __future__ import annotations

from dfkd_core.metrics.base import Goal, Waveform
from dfkd_core.metrics.intelligibility import intelligibility


class STOI:
    """Correlation of third-octave envelopes over 384 ms, 0 to 1 (Taal, Hendriks, Heusdens, Jensen, 2011)."""

    name = "stoi"
    unit = "1"
    goal: Goal = "maximize"

    def __call__(self, estimate: Waveform, clean: Waveform) -> float:
        """STOI of the estimate (time,) against clean speech (time,)."""
        return intelligibility(estimate, clean, extended=False)
