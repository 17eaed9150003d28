"""What a front's points reached when they were trained as long as their configs say, and whether their order held."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dfkd_core.base.schema import Config


class RankAgreement(Config):
    """Kendall's tau between the sweep's values and those at the full budget, over the points that have both.

    p_value: the probability of so far a tau from 0 between two orders that have nothing to do with each other.
    """

    points: Annotated[int, Field(ge=2)]
    tau: Annotated[float, Field(ge=-1, le=1)]
    interval: tuple[float, float] | None  # 95 %, about; None for fewer points than can tell one
    p_value: Annotated[float, Field(ge=0, le=1)]


class FullBudget(Config):
    """Epochs of a trial and of a full training; what each full training reached, by trial; agreement by metric."""

    sweep_epochs: Annotated[int, Field(ge=1)]
    epochs: Annotated[int, Field(ge=1)]
    reached: dict[int, dict[str, float]]
    agreement: dict[str, RankAgreement]
