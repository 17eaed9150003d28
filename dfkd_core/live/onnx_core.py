"""A streaming ONNX graph as a core: the same frames and states, run by onnxruntime."""

from __future__ import annotations

import json
import operator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dfkd_core.base.onnx_session import open_session
from dfkd_core.errors import ConfigError
from dfkd_core.live.core import States
from dfkd_core.live.frames import Frames, SpectralFrames, WindowFrames
from dfkd_core.signal.stft import Framing

FORM, FRAMING, DELAY = "dfkd.form", "dfkd.framing", "dfkd.delay_frames"
STREAMING, SHERPA_ONNX = "streaming", "sherpa-onnx"
FRAME, PAST_END, ENHANCED = "frame", "past_end", "enhanced"


def is_streaming(path: Path) -> bool:
    """Whether a file is a graph of ours for one frame at a time.

    False for what cannot be read, too, which is told where it is opened.
    """
    import onnx

    try:
        model = onnx.load(path, load_external_data=False)
    except Exception:  # protobuf's and the file system's errors share no base class
        return False
    return any(prop.key == FORM and prop.value in (STREAMING, SHERPA_ONNX) for prop in model.metadata_props)


class OnnxCore:
    """Takes a file that `dfkd export-onnx --streaming` wrote, or one for sherpa-onnx; ConfigError for any other.

    A graph for sherpa-onnx has frames (1, freq, 1, 2), and nothing tells it that the signal has ended.
    """

    def __init__(self, source: Path | bytes) -> None:
        self._session = open_session(source)
        properties = self._session.get_modelmeta().custom_metadata_map
        if properties.get(FORM) not in (STREAMING, SHERPA_ONNX):
            rule = "must be a streaming graph of `dfkd export-onnx --streaming`, but its metadata names none"
            raise ConfigError(rule, file=source if isinstance(source, Path) else None)
        self._is_turned = properties[FORM] == SHERPA_ONNX
        try:
            self.frames = frames_of(json.loads(properties[FRAMING]))
            self.delay_frames = int(properties[DELAY])
            self._frame, *ports = self._session.get_inputs()
            self._past_end = next((port for port in ports if port.name == PAST_END), None)
            self._states = [port for port in ports if port.name != PAST_END]
            self._require_step()
        except Exception as error:  # of JSON, of torch, and of onnxruntime, whose errors share no base class
            reason = (str(error).strip().splitlines() or [""])[0][:200]
            what = f"lacks {error}" if isinstance(error, KeyError) else reason
            rule = f"must hold the frames, states and metadata that `dfkd export-onnx` writes, but {what}"
            raise ConfigError(f"{rule}; export it anew", file=source if isinstance(source, Path) else None) from error

    def _require_step(self) -> None:
        """ValueError, or the runtime's own, unless a frame of silence goes through and comes back in its shape."""
        hop, window = map(operator.index, (self.frames.hop_samples, self.frames.window_samples))
        if not 1 <= hop <= window or self.delay_frames < 0:
            raise ValueError(f"has a hop of {hop}, a window of {window} and a delay of {self.delay_frames} frames")
        given = (self.frames.silence(), *self.initial_states())
        shapes, returned = ([list(one.shape) for one in each] for each in (given, self(*given)))
        if returned != shapes:
            raise ValueError(f"it returns {returned} for {shapes}")

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
        fed: dict[str, Any] = {self._frame.name: (frame.transpose(1, 3) if self._is_turned else frame).numpy()}
        if self._past_end is not None:
            fed[PAST_END] = np.array([past_end], np.float32)
        fed |= {port.name: state.numpy() for port, state in zip(self._states, states, strict=True)}
        enhanced, *new = (torch.from_numpy(value) for value in self._session.run(None, fed))
        return (enhanced.transpose(1, 3) if self._is_turned else enhanced), *new


def framing_of(frames: Frames) -> dict[str, Any]:
    """What a file must say of its frames."""
    if isinstance(frames, SpectralFrames):
        return asdict(frames.framing)
    return {"window_samples": frames.window_samples, "hop_samples": frames.hop_samples}


def frames_of(framing: dict[str, Any]) -> Frames:
    """The frames that a file speaks of."""
    return SpectralFrames(Framing(**framing)) if "n_fft" in framing else WindowFrames(**framing)
