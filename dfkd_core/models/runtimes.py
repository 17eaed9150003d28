"""Which runtimes take a model, as an order: each level runs wherever those below it do."""

from __future__ import annotations

import math
from enum import IntEnum

from torch import nn

from dfkd_core.signal.stft import Framing


class Runtime(IntEnum):
    """`model/runtime`. WHOLE: whole clips, in PyTorch. LIVE: frame by frame, in PyTorch and onnxruntime, too.

    SHERPA_OFFLINE, SHERPA_ONLINE: also inside sherpa-onnx, on whole clips, and on streams as well.
    """

    WHOLE = 0
    LIVE = 1
    SHERPA_OFFLINE = 2
    SHERPA_ONLINE = 3

    @property
    def words(self) -> str:
        """Where it runs, for people."""
        words = (
            "whole clips",
            "frame by frame",
            "frame by frame, sherpa-onnx on whole clips",
            "sherpa-onnx on streams",
        )
        return words[self]


def runtime_of(model: nn.Module) -> Runtime:
    """The highest level that a model reaches, by its framing; the weights do not matter."""
    framing: Framing | None = getattr(model, "framing", None)
    if not math.isfinite(getattr(model, "latency_samples", math.inf)):
        return Runtime.WHOLE
    if framing is None or framing.window_samples < framing.n_fft:  # sherpa-onnx: NaN, then damaged memory
        return Runtime.LIVE
    # streaming, sherpa-onnx adds frames up without dividing by their windows
    adds_up = framing.window_shape == "root_hann" and 2 * framing.hop_samples == framing.window_samples
    return Runtime.SHERPA_ONLINE if adds_up else Runtime.SHERPA_OFFLINE
