"""Extended short-time objective intelligibility."""

from __future__ import annotations

from dfkd_core.metrics.base import UNDEFINED, Goal, Waveform
from dfkd_core.metrics.intelligibility import SEGMENT_FRAMES, segments, unit


class ESTOI:
    """Mean correlation of spectra over segments of 384 ms, for modulated noise, -1 to 1 (Jensen and Taal, 2016).

    Each band is normalised over the segment's frames, then each frame over its bands. 0 for a silent estimate;
    undefined under 0.4 s of active speech.
    """

    name = "estoi"
    unit = "1"
    goal: Goal = "maximize"

    def __call__(self, estimate: Waveform, clean: Waveform) -> float:
        """ESTOI of the estimate (time,) against clean speech (time,)."""
        pair = segments(estimate, clean)
        if pair is None:
            return UNDEFINED
        x, y = (unit(unit(envelope, axis=-1), axis=-2) for envelope in pair)
        return float((x * y).sum() / SEGMENT_FRAMES / len(x))
