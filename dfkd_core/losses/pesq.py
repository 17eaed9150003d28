"""What PESQ takes off for disturbances (ITU-T P.862, wide band), as a loss that is differentiable.

After the Recommendation, without its search for delays; as others train with it (torch-pesq; FastEnhancer, Ahn et al.,
2025). It follows the metric and not the ear: alone it leaves gain and phase free, so weigh `snr` beside it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dfkd_core.losses.bark import FRAMING, WIDTH, audible, bark_powers, loudness
from dfkd_core.signal.spectrum import Spectrum

SYMMETRIC, ASYMMETRIC = 0.1, 0.0309  # points of the raw score a unit of disturbance
WINDOW, STEP = 20, 10  # frames whose loudest disturbances count most
EPS = 1e-6


def pesq(estimate: Tensor, clean: Tensor) -> Tensor:
    """0.1 D + 0.0309 A, a scalar: points of PESQ's raw score lost, mean over clips of signals (batch, time).

    D sums what differs in loudness, A what was added, over bands (norms 2 and 1), windows of 20 frames (norm 6) and
    the clip (norm 2).
    """
    degraded, reference = (bark_powers(Spectrum.of(signal, FRAMING).power) for signal in (estimate, clean))
    reference = reference * _band_ratio(degraded, reference).unsqueeze(1)
    degraded = degraded * _frame_ratio(degraded, reference).unsqueeze(-1)
    heard, wanted = loudness(degraded), loudness(reference)
    # differences of loudness, less a quarter of the quieter of both, which masks them; (batch, frame, band)
    difference = heard - wanted
    masked = 0.25 * torch.minimum(heard, wanted)
    disturbance = difference.sign() * (difference.abs() - masked).clamp(min=0.0)
    weight = ((audible(reference).sum(-1) + 1e5) / 1e7) ** 0.04
    # what was added disturbs more than what lacks: not at all below a ratio of 3, at most 12 times
    ratio = ((degraded + 50.0) / (reference + 50.0)) ** 1.2
    added = disturbance * (ratio.clamp(max=12.0) * (ratio >= 3.0))
    lost = SYMMETRIC * _over_time(_band_norm(disturbance, 2) / weight)
    return (lost + ASYMMETRIC * _over_time(_band_norm(added, 1) / weight)).mean()


def _band_ratio(degraded: Tensor, reference: Tensor) -> Tensor:
    """How much a band is weakened or raised throughout, (batch, band): linear filtering, which is hardly heard."""
    speech = audible(reference, 100.0).sum(-1, keepdim=True) >= 1e7
    means = [(audible(power, 100.0) * speech).mean(1) + 1000.0 for power in (degraded, reference)]
    return (means[0] / means[1]).clamp(0.01, 100.0)


def _frame_ratio(degraded: Tensor, reference: Tensor) -> Tensor:
    """Gain of each frame from degraded to reference, (batch, frame), smoothed over two frames."""
    ratio = (audible(reference).sum(-1) + 5e3) / (audible(degraded).sum(-1) + 5e3)
    before = torch.cat([ratio[:, :1], ratio[:, :-1]], dim=1)
    return (0.8 * ratio + 0.2 * before).clamp(3e-4, 5.0)


def _band_norm(disturbance: Tensor, order: int) -> Tensor:
    """Norm over the bands above the first, weighted by their widths, (batch, frame)."""
    width = WIDTH[1:].to(disturbance)
    weighted = (disturbance[..., 1:].abs() * width + EPS) ** order
    total = width.sum()
    norm: Tensor = total ** (1.0 - 1.0 / order) * weighted.sum(-1) ** (1.0 / order)
    return norm.clamp(max=45.0)


def _over_time(disturbance: Tensor) -> Tensor:
    """Norm 6 within windows, norm 2 over them: (batch,) from (batch, frame)."""
    windows = disturbance.unfold(1, min(WINDOW, disturbance.shape[1]), STEP)
    sixth = (windows + EPS).pow(6).mean(-1).pow(1.0 / 6.0)
    return sixth.square().mean(-1).sqrt()
