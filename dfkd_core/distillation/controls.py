"""Controls, which every gain of DFKD is measured against: nothing distilled, plain outputs, a cosine without bands."""

from __future__ import annotations

import torch
from torch import Tensor

from dfkd_core.distillation.bands import cosine_distance
from dfkd_core.distillation.frame_weight import active_frames, frame_weights, weighted_mean
from dfkd_core.distillation.method import Diagnostics, Method
from dfkd_core.losses.si_sdr import si_sdr
from dfkd_core.signal.spectrum import Spectrum, full_precision


class NoDistillation(Method):
    """L_KD = 0: the supervised terms alone."""

    @property
    def needs_teacher(self) -> bool:
        """No teacher is read."""
        return False

    def forward(self, student: Tensor, teacher: Tensor | None, clean: Tensor) -> tuple[Tensor, Diagnostics]:
        """Zero, without gradient."""
        return student.new_zeros(()), {}


class OutputMSE(Method):
    """L_KD = mean (t - s)^2 over samples, or with `domain: stft` mean (|T| - |S|)^2 over bins and frames.

    In the STFT domain magnitudes are raised to `compression` first. Both grow with the square of the level.
    """

    def forward(self, student: Tensor, teacher: Tensor | None, clean: Tensor) -> tuple[Tensor, Diagnostics]:
        """L_KD and its value, from (batch, time) signals."""
        student, target = full_precision(student), full_precision(self.target(teacher, clean))
        if self.config.domain == "stft":
            exponent = self.config.compression
            student, target = (Spectrum.of(signal).compressed_magnitude(exponent) for signal in (student, target))
        loss = torch.sub(student, target).square().mean()
        return loss, {"mse": loss.item()}


class OutputSISDR(Method):
    """L_KD = -SI-SDR(student, target) in dB, mean over clips; blind to the student's gain."""

    def forward(self, student: Tensor, teacher: Tensor | None, clean: Tensor) -> tuple[Tensor, Diagnostics]:
        """L_KD and the ratio in dB, from (batch, time) signals."""
        loss = si_sdr(student, self.target(teacher, clean))
        return loss, {"si_sdr_db": -loss.item()}


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
