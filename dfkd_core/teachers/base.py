"""What every teacher is: a name, an identity and estimates of noisy waveforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Waveforms = NDArray[np.float32]


class Listed(Protocol):
    """A mixture of a list, by which a teacher finds what it has said of it."""

    @property
    def name(self) -> str:
        """A stable name that no other mixture has."""

    def made_of(self, read: Callable[[str, int], Waveforms]) -> Waveforms | None:
        """The mixture cut from `read(stem, num_samples)`, or None where it was not cut from noisy files."""


class Teacher(Protocol):
    """Anything that maps noisy waveforms to estimates of clean speech; only waveforms are asked of it.

    Opening one is cheap: it finds and hashes files. Networks are loaded by the first call.
    """

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def sha256(self) -> str:
        """Identity of what it computes: equal hashes give equal estimates."""

    def __call__(self, noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        """Estimates (batch, time) of noisy (batch, time) at 16 kHz; `listed` says which mixtures these are."""
