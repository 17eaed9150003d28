"""DISPatch: distil only the patches in which the teacher has something to teach (arXiv 2509.15922)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dfkd_core.distillation.band_weight import band_weight
from dfkd_core.distillation.bands import BandMasks, cosine_distance, without_gradient
from dfkd_core.distillation.config import DistillationConfig
from dfkd_core.distillation.frame_weight import active_frames, frame_weights
from dfkd_core.distillation.frequency_adapter import FrequencyAdapter
from dfkd_core.distillation.magnitude_error import magnitude_scale
from dfkd_core.distillation.method import Diagnostics, Method
from dfkd_core.distillation.patches import Patches, keep_patches
from dfkd_core.distillation.split_report import KEYS as SPLIT_KEYS
from dfkd_core.distillation.split_report import split_statistics
from dfkd_core.signal.spectrum import EPS, Spectrum


@dataclass(frozen=True)
class Spectra:
    """What a step compares, magnitudes raised to `compression`: target is the teacher or clean speech."""

    target: Spectrum
    student: Spectrum
    teacher: Spectrum
    clean: Spectrum


@dataclass(frozen=True)
class PatchError:
    """e(A, B) of every patch, (batch, frame, patch): beta (1 - cos(A, B)) + (1 - beta) MSE(|A|, |B|) / E."""

    patches: Patches
    beta: float
    scale: Tensor  # E of every clip, (batch,)

    def __call__(self, target: Spectrum, estimate: Spectrum) -> Tensor:
        """The error of an estimate; a part of weight zero is not computed."""
        if self.beta == 1.0:
            return self._cosine(target, estimate)
        if self.beta == 0.0:
            return self._magnitude(target, estimate)
        return self.beta * self._cosine(target, estimate) + (1.0 - self.beta) * self._magnitude(target, estimate)

    def _cosine(self, target: Spectrum, estimate: Spectrum) -> Tensor:
        products = (target.dot(estimate), target.power, estimate.power)
        return without_gradient(cosine_distance(*(self.patches.sum(product) for product in products)), self.patches.dc)

    def _magnitude(self, target: Spectrum, estimate: Spectrum) -> Tensor:
        return self.patches.mean((target.magnitude - estimate.magnitude).square()) / self.scale[:, None, None]


class Dispatch(Method):
    """DFKD's loss, patch by patch, where the teacher beats the student.

        gap_p = e(Y_p, S_p) - e(Y_p, T_p)                               Y clean, S student, T teacher
        L     = mean over the kept patches of e(target_p, S_p)          kept: `keep` of each clip's patches, by gap

    With `bands: dfkd` a low band (beta = 1, patches of patch_bins[0] bins) and a high band (patch_bins[1] bins) are
    chosen from and averaged on their own and add up as in DFKD. With `bands: full` there is one band of all bins with
    beta = 0 and patches of patch_bins[0] bins. A teacher is needed with either target, to know the gap.
    """

    def __init__(self, config: DistillationConfig) -> None:
        super().__init__(config)
        self.adapter = FrequencyAdapter(config)
        self.band_weight = band_weight(config)

    @classmethod
    def reads_clean(cls, config: DistillationConfig) -> tuple[str, str, str] | None:
        """The method as such: it asks where the teacher beats the student."""
        return "method", "dispatch", "choose another method"

    @property
    def needs_teacher(self) -> bool:
        """Always: the gap compares the student with it."""
        return True

    def forward(self, student: Tensor, teacher: Tensor | None, clean: Tensor) -> tuple[Tensor, Diagnostics]:
        """L_KD and its diagnostics from (batch, time) signals."""
        taught, true = Spectrum.of(self.taught(teacher)), Spectrum.of(clean.detach())
        target = true if self.config.target == "clean" else taught
        active = active_frames(target.power)
        exponent = self.config.compression
        spectra = Spectra(*(s.compressed(exponent) for s in (target, Spectrum.of(student), taught, true)))
        if self.config.bands == "full":
            loss, kept = self._band(spectra, torch.ones_like(target.power), 0, beta=0.0, active=active)
            return loss.mean(), {"kept_share": kept.item()}
        split = self.adapter((taught if self.config.split_from == "teacher" else true).power.sqrt().transpose(1, 2))
        masks = BandMasks.at(split, spectra.target.power)
        low, kept_low = self._band(spectra, masks.low, 0, beta=1.0, active=active)
        high, kept_high = self._band(spectra, masks.high, 1, beta=self.config.beta, active=active)
        losses = torch.stack((low, high), dim=1)
        weights = self.band_weight(losses.detach())
        kept = torch.stack((kept_low, kept_high))
        report = (losses.detach().mean(0), weights.mean(0), kept, split_statistics(split, active, self.adapter))
        names = ("low", "high", "weight_low", "weight_high", "kept_share_low", "kept_share_high", *SPLIT_KEYS)
        return (weights * losses).sum(1).mean(), dict(zip(names, torch.cat(report).tolist(), strict=True))

    def _band(
        self, spectra: Spectra, mask: Tensor, index: int, *, beta: float, active: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Loss of every clip (batch,) in one band, and the share of its patches that was kept."""
        patches = Patches(mask, self.config.patch_bins[index])
        error = PatchError(patches, beta, magnitude_scale(self.config.magnitude, spectra.target.power, mask))
        energy = patches.sum(spectra.target.power)
        # DFKD's weights of frames, and zero outside the band
        weights = frame_weights(self.config.frame_weight, energy, active[:, :, None]) * (patches.sizes > 0)
        candidates = weights > 0
        # Detached late: under no_grad the student's cached powers would lose their gradient for the loss below.
        gap = error(spectra.clean, spectra.student).detach() - error(spectra.clean, spectra.teacher)
        kept = keep_patches(gap, candidates, self.config.keep)
        weights = weights * kept
        loss = (weights * error(spectra.target, spectra.student)).sum(dim=(1, 2))
        return loss / weights.sum(dim=(1, 2)).clamp_min(EPS), kept.sum() / candidates.sum().clamp_min(1)
