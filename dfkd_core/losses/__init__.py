"""Supervised terms between estimate and clean speech; a new term is one file, one line here and one config field."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from dfkd_core.losses.compressed_spectrum import compressed_spectrum
from dfkd_core.losses.multi_resolution_stft import multi_resolution_stft
from dfkd_core.losses.pesq import pesq
from dfkd_core.losses.si_sdr import si_sdr
from dfkd_core.losses.snr import snr
from dfkd_core.losses.supervised import LossConfig, SupervisedLoss

TERMS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "snr": snr,
    "si_sdr": si_sdr,
    "multi_resolution_stft": multi_resolution_stft,
    "compressed_spectrum": compressed_spectrum,
    "pesq": pesq,
}


def supervised_loss(config: LossConfig) -> SupervisedLoss:
    """The terms that a config weighs, without those of weight 0."""
    return SupervisedLoss(TERMS, config)
