"""What a user may ask of the data: corpus, crops, levels, augmentation and how much of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from dfkd_core.base.schema import Config

LowHigh = tuple[float, float]
Decibels = Annotated[float, Field(ge=-100, le=100)]  # 16 bits have 96
Level = Annotated[float, Field(ge=-100, le=0)]  # full scale is 0
Share = Annotated[float, Field(ge=0, le=1)]
PROBE_NAME = r"^[a-z0-9_-]{1,40}$"


def _probe_name(value: str) -> str:
    """The name itself; of another one, what it could be."""
    if not re.fullmatch(PROBE_NAME, value):
        remedy = re.sub(r"[^a-z0-9_-]+", "-", value.lower())[:40].strip("-") or "street"
        rule = "must be a name of at most 40 characters a-z, 0-9, _ and -"
        raise ValueError(f"{rule}, but got {value!r:.100}; call it {remedy}")
    return value


ProbeName = Annotated[str, AfterValidator(_probe_name), WithJsonSchema({"type": "string", "pattern": PROBE_NAME})]


class ValueSet(Config):
    """A few values, each as likely as another: {values: [0, 5, 10, 15]}."""

    values: Annotated[tuple[Decibels, ...], Field(min_length=1)]


RangeOrSet = Annotated[
    Annotated[tuple[Decibels, Decibels], Tag("<range>")] | Annotated[ValueSet, Tag("<set>")],
    Discriminator(lambda value: "<set>" if isinstance(value, ValueSet | Mapping) else "<range>"),
]


class DataConfig(Config):
    """Listed mixtures are a function of this block alone; the trial's seed plays no part."""

    corpus: str = "demo"  # "demo", a folder or a manifest
    segment_s: Annotated[float, Field(ge=0.25, le=30)] = 2.0
    snr_db: RangeOrSet = (-5.0, 20.0)  # [low, high] or {values: [...]}
    level_dbfs: tuple[Level, Level] = (-35.0, -15.0)
    train_hours: Annotated[float, Field(gt=0, le=10_000)] = 0.5  # per epoch
    validation_clips: Annotated[int, Field(ge=4, le=100_000, multiple_of=4)] = 40  # four SNRs in equal numbers
    seed: Annotated[int, Field(ge=0)] = 0
    # shares of the training mixtures; validation and test mixtures have none of it
    impulse_responses: Share = 0.0  # speech in a room: an impulse response of the corpus
    target_reflections: Literal["dry", "early"] = (
        "dry"  # what is clean in a room: direct sound, or with 50 ms behind it
    )
    clipping: Share = 0.0  # cut off 1 to 12 dB under the peak
    babble: Share = 0.0  # other speakers of the corpus in place of its noise
    noise_variation: Share = 0.0  # noise at 0.5 to 2 times its speed and through a random filter
    # further corpora by name: every validation scores their valid splits too, as probe/NAME/...; nothing trains on them
    probes: dict[ProbeName, str] = {}

    @field_validator("snr_db", "level_dbfs", mode="before")
    @classmethod
    def _two_numbers(cls, value: Any, field: ValidationInfo) -> Any:
        """One number, or three, is answered with what a range looks like."""
        is_pair = isinstance(value, list | tuple) and len(value) == 2
        takes_set = field.field_name == "snr_db"
        most = 100 if takes_set else 0
        if is_pair or (takes_set and isinstance(value, Mapping | ValueSet)):
            return value
        is_one = isinstance(value, int | float) and not isinstance(value, bool) and -100 <= value <= most
        low, high = (value, value) if is_one else cls.model_fields[str(field.field_name)].default
        several = " or {values: [0, 5, 10]}" if takes_set else ""
        raise ValueError(f"must be a range [low, high]{several}, but got {value!r:.100}; write [{low:g}, {high:g}]")

    @model_validator(mode="after")
    def _ranges_in_order(self) -> Self:
        ranges = {"snr_db": self.snr_db, "level_dbfs": self.level_dbfs}
        for name, bounds in ranges.items():
            if not isinstance(bounds, ValueSet) and bounds[0] > bounds[1]:
                low, high = bounds
                raise ValueError(f"data.{name} must be [low, high], but got [{low:g}, {high:g}]; swap them")
        return self

    @model_validator(mode="after")
    def _reflections_of_a_room(self) -> Self:
        if self.target_reflections != "dry" and not self.impulse_responses:
            raise ValueError(
                "data.target_reflections must be dry without impulse responses, but got early; "
                "give data.impulse_responses a share above 0"
            )
        return self

    @property
    def num_training_mixtures(self) -> int:
        """How many mixtures an epoch has."""
        return max(1, round(self.train_hours * 3600 / self.segment_s))

    def of_the_signals(self) -> dict[str, Any]:
        """The fields that signals depend on; augmentation that is off leaves no trace, as before there was any."""
        off = {name for name in _AUGMENTATION if getattr(self, name) == type(self).model_fields[name].default}
        return self.model_dump(mode="json", exclude={"corpus", "probes", *off})


_AUGMENTATION = ("impulse_responses", "target_reflections", "clipping", "babble", "noise_variation")
