"""What is known of a metric from its name: where better lies, and its unit."""

from __future__ import annotations

from collections.abc import Sequence

from dfkd_core.errors import ConfigError
from dfkd_core.metrics import KNOWN, Goal
from sweeps.definition.objectives import Objective

_SCORES = ("val", "val_teacher", "test", "probe")  # groups of scores; a probe's have its name between
_SIZES = {  # unit, and what the number contains
    "model/params": ("", "Trainable numbers of the model."),
    "model/macs_per_s": (
        "MAC/s",
        "Multiply-adds for one second of audio; transforms count as the convolutions that they replace, element-wise "
        "work does not.",
    ),
    "model/bytes": ("B", "Weights and buffers as they are stored."),
    "model/state_bytes": (
        "B",
        "What streaming carries from one hop to the next as 32-bit floats: past frames of convolutions, recurrent "
        "states, overlaps of the transform.",
    ),
    "model/look_ahead_ms": (
        "ms",
        "Future audio that an output sample waits for: the rest of its window and layers that look ahead; computing "
        "time comes on top.",
    ),
    "model/latency_ms": (
        "ms",
        "What passes from a sample to its estimate, frame by frame: the frame and those that layers wait for; "
        "computing time comes on top.",
    ),
    "model/runtime": (
        "",
        "Where it runs: 0 whole clips, 1 frame by frame in PyTorch and onnxruntime, 2 in sherpa-onnx as well, on whole "
        "clips, 3 there on streams, too.",
    ),
    "model/rtf_cpu": (
        "s/s",
        "Seconds of one CPU thread for one second of audio, a whole clip at once, the middle of several runs.",
    ),
    "model/rtf_cpu_spread": ("s/s", "How far the runs behind model/rtf_cpu lie apart."),
}
_WORDS = {  # of metrics whose numbers are names
    "model/runtime": (
        "whole clips",
        "frame by frame",
        "frame by frame, sherpa-onnx on whole clips",
        "sherpa-onnx on streams",
    )
}
_SUFFIX_UNITS = {"_db": "dB", "_hz": "Hz", "_ms": "ms", "_s": "s"}


def goal_of(metric: str, objectives: Sequence[Objective] = ()) -> Goal:
    """Where better lies: as the sweep says, else as the metric's table says; sizes and losses are minimised."""
    for objective in objectives:
        if objective.metric == metric:
            return objective.goal
    group, name = metric.partition("/")[0], metric.rpartition("/")[2]
    if group in _SCORES and name in KNOWN:
        return KNOWN[name].goal
    if metric == "model/runtime":
        return "maximize"
    if group == "model" or name.endswith("loss"):
        return "minimize"
    raise ConfigError(f"must be a metric whose better end is known, but got {metric!r}; bound it with --max or --min")


def unit_of(metric: str) -> str:
    """The metric's unit, empty for counts and pure numbers."""
    group, name = metric.partition("/")[0], metric.rpartition("/")[2]
    if group in _SCORES and name in KNOWN:
        return KNOWN[name].unit.removeprefix("1")  # the unit of a pure number needs no mention
    if metric in _SIZES:
        return _SIZES[metric][0]
    return next((unit for suffix, unit in _SUFFIX_UNITS.items() if name.endswith(suffix)), "")


def meaning_of(metric: str) -> str | None:
    """What a size contains, in one sentence; None for what its name already says."""
    return _SIZES[metric][1] if metric in _SIZES else None


def words_of(metric: str) -> tuple[str, ...]:
    """What the metric's values 0, 1, ... are called; empty where they are numbers and no names."""
    return _WORDS.get(metric, ())
