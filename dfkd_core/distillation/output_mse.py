"""Mean squared error between outputs: the plainest distillation, a control."""

from __future__ import annotations

import torch
from torch import Tensor

from dfkd_core.distillation.method import Diagnostics, Method
from dfkd_core.signal.spectrum import Spectrum, full_precision


class OutputMSE(Method):
    """L_KD = mean (t - s)^2 over samples, or with `domain: stft` mean (|T| - |S|)^2 over bins and frames.

    In the STFT domain magnitudes are raised to `compression` first. Both grow with the square of the level.
    """

    def forward(self, student: Tensor, teacher: Tensor | None, clean: Tensor) -> tuple[Tensor, Diagnostics]:
        """L_KD and its value, from (batch, time) signals."""
        student, target = full_precision(student), full_precision(self.target(teacher, clean))
        in_waveform = self.config.domain == "waveform"
        loss = (student - target).square().mean() if in_waveform else self._spectral(student, target)
        return loss, {"mse": loss.item()}

    def _spectral(self, student: Tensor, target: Tensor) -> Tensor:
        exponent = self.config.compression
        magnitudes = (Spectrum.of(signal).compressed_magnitude(exponent) for signal in (student, target))
        return torch.sub(*magnitudes).square().mean()
