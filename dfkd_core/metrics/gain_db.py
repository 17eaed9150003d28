"""Level of the speech that an estimate keeps."""

from __future__ import annotations

import numpy as np

from dfkd_core.metrics.base import UNDEFINED, Goal, Waveform, checked

LIMIT_DB = 100.0


class Gain:
    """20 log10 (<e, s> / <s, s>): the gain at which clean speech s appears in the estimate e.

    0 dB is right, negative is too quiet. SI-SDR, cosine losses and PESQ do not see it. Held within +-100 dB; a silent
    estimate has -100 dB, and so has one in which the speech stands with its sign turned over, which no other metric
    sees: SI-SDR, as it is defined, is blind to it.
    """

    name = "gain_db"
    unit = "dB"
    goal: Goal = "zero"

    def __call__(self, estimate: Waveform, clean: Waveform) -> float:
        """Gain in dB of the estimate (time,) against clean speech (time,)."""
        estimate, clean = checked(estimate, clean)
        if not clean.any():
            return UNDEFINED
        gain = float(estimate @ clean) / float(clean @ clean)
        return float(np.clip(20 * np.log10(gain), -LIMIT_DB, LIMIT_DB)) if gain > 0 else -LIMIT_DB
