"""What a model costs on a device, known before it is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

from dfkd_core.models.mac_counting import count_macs
from dfkd_core.models.runtimes import runtime_of
from dfkd_core.signal import SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Complexity:
    """Sizes of a model; inf stands for "the whole clip".

    params: trainable numbers. macs_per_s: multiply-adds for one second of audio, transforms counted as the
    convolutions that they replace, element-wise work not. bytes: weights and buffers as stored. look_ahead_ms:
    future that an output sample needs. state_bytes: what streaming carries from one hop to the next, at float32.
    latency_ms: from a sample to its estimate, frame by frame, without computing time. runtime: a `Runtime`.
    """

    params: int
    macs_per_s: int
    bytes: int
    look_ahead_ms: float
    state_bytes: float
    latency_ms: float
    runtime: int


def complexity(model: nn.Module) -> Complexity:
    """Sizes of a student, or of any module from (batch, time) to (batch, time).

    A module that states no multiply-adds is run on one second of silence; one that states neither look-ahead nor
    streaming state is taken to need the whole clip.
    """
    rate_hz: int = getattr(model, "sample_rate_hz", SAMPLE_RATE_HZ)
    return Complexity(
        params=sum(p.numel() for p in model.parameters() if p.requires_grad),
        macs_per_s=model.macs(rate_hz) if hasattr(model, "macs") else count_macs(model, rate_hz),  # type: ignore[operator]
        bytes=sum(t.numel() * t.element_size() for t in model.state_dict().values()),
        look_ahead_ms=1e3 * getattr(model, "look_ahead_samples", math.inf) / rate_hz,
        state_bytes=getattr(model, "state_bytes", math.inf),
        latency_ms=1e3 * getattr(model, "latency_samples", math.inf) / rate_hz,
        runtime=int(runtime_of(model)),
    )
