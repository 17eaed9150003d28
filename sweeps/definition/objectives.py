"""What a sweep optimises: metrics with a goal and a scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from dfkd_core.base.schema import Config


class Objective(Config):
    """One metric to maximise or minimise; hypervolume, knee and ranks are taken on its scale."""

    metric: Annotated[str, Field(min_length=1)]
    goal: Literal["maximize", "minimize"]
    scale: Literal["linear", "log"] = "linear"

    @property
    def cost_name(self) -> str:
        """What the cost is called: `-val/pesq_wb`, `ln model/params`."""
        return ("-" if self.goal == "maximize" else "") + ("ln " if self.scale == "log" else "") + self.metric

    def cost(self, value: float) -> float:
        """The value as something to minimise, on the objective's scale (log: natural logarithm).

        A value of zero or less has no logarithm: it costs -inf when minimised, +inf when maximised.
        """
        scaled = (math.log(value) if value > 0 else -math.inf) if self.scale == "log" else value
        return -scaled if self.goal == "maximize" else scaled

    def value(self, cost: float) -> float:
        """The value that has this cost."""
        scaled = -cost if self.goal == "maximize" else cost
        return math.exp(scaled) if self.scale == "log" else scaled


def costs(objectives: Sequence[Objective], values: Mapping[str, float]) -> tuple[float, ...]:
    """One cost per objective, in the objectives' order."""
    return tuple(objective.cost(values[objective.metric]) for objective in objectives)


def across_and_up(objectives: Sequence[Objective]) -> tuple[Objective, Objective]:
    """What lies across a drawing of a front, its first minimised objective (size, as a rule), and its first other one.

    Of a single objective both are that one.
    """
    across = next((o for o in objectives if o.goal == "minimize"), objectives[0])
    return across, next((o for o in objectives if o is not across), across)
