"""A frame's two bands, seen from its split bin: their masks, sums over their bins, and the cosine of such sums."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dfkd_core.signal.spectrum import EPS, Spectrum

# The baseline keeps norms above 1e-8; EPS beside the energy of a quiet frame of a quiet student bends the gradient.
LITERAL_EPS = 1e-12  # a product of two smaller ones has no finite derivative in single precision


def cosine_distance(dot: Tensor, target_energy: Tensor, student_energy: Tensor, *, eps: float = EPS) -> Tensor:
    """One minus the cosine of two spectra, from sums over the bins of a frame, a band or a patch; any shape.

        1 - sum Re(T conj S) / sqrt((sum |T|^2 + eps) (sum |S|^2 + eps))        in 0..2

    A positive gain on the student changes nothing; silence has cosine zero and a finite gradient.
    """
    return 1.0 - dot * torch.rsqrt((target_energy + eps) * (student_energy + eps))


def without_gradient(distance: Tensor, dc_alone: Tensor) -> Tensor:
    """Cosine distances, constants where the compared bins are `dc_alone` (bool, the same shape).

    There both spectra are real numbers and the cosine is their sign, which has no gradient: eps alone would give it
    one, of up to 1 / sqrt(eps), and the literal split puts a third of all frames there.
    """
    return torch.where(dc_alone, distance.detach(), distance)


@dataclass(frozen=True)
class BandMasks:
    """One where a bin is in the band, else zero; low and high are (batch, frame, freq) and share the split bin."""

    low: Tensor
    high: Tensor

    @classmethod
    def at(cls, split: Tensor, like: Tensor) -> BandMasks:
        """Cut at `split` (batch, frame): low f <= m, high f >= m; precision and bins of `like` (batch, frame, freq)."""
        bins = torch.arange(like.shape[-1], dtype=like.dtype, device=like.device)
        edge = split[:, :, None].to(like.dtype)
        # Compared straight into floats: 15 times as fast as a cast.
        low, high = torch.empty_like(like), torch.empty_like(like)
        torch.le(bins, edge, out=low)
        torch.ge(bins, edge, out=high)
        return cls(low, high)


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

    def cosine_distance(self, eps: float = EPS) -> Tensor:
        """1 - cos(T, S) of the band, (batch, frame)."""
        return cosine_distance(self.dot, self.target_energy, self.student_energy, eps=eps)
