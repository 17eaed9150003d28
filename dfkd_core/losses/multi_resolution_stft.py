"""Multi-resolution STFT loss (Yamamoto et al., Parallel WaveGAN, arXiv 1910.11480), with hops of a quarter window."""

from __future__ import annotations

import torch
from torch import Tensor

from dfkd_core.signal.spectrum import Spectrum
from dfkd_core.signal.stft import Framing

RESOLUTIONS = tuple(Framing(n_fft=n, window_samples=n, hop_samples=n // 4) for n in (512, 1024, 2048))


def multi_resolution_stft(estimate: Tensor, clean: Tensor) -> Tensor:
    """Spectral convergence plus log-magnitude error, a scalar: the mean over three resolutions.

        || |Y| - |S| || / || |Y| ||   +   mean |log |Y| - log |S||        windows of 512, 1024 and 2048 samples

    Signals are (batch, time); the convergence is taken per clip, so that a loud clip does not hide a quiet one.
    """
    errors = []
    for framing in RESOLUTIONS:
        student, target = Spectrum.of(estimate, framing), Spectrum.of(clean, framing)
        error = torch.linalg.vector_norm(target.magnitude - student.magnitude, dim=(1, 2))
        # The eps inside every magnitude keeps this norm off zero on silence.
        convergence = error / torch.linalg.vector_norm(target.magnitude, dim=(1, 2))
        logarithms = 0.5 * (target.log_power - student.log_power).abs()
        errors.append(convergence.mean() + logarithms.mean())
    return torch.stack(errors).mean()
