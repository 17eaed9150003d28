"""Distillation methods; a new one is one file and one line in METHODS."""

from __future__ import annotations

from typing import Any

from dfkd_core.distillation.config import DistillationConfig
from dfkd_core.distillation.controls import FullBandCosine, NoDistillation, OutputMSE, OutputSISDR
from dfkd_core.distillation.dfkd import DFKD
from dfkd_core.distillation.dispatch import Dispatch
from dfkd_core.distillation.method import Method

METHODS: dict[str, type[Method]] = {
    "dfkd": DFKD,
    "dispatch": Dispatch,
    "full_band_cosine": FullBandCosine,
    "output_mse": OutputMSE,
    "output_si_sdr": OutputSISDR,
    "none": NoDistillation,
}


def build_method(**fields: Any) -> Method:
    """Build a method from the fields of the `distillation` block: `build_method(method="dfkd", beta=0.3)`.

    Called as `method(student, teacher, clean)`, each (batch, time), it returns L_KD as a scalar and what to log; the
    loss's weight and the supervised terms belong to the trainer. Raises ConfigError on a field out of its range.
    """
    config = DistillationConfig.parse(fields)
    return METHODS[config.method](config)
