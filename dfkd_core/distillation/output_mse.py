"""Mean squared error between outputs: the plainest distillation, a control."""

from __future__ import annotations

from torch import Tensor

from dfkd_core.distillation.method import Diagnostics, Method
from dfkd_core.spectrum import Spectrum


class OutputMSE(Method):
    """L_KD = mean (t - s)^2 over samples, or with `domain: stft` mean (|T| - |S|)^2 over bins and frames.

    In the STFT domain magnitudes are raised to `compression` first. Both grow with the square of the level.
    """

    def forward(self, student: Tensor, teacher: Tensor | None, clean: Tensor) -> tuple[Tensor, Diagnostics]:
        """L_KD and its value, from (batch, time) signals."""
        target = self.target(teacher, clean)
        difference = student - target if self.config.domain == "waveform" else self._spectral(student, target)
        loss = difference.square().mean()
        return loss, {"mse": loss.item()}

    def _spectral(self, student: Tensor, target: Tensor) -> Tensor:
        """|S| - |T|, (batch, freq, frame)."""
        spectra = (Spectrum.of(signal).compressed(self.config.compression) for signal in (student, target))
        student_magnitude, target_magnitude = (spectrum.magnitude for spectrum in spectra)
        return student_magnitude - target_magnitude
