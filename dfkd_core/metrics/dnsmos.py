"""DNSMOS P.835: overall quality as listeners would rate it, without clean speech to compare with."""

from __future__ import annotations

from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dfkd_core.base.onnx_session import open_session
from dfkd_core.errors import ConfigError
from dfkd_core.metrics.base import UNDEFINED, Goal, Waveform, checked, is_silent
from dfkd_core.signal import SAMPLE_RATE_HZ

_WINDOW_SAMPLES = 144_160  # 9.01 s
_OVERALL = 2  # the network's outputs are signal, background, overall
_MODEL = Path("dnsmos_models", "sig_bak_ovr.onnx")


class DNSMOS:
    """Mean over windows of 9.01 s, one a second, of p(overall), p(x) = 0.0460 + 1.1155 x - 0.0677 x^2; 1 to 5.

    Shorter clips are repeated. The network and the polynomial are those of the wheel `speechmos`, run here without its
    librosa and requests (Reddy, Gopal, Cutler, ICASSP 2022). A silent estimate gets `floor`; silent clean speech
    leaves the score undefined, as in every metric.
    """

    name = "dnsmos"
    unit = "MOS"
    goal: Goal = "maximize"
    floor = 1.0

    def require_installed(self) -> None:
        """ConfigError with the command that installs what is missing."""
        _model_file()

    def __call__(self, estimate: Waveform, clean: Waveform) -> float:
        """Overall MOS of the estimate (time,); of the clean speech (time,) only that it is there."""
        estimate, clean = checked(estimate, clean)
        if not clean.any():
            return UNDEFINED
        if is_silent(estimate, clean):
            return self.floor
        batch, known = windows(estimate), dict[bytes, float]()
        name = self._session.get_inputs()[0].name
        for window in batch:  # those of a repeated clip that are the same are rated once
            if window.tobytes() not in known:
                known[window.tobytes()] = float(self._session.run(None, {name: window[None]})[0][0, _OVERALL])
        ratings = np.array([known[window.tobytes()] for window in batch])
        return float(np.polyval([-0.06766283, 1.11546468, 0.04602535], ratings).mean())

    @cached_property
    def _session(self) -> Any:
        return open_session(_model_file())


def windows(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Windows (window, 144160) that begin every second of (time,), repeated by doubling until one fits.

    As many as the reference rates: whole seconds less nine, so that 10.02 s have one and 11.5 s two.
    """
    while len(signal) < _WINDOW_SAMPLES:
        signal = np.append(signal, signal)
    count = max(1, len(signal) // SAMPLE_RATE_HZ - 9)
    return np.stack([signal[i * SAMPLE_RATE_HZ :][:_WINDOW_SAMPLES] for i in range(count)]).astype(np.float32)


def _model_file() -> Path:
    """The network inside the wheel, which is found and not imported."""
    found = find_spec("speechmos")
    for place in (found.submodule_search_locations or []) if found else []:
        if Path(place, _MODEL).is_file():
            return Path(place, _MODEL)
    raise ConfigError(
        "needs the wheel speechmos, which is not installed; pip install 'dfkd-sweeps[dnsmos]'", key="dnsmos"
    )
