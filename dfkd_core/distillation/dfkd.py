"""Dynamic frequency-adaptive knowledge distillation (DFKD): a loss of its own for each of two bands.

After arXiv 2502.04711 and the baseline of DISPatch (arXiv 2509.15922). The clip-wise magnitude scale, the amplitude
weight of frames and the bounded split are this project's; `magnitude: raw`, `frame_weight: none` and `split: literal`
give the literal form.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dfkd_core.distillation.band_weight import band_weight
from dfkd_core.distillation.bands import LITERAL_EPS, BandMasks, BandSums, without_gradient
from dfkd_core.distillation.config import DistillationConfig
from dfkd_core.distillation.frame_weight import active_frames, frame_weights, weighted_mean
from dfkd_core.distillation.frequency_adapter import FrequencyAdapter
from dfkd_core.distillation.magnitude_error import magnitude_error, magnitude_scale
from dfkd_core.distillation.method import Diagnostics, Method
from dfkd_core.distillation.split_report import KEYS as SPLIT_KEYS
from dfkd_core.distillation.split_report import split_statistics
from dfkd_core.signal.spectrum import EPS, Spectrum

KEYS = ("low", "high", "weight_low", "weight_high", *SPLIT_KEYS)


class DFKD(Method):
    """L_KD = mean over clips of w_low L_low + w_high L_high.

        L_low  = mean over frames of 1 - cos(T_low, S_low)
        L_high = mean over frames of beta (1 - cos(T_high, S_high)) + (1 - beta) MSE(|T_high|, |S_high|) / E

    T is the target's spectrum (teacher, or clean speech with `target: clean`) and S the student's, both with
    magnitudes raised to `compression`; low is f <= m and high is f >= m with the target's split bin m of the frame.
    """

    def __init__(self, config: DistillationConfig) -> None:
        super().__init__(config)
        self.adapter = FrequencyAdapter(config)
        self.band_weight = band_weight(config)

    @classmethod
    def reads_clean(cls, config: DistillationConfig) -> tuple[str, str, str] | None:
        """A split that is searched in clean speech."""
        if config.split == "fixed" or config.split_from != "clean":
            return None
        return "split_from", "clean", "set it to teacher"

    def forward(self, student: Tensor, teacher: Tensor | None, clean: Tensor) -> tuple[Tensor, Diagnostics]:
        """L_KD and its diagnostics from (batch, time) signals."""
        target = Spectrum.of(self.target(teacher, clean))
        split = self.split(target, clean)
        active = active_frames(target.power)
        exponent = self.config.compression
        losses = self.band_losses(target.compressed(exponent), Spectrum.of(student).compressed(exponent), split, active)
        weights = self.band_weight(losses.detach())
        report = (losses.detach().mean(0), weights.mean(0), split_statistics(split, active, self.adapter))
        return (weights * losses).sum(1).mean(), dict(zip(KEYS, torch.cat(report).tolist(), strict=True))

    def split(self, target: Spectrum, clean: Tensor) -> Tensor:
        """Split bin of every frame, int64 (batch, frame), from the signal that `split_from` names.

        With `target: clean` that is clean speech, whatever `split_from` says: no teacher is at hand.
        """
        from_target = self.config.target == "clean" or self.config.split_from == "teacher"
        source = target if from_target else Spectrum.of(clean.detach())
        return self.adapter(source.power.sqrt().transpose(1, 2))

    def band_losses(self, target: Spectrum, student: Spectrum, split: Tensor, active: Tensor) -> Tensor:
        """L_low and L_high of every clip, (batch, 2)."""
        masks = BandMasks.at(split, target.power)
        low, high = BandSums.over(target, student, masks.low, masks.high)
        eps, beta = LITERAL_EPS if self.config.split == "literal" else EPS, self.config.beta
        of_low, of_high = without_gradient(low.cosine_distance(eps), split == 0), high.cosine_distance(eps)
        if beta < 1.0:
            scale = magnitude_scale(self.config.magnitude, target.power, masks.high)
            error = magnitude_error(target, student, masks.high) / scale[:, None]
            of_high = beta * of_high + (1.0 - beta) * error
        weights = (frame_weights(self.config.frame_weight, band.target_energy, active) for band in (low, high))
        return torch.stack([weighted_mean(*pair) for pair in zip((of_low, of_high), weights, strict=True)], dim=1)
