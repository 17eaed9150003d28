"""What a user may ask of the data: corpus, crops, levels and how much of it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from dfkd_core.schema import Config

Range = tuple[float, float]


class DataConfig(Config):
    """Listed mixtures are a function of this block alone; the trial's seed plays no part."""

    corpus: str = "demo"  # "demo", a folder or a manifest
    segment_s: Annotated[float, Field(ge=0.25, le=30)] = 2.0
    snr_db: Range = (-5.0, 20.0)
    level_dbfs: Range = (-35.0, -15.0)
    train_hours: Annotated[float, Field(gt=0)] = 0.5  # per epoch
    validation_clips: Annotated[int, Field(ge=4, multiple_of=4)] = 40  # four SNRs in equal numbers
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _ranges_in_order(self) -> Self:
        for name, (low, high) in (("snr_db", self.snr_db), ("level_dbfs", self.level_dbfs)):
            if low > high:
                raise ValueError(f"data.{name} must be [low, high], but got [{low:g}, {high:g}]; swap them")
        return self
