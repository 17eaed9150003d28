"""Frame by frame: what a trained student computes on a device that hears speech as it is spoken."""

from dfkd_core.live.cores import CORES, live_core
from dfkd_core.live.enhancer import Enhancer

__all__ = ["CORES", "Enhancer", "live_core"]
