"""Cosine of whole frames: DFKD without its bands, a control."""

from __future__ import annotations

from torch import Tensor

from dfkd_core.distillation.cosine import cosine_distance
from dfkd_core.distillation.frame_weight import active_frames, frame_weights, weighted_mean
from dfkd_core.distillation.method import Diagnostics, Method
from dfkd_core.signal.spectrum import Spectrum


class FullBandCosine(Method):
    """L_KD = mean over frames of 1 - cos(T, S) over all bins; blind to the student's gain.

    `compression` and `frame_weight` mean what they mean in DFKD.
    """

    def forward(self, student: Tensor, teacher: Tensor | None, clean: Tensor) -> tuple[Tensor, Diagnostics]:
        """L_KD and the mean cosine, from (batch, time) signals."""
        uncompressed = Spectrum.of(self.target(teacher, clean))
        target = uncompressed.compressed(self.config.compression)
        estimate = Spectrum.of(student).compressed(self.config.compression)
        dot, target_energy, student_energy = (
            product.sum(dim=-1) for product in (target.dot(estimate), target.power, estimate.power)
        )
        weights = frame_weights(self.config.frame_weight, target_energy, active_frames(uncompressed.power))
        loss = weighted_mean(cosine_distance(dot, target_energy, student_energy), weights).mean()
        return loss, {"cosine": 1.0 - loss.item()}
