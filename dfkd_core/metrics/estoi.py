"""Extended short-time objective intelligibility."""

from __future__ import annotations

from dfkd_core.metrics.base import Goal, Waveform
from dfkd_core.metrics.intelligibility import intelligibility


class ESTOI:
    """STOI on spectrally normalised segments, for modulated noise, 0 to 1 (Jensen and Taal, 2016)."""

    name = "estoi"
    unit = "1"
    goal: Goal = "maximize"

    def __call__(self, estimate: Waveform, clean: Waveform) -> float:
        """ESTOI of the estimate (time,) against clean speech (time,)."""
        return intelligibility(estimate, clean, extended=True)
