"""What is known of a metric from its name: where better lies, and its unit."""

from __future__ import annotations

from collections.abc import Sequence

from dfkd_core.errors import ConfigError
from dfkd_core.metrics import KNOWN, Goal
from sweeps.definition.objectives import Objective

_SCORES = ("val", "val_teacher", "test")  # groups of scores
_MODEL_UNITS = {
    "model/params": "",
    "model/macs_per_s": "MAC/s",
    "model/bytes": "B",
    "model/look_ahead_ms": "ms",
    "model/rtf_cpu": "s/s",
}
_SUFFIX_UNITS = {"_db": "dB", "_hz": "Hz", "_ms": "ms", "_s": "s"}


def goal_of(metric: str, objectives: Sequence[Objective] = ()) -> Goal:
    """Where better lies: as the sweep says, else as the metric's table says; sizes and losses are minimised."""
    for objective in objectives:
        if objective.metric == metric:
            return objective.goal
    group, _, name = metric.partition("/")
    if group in _SCORES and name in KNOWN:
        return KNOWN[name].goal
    if group == "model" or name.endswith("loss"):
        return "minimize"
    raise ConfigError(f"must be a metric whose better end is known, but got {metric!r}; bound it with --max or --min")


def unit_of(metric: str) -> str:
    """The metric's unit, empty for counts and pure numbers."""
    group, _, name = metric.partition("/")
    if group in _SCORES and name in KNOWN:
        return KNOWN[name].unit.removeprefix("1")  # the unit of a pure number needs no mention
    if metric in _MODEL_UNITS:
        return _MODEL_UNITS[metric]
    return next((unit for suffix, unit in _SUFFIX_UNITS.items() if name.endswith(suffix)), "")
