"""Phase-aware, gain-free likeness of two spectra."""

from __future__ import annotations

import torch
from torch import Tensor

from dfkd_core.signal.spectrum import EPS


def cosine_distance(dot: Tensor, target_energy: Tensor, student_energy: Tensor) -> Tensor:
    """One minus the cosine of two spectra, from sums over the bins of a frame, a band or a patch; any shape.

        1 - sum Re(T conj S) / sqrt((sum |T|^2 + eps) (sum |S|^2 + eps))        in 0..2

    A positive gain on the student changes nothing; silence has cosine zero and a finite gradient.
    """
    return 1.0 - dot * torch.rsqrt((target_energy + EPS) * (student_energy + EPS))
