"""Power-law compressed spectral error (Braun and Tashev, arXiv 2009.12286)."""

from __future__ import annotations

from torch import Tensor

from dfkd_core.signal.spectrum import Spectrum

EXPONENT = 0.3
COMPLEX_SHARE = 0.3


def compressed_spectrum(estimate: Tensor, clean: Tensor) -> Tensor:
    """Error of compressed spectra, a scalar: the mean over clips, bins and frames of signals (batch, time).

    0.7 (|S|^0.3 - |Y|^0.3)^2 + 0.3 |S^0.3 - Y^0.3|^2, X^0.3 = |X|^0.3 exp(i angle X)
    """
    student, target = Spectrum.of(estimate), Spectrum.of(clean)
    magnitude = student.compressed_magnitude(EXPONENT) - target.compressed_magnitude(EXPONENT)
    difference = student.compressed(EXPONENT).minus(target.compressed(EXPONENT))
    return (1.0 - COMPLEX_SHARE) * magnitude.square().mean() + COMPLEX_SHARE * difference.power.mean()
