"""Which teacher an experiment has: the `teacher` block of its config."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dfkd_core.schema import Config

PATHS = ("checkpoint", "estimates")  # the fields that may hold a path


class SourceConfig(Config):
    """One model that teaches: at most one of the three is named."""

    checkpoint: str | None = None  # model folder, ONNX file or shipped name
    estimates: str | None = None  # folder of wavs by mixture or clip name
    pretrained: str | None = None  # a known public model, such as dtln

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        named = [name for name, value in self if value is not None]
        if len(named) > 1:
            raise ValueError(f"teacher must name one source, but got {' and '.join(named)}; set all but one to null")
        return self

    @property
    def is_named(self) -> bool:
        """Whether there is one at all."""
        return any(value is not None for _, value in self)

    def with_paths(self, resolve: Callable[[str], str]) -> Self:
        """The same source, its paths changed by `resolve`."""
        named = {key: value for key in PATHS if (value := getattr(self, key)) is not None}
        return self.model_copy(update={key: resolve(value) for key, value in named.items()})


class EnsembleConfig(Config):
    """Several models that teach as one: their mean, or one of them by the SNR of the mixture.

    by_snr: `snr_db` holds the borders between the members, which stand from the noisiest mixtures to the cleanest.
    """

    members: Annotated[tuple[SourceConfig, ...], Field(min_length=2)]
    combine: Literal["mean", "by_snr"] = "mean"
    snr_db: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for index, member in enumerate(self.members):
            if not member.is_named:
                raise ValueError(
                    f"members.{index} must name a checkpoint, estimates or a pretrained model, but got none"
                )
        wanted = len(self.members) - 1 if self.combine == "by_snr" else 0
        if len(self.snr_db) != wanted:
            raise ValueError(
                f"snr_db must hold {wanted} borders for {len(self.members)} members combined {self.combine}, "
                f"but got {len(self.snr_db)}"
            )
        if any(low >= high for low, high in pairwise(self.snr_db)):
            raise ValueError(f"snr_db must rise, but got {list(self.snr_db)}; order members from noisy to clean")
        return self

    def with_paths(self, resolve: Callable[[str], str]) -> Self:
        """The same ensemble, its members' paths changed by `resolve`."""
        return self.model_copy(update={"members": tuple(member.with_paths(resolve) for member in self.members)})


class TeacherConfig(SourceConfig):
    """At most one source; all null means no teacher."""

    ensemble: EnsembleConfig | None = None

    def with_paths(self, resolve: Callable[[str], str]) -> Self:
        """The same teacher, its paths changed by `resolve`."""
        alone = super().with_paths(resolve)
        if alone.ensemble is None:
            return alone
        return alone.model_copy(update={"ensemble": alone.ensemble.with_paths(resolve)})
