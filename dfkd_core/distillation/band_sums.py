"""Sums over the bins of a band: all that a frame's cosine and weight need."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from dfkd_core.distillation.cosine import cosine_distance
from dfkd_core.signal.spectrum import Spectrum


@dataclass(frozen=True)
class BandSums:
    """sum_f Re(T conj S), sum_f |T|^2 and sum_f |S|^2 of a band, each (batch, frame)."""

    dot: Tensor
    target_energy: Tensor
    student_energy: Tensor

    @classmethod
    def over(cls, target: Spectrum, student: Spectrum, *masks: Tensor) -> tuple[BandSums, ...]:
        """The sums of every band, given as masks (batch, frame, freq)."""
        products = (target.dot(student), target.power, student.power)
        # Not by differences of cumulative sums: no faster, and a faint band beside a loud one would lose its digits.
        return tuple(cls(*((product * mask).sum(dim=-1) for product in products)) for mask in masks)

    def cosine_distance(self) -> Tensor:
        """1 - cos(T, S) of the band, (batch, frame)."""
        return cosine_distance(self.dot, self.target_energy, self.student_energy)
