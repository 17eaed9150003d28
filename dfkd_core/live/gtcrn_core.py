"""GTCRN frame by frame: what its published streaming form carries along."""

from __future__ import annotations

from torch import Tensor

from dfkd_core.live.core import LiveCore, Memory
from dfkd_core.live.frames import SpectralFrames
from dfkd_core.models.gtcrn import FRAMING, GTCRN, StepStates


class GTCRNCore(LiveCore):
    """Spectra (1, 2, 1, freq) in and out; nothing is delayed."""

    def __init__(self, model: GTCRN) -> None:
        super().__init__()
        self.model = model.eval()
        self.frames = SpectralFrames(FRAMING)

    def step(self, frame: Tensor, memory: Memory, past_end: int | Tensor) -> Tensor:
        """Enhance a frame."""
        spectrum = frame.transpose(1, 3)  # (batch, freq, frame, 2)
        zeros = self.model.first_states(spectrum)
        enhanced, following = self.model.enhance(
            spectrum, StepStates(*(memory.state(zero.shape, zero) for zero in zeros))
        )
        memory.new += following
        return enhanced.transpose(1, 3)
