"""Scale-invariant signal-to-distortion ratio."""

from __future__ import annotations

import numpy as np

from dfkd_core.metrics.base import UNDEFINED, Goal, Waveform, checked

LIMIT_DB = 100.0


class SISDR:
    """10 log10 (||a s||^2 / ||a s - e||^2) with a = <e, s> / <s, s>, for estimate e and clean s.

    Means are not removed. Values are held within +-100 dB, so that an identical or an orthogonal estimate
    stays finite in a mean; a silent estimate gets -100 dB (Le Roux, Wisdom, Erdogan, Hershey, 2019).
    """

    name = "si_sdr_db"
    unit = "dB"
    goal: Goal = "maximize"

    def __call__(self, estimate: Waveform, clean: Waveform) -> float:
        """SI-SDR in dB of the estimate (time,) against clean speech (time,)."""
        estimate, clean = checked(estimate, clean)
        if not clean.any():
            return UNDEFINED
        target = (estimate @ clean) / (clean @ clean) * clean
        signal, distortion = float(target @ target), float(np.sum((target - estimate) ** 2))
        if signal == 0.0:
            return -LIMIT_DB
        return float(np.clip(10 * np.log10(signal / distortion), -LIMIT_DB, LIMIT_DB)) if distortion else LIMIT_DB
