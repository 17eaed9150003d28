"""A streaming ONNX graph as a core: the same frames and states, run by onnxruntime."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dfkd_core.base.onnx_session import open_session
from dfkd_core.errors import ConfigError
from dfkd_core.live.core import States
from dfkd_core.live.frames import Frames, SpectralFrames, WindowFrames
from dfkd_core.signal.stft import Framing

FORM, FRAMING, DELAY = "dfkd.form", "dfkd.framing", "dfkd.delay_frames"
STREAMING = "streaming"
FRAME, PAST_END, ENHANCED = "frame", "past_end", "enhanced"


def is_streaming(path: Path) -> bool:
    """Whether a file is a streaming graph of ours; False for what cannot be read, which is told where it is opened."""
    import onnx

    try:
        model = onnx.load(path, load_external_data=False)
    except Exception:  # protobuf's and the file system's errors share no base class
        return False
    return any(prop.key == FORM and prop.value == STREAMING for prop in model.metadata_props)


class OnnxCore:
    """Takes a file that `dfkd export-onnx --streaming` wrote; ConfigError for any other."""

    def __init__(self, source: Path | bytes) -> None:
        self._session = open_session(source)
        told = self._session.get_modelmeta().custom_metadata_map
        if told.get(FORM) != STREAMING:
            rule = "must be a streaming graph of `dfkd export-onnx --streaming`, but its metadata names none"
            raise ConfigError(rule, file=source if isinstance(source, Path) else None)
        self.frames = frames_of(json.loads(told[FRAMING]))
        self.delay_frames = int(told[DELAY])
        self._states = [port for port in self._session.get_inputs() if port.name not in (FRAME, PAST_END)]

    def initial_states(self) -> States:
        """Zeros in the shapes of the graph's state inputs."""
        return tuple(torch.zeros(tuple(port.shape)) for port in self._states)

    def __call__(self, frame: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """One frame through the graph."""
        return self._run(frame, states, 0)

    def finish(self, states: States, past_end: int) -> tuple[Tensor, ...]:
        """A frame behind the end."""
        return self._run(self.frames.silence(), states, past_end)

    def _run(self, frame: Tensor, states: States, past_end: int) -> tuple[Tensor, ...]:
        fed: dict[str, Any] = {FRAME: frame.numpy()}
        if self.delay_frames:
            fed[PAST_END] = torch.tensor([float(past_end)]).numpy()
        fed |= {port.name: state.numpy() for port, state in zip(self._states, states, strict=True)}
        return tuple(torch.from_numpy(value) for value in self._session.run(None, fed))


def framing_of(frames: Frames) -> dict[str, Any]:
    """What a file must say of its frames."""
    if isinstance(frames, SpectralFrames):
        return asdict(frames.framing)
    return {"window_samples": frames.window_samples, "hop_samples": frames.hop_samples}


def frames_of(told: dict[str, Any]) -> Frames:
    """The frames that a file speaks of."""
    return SpectralFrames(Framing(**told)) if "n_fft" in told else WindowFrames(**told)
