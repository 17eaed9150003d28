"""Constraints of a sweep: `metric <= number` or `metric >= number`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import model_serializer, model_validator

from dfkd_core.base.schema import Config

_FORM = re.compile(r"^\s*(?P<metric>[\w./-]+)\s*(?P<sign><=|>=)\s*(?P<limit>[-+0-9.eE_]+)\s*$")

FARTHEST = 1e12  # violations are cut here


class Constraint(Config):
    """A bound on a metric; written and read as text."""

    metric: str
    sign: Literal["<=", ">="]
    limit: float

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = _FORM.match(value)
        if match is None:
            raise ValueError("must read 'metric <= number' or 'metric >= number'")
        return match.groupdict()

    @model_serializer
    def _to_text(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return f"{self.metric} {self.sign} {self.limit!r}"

    def violation(self, metrics: Mapping[str, float]) -> float:
        """How far the metric is past the limit, relative to the limit; <= 0 means that it is met.

        Always finite, since samplers add violations up; what is not a number is past every limit.
        """
        excess = (metrics[self.metric] - self.limit) / (abs(self.limit) or 1.0)
        signed = excess if self.sign == "<=" else -excess
        return FARTHEST if math.isnan(signed) else max(-FARTHEST, min(signed, FARTHEST))


def broken(constraints: Iterable[Constraint], metrics: Mapping[str, float]) -> list[Constraint]:
    """The constraints whose metric is known and past its limit."""
    return [c for c in constraints if c.metric in metrics and c.violation(metrics) > 0]
