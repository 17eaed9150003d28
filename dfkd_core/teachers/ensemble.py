"""Several teachers as one: the mean of their estimates, or the estimate of the one that the mixture's SNR calls for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dfkd_core.errors import DataError
from dfkd_core.teachers.base import Listed, Teacher, Waveforms
from dfkd_core.teachers.fitness import MAX_DELAY_SAMPLES, delay_in_words, measure, require_estimates

_TINY = 1e-12


class EnsembleTeacher:
    """Members that are asked the same mixtures and answer as one.

    mean: the mean of all estimates. by_snr: for each mixture the estimate of one member, chosen by `estimated_snr_db`
    of the members' mean: member i where i of the borders lie at or under it.
    """

    def __init__(self, members: Sequence[Teacher], borders_db: Sequence[float] | None = None) -> None:
        self.members, self.borders_db = list(members), None if borders_db is None else list(borders_db)
        self._are_aligned = False

    @property
    def name(self) -> str:
        """Its members, and how they are combined."""
        names = [member.name for member in self.members]
        if self.borders_db is None:
            return f"mean of {', '.join(names)}"
        others = [f"from {border:g} dB {name}" for border, name in zip(self.borders_db, names[1:], strict=True)]
        return ", ".join([names[0], *others])

    @cached_property
    def sha256(self) -> str:
        """Hash over the members' and how they are combined."""
        parts = [*(member.sha256 for member in self.members), repr(self.borders_db)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def __call__(self, noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        """Estimates (batch, time) of noisy (batch, time); DataError names a member that is unfit or shifted."""
        answers = []
        for member in self.members:
            answers.append(member(noisy, listed))
            require_estimates(member.name, answers[-1], noisy)
        estimates = np.stack(answers)
        self._require_aligned(estimates)
        mean: Waveforms = estimates.mean(axis=0, dtype=np.float32)
        if self.borders_db is None:
            return mean
        chosen = np.searchsorted(self.borders_db, estimated_snr_db(noisy, mean), side="right")
        picked: Waveforms = estimates[chosen, np.arange(len(noisy))]
        return picked

    def _require_aligned(self, estimates: Waveforms) -> None:
        """Shifted against each other, members would blur what their mean says; the first call tells."""
        if self._are_aligned:
            return
        first = self.members[0]
        for member, estimate in zip(self.members[1:], estimates[1:], strict=True):
            fitness = measure(estimate, estimates[0])
            if fitness.is_alike and abs(fitness.delay_samples) > MAX_DELAY_SAMPLES:
                raise DataError(
                    f"teacher {member.name}: must be aligned with {first.name} in an ensemble, "
                    f"but {delay_in_words(fitness.delay_samples)} against it; compensate its delay"
                )
        self._are_aligned = True


def estimated_snr_db(noisy: Waveforms, estimate: Waveforms) -> NDArray[np.float64]:
    """10 log10(|e|^2 / |x - e|^2) of each mixture x, with the estimate e of its speech: (batch,) of (batch, time).

    What a teacher takes away counts as noise, so that it needs nothing but what a teacher hears.
    """
    speech, noise = (np.square(signal, dtype=np.float64).sum(axis=-1) for signal in (estimate, noisy - estimate))
    snr_db: NDArray[np.float64] = 10 * np.log10((speech + _TINY) / (noise + _TINY))
    return snr_db
