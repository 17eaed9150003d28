"""What a user may ask of distillation: one flat block, read by every method (contract: `distillation`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dfkd_core.base.schema import Config, NameIn

Positive = Annotated[float, Field(gt=0)]
Hertz = Annotated[float, Field(gt=0, le=8000)]


def _methods() -> Iterable[str]:
    from dfkd_core.distillation import METHODS

    return METHODS


class DistillationConfig(Config):
    """Method, band cutoffs, dynamic weight and their options; formulas are in docs/methods.md."""

    method: Annotated[str, NameIn(_methods)] = "dfkd"
    target: Literal["teacher", "clean"] = "teacher"
    weight: Annotated[float, Field(ge=0)] = 1.0
    schedule: Literal["constant", "two_step"] = "constant"
    split: Literal["literal", "dynamic", "fixed"] = "dynamic"
    split_from: Literal["teacher", "clean"] = "teacher"
    slope: Literal["relative", "absolute", "fall"] = "relative"
    min_cutoff_hz: Hertz = 250.0
    max_cutoff_hz: Hertz = 4000.0
    cutoff_hz: Hertz = 2000.0
    beta: Annotated[float, Field(ge=0, le=1)] = 0.5
    magnitude: Literal["clip", "raw"] = "clip"
    frame_weight: Literal["amplitude", "none"] = "amplitude"
    compression: Annotated[float, Field(gt=0, le=1)] = 1.0
    weighting: Literal["equal", "dynamic"] = "equal"
    temperature: Positive = 1.0
    keep: Annotated[float, Field(gt=0, le=1)] | Literal["positive"] = 0.8
    patch_bins: tuple[Annotated[int, Field(ge=1, le=257)], Annotated[int, Field(ge=1, le=257)]] = (10, 40)
    bands: Literal["dfkd", "full"] = "dfkd"  # of dispatch
    domain: Literal["waveform", "stft"] = "waveform"  # of output_mse

    @model_validator(mode="after")
    def _something_to_distil_first(self) -> Self:
        if self.schedule == "two_step" and self.method == "none":
            raise ValueError(
                "distillation.schedule must be constant with method none, but got two_step, "
                "whose first half would train nothing; name a method"
            )
        return self

    @model_validator(mode="after")
    def _cutoffs_in_order(self) -> Self:
        if self.min_cutoff_hz >= self.max_cutoff_hz:
            raise ValueError(
                "distillation.min_cutoff_hz must be below max_cutoff_hz, "
                f"but got {self.min_cutoff_hz:g} and {self.max_cutoff_hz:g}; raise max_cutoff_hz"
            )
        return self
