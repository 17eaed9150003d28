"""What every metric is, and what all of them do with silence."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Waveform = npt.NDArray[np.floating]
Goal = Literal["maximize", "minimize", "zero"]

SILENCE_DB = 60.0  # an estimate this far under the clean speech is inaudible beside it
UNDEFINED = float("nan")


class Metric(Protocol):
    """A score of one estimate against clean speech.

    Silence never improves a score: an estimate that is silent gets the worst value of the metric. Clean
    speech that is silent, or too short to be judged, leaves the score undefined (nan), whatever the estimate
    is; such clips are left out of a mean and counted.
    """

    @property
    def name(self) -> str:
        """Key of the METRICS table."""

    @property
    def unit(self) -> str:
        """Unit of the value."""

    @property
    def goal(self) -> Goal:
        """Where better lies."""

    def __call__(self, estimate: Waveform, clean: Waveform) -> float:
        """Score of two 16 kHz waveforms of one length, each (time,)."""


class OptionalMetric(Metric, Protocol):
    """A metric that needs more than this project's own dependencies."""

    def require_installed(self) -> None:
        """ConfigError, with the command that mends it, when what the metric needs is missing."""


def checked(estimate: Waveform, clean: Waveform) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Both waveforms as float64; ValueError when they are no finite vectors of one length."""
    if estimate.ndim != 1 or estimate.shape != clean.shape:
        raise ValueError(f"estimate and clean must be vectors of one length, but got {estimate.shape}, {clean.shape}")
    pair = np.asarray(estimate, np.float64), np.asarray(clean, np.float64)
    if not all(np.isfinite(signal).all() for signal in pair):
        raise ValueError("estimate and clean must be finite, but hold nan or inf; a diverged model has no score")
    return pair


def is_silent(estimate: npt.NDArray[np.float64], clean: npt.NDArray[np.float64]) -> bool:
    """Tell whether the estimate's energy lies SILENCE_DB or more under that of the clean speech."""
    return float(estimate @ estimate) <= 10 ** (-SILENCE_DB / 10) * float(clean @ clean)
