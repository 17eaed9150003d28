"""Losses are computed in full precision, whatever the student computes in."""

from __future__ import annotations

import torch
from torch import Tensor


def full_precision(signal: Tensor) -> Tensor:
    """The signal, half precisions widened to float32: sums of squares need it, and there is no FFT of bfloat16."""
    return signal.float() if signal.dtype in (torch.float16, torch.bfloat16) else signal
