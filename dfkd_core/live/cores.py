"""Which students can run live, and as what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from dfkd_core.errors import ConfigError
from dfkd_core.live.conv_tasnet_core import ConvTasNetCore
from dfkd_core.live.core import LiveCore
from dfkd_core.live.dccrn_core import DCCRNCore
from dfkd_core.live.gtcrn_core import GTCRNCore
from dfkd_core.models.conv_tasnet import ConvTasNet
from dfkd_core.models.dccrn import DCCRN
from dfkd_core.models.gtcrn import GTCRN

CORES: dict[type[nn.Module], Callable[[Any], LiveCore]] = {
    DCCRN: DCCRNCore,
    ConvTasNet: ConvTasNetCore,
    GTCRN: GTCRNCore,
}


def live_core(model: nn.Module) -> LiveCore:
    """The student as a core for one frame at a time, or the core itself; ConfigError where it needs the whole clip.

    A student of the user's own that can run live has a method `live_core() -> LiveCore`.
    """
    if isinstance(model, LiveCore):
        return model
    core = CORES.get(type(model))
    if core is not None:
        return core(model)
    offered = getattr(model, "live_core", None)
    if not callable(offered):
        known = ", ".join(sorted(one.__name__ for one in CORES))
        rule = f"{type(model).__name__} cannot run frame by frame: it needs the whole clip; {known} can"
        raise ConfigError(f"{rule}, and a class of your own that has live_core()", key="student.model")
    made = offered()
    if not isinstance(made, LiveCore):
        rule = f"live_core() must return a dfkd_core.live.core.LiveCore, but {type(model).__name__}'s returns"
        raise ConfigError(f"{rule} {type(made).__name__}", key="student.model")
    return made.eval()
