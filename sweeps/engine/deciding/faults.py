"""What can be wrong with the objectives that a trial reports."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

from sweeps.definition.objectives import Objective


def fault_of(objectives: Iterable[Objective], metrics: Mapping[str, Any]) -> str | None:
    """The first objective that is missing, no number, or not finite on its scale; None when all are well."""
    for objective in objectives:
        if objective.metric not in metrics:
            return f"objective {objective.metric} is missing from the report; the trial reported {sorted(metrics)}"
        rule, value = f"objective {objective.metric} must be", metrics[objective.metric]
        if not is_number(value):
            return f"{rule} a number, but the trial reported {value!r}"
        if not (math.isfinite(value) and math.isfinite(objective.cost(value))):
            return f"{rule} finite on its {objective.scale} scale, but the trial reported {value}"
    return None


def static_fault_of(objectives: Iterable[Objective], static: Mapping[str, Any]) -> str | None:
    """The same for what is known before training: it costs no epoch then."""
    return fault_of([objective for objective in objectives if objective.metric in static], static)


def is_number(value: Any) -> bool:
    """True for real numbers, NaN and infinities included; False for booleans."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def plain(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The numeric metrics as Python floats."""
    return {name: float(value) for name, value in metrics.items() if is_number(value)}
