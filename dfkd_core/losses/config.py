"""Weights of the supervised terms; a term of weight 0 is not computed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dfkd_core.base.schema import Config

Weight = Annotated[float, Field(ge=0)]


class LossConfig(Config):
    """Supervised terms between estimate and clean speech."""

    snr: Weight = 1.0
    si_sdr: Weight = 0.0
    multi_resolution_stft: Weight = 0.0
    compressed_spectrum: Weight = 1.0
    pesq: Weight = 0.0
