"""An ONNX file as a teacher: waveform in, waveform out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from dfkd_core.base.atomic_files import sha256_file
from dfkd_core.base.onnx_session import open_session
from dfkd_core.errors import BRING_BACK, ConfigError
from dfkd_core.live.onnx_core import FORM
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.chunks import in_pieces
from dfkd_core.teachers.base import Listed, Waveforms

# what a port takes of a signal with full scale at 1: numpy's type, and what full scale is there
TYPES: Final[Mapping[str, tuple[type[np.generic], float]]] = {
    "tensor(float)": (np.float32, 1.0),
    "tensor(float16)": (np.float16, 1.0),
    "tensor(double)": (np.float64, 1.0),
    "tensor(int16)": (np.int16, 32768.0),
}


class ONNXTeacher:
    """One input and one output, each (time,), (batch, time) or (batch, 1, time), of equal length.

    Both of floats, of half or double precision too, or of 16-bit integers: each is fed in its own type. Fixed batch
    sizes are looped over; a fixed length must be that of the mixtures, but for files of `dfkd export-onnx`, which hear
    others in pieces. A file may state its rate under the metadata key `sample_rate`; without it 16 kHz is taken for
    granted.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            rule = "must be an existing ONNX file, but there is no such file"
            raise ConfigError(f"{rule}; {BRING_BACK}", file=path)
        self.path = path
        self.name = path.stem

    @cached_property
    def sha256(self) -> str:
        """Hash of the file."""
        return sha256_file(self.path)

    @cached_property
    def session(self) -> Any:
        """The one-threaded runtime session, opened on first use."""
        session = open_session(self.path)
        self._require_waveforms(session)
        return session

    def __call__(self, noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        """Estimates (batch, time) of noisy (batch, time) at 16 kHz."""
        shape = self.session.get_inputs()[0].shape
        if isinstance(shape[-1], int) and shape[-1] != noisy.shape[-1]:
            if FORM in self.session.get_modelmeta().custom_metadata_map:
                return in_pieces(self, noisy, shape[-1])
            rule = f"takes {shape[-1]} samples, but mixtures have {noisy.shape[-1]}; export it with a free length"
            raise ConfigError(rule, file=self.path)
        one_by_one = len(shape) == 1 or isinstance(shape[0], int)
        rows = [self._run(row, len(shape)) for row in noisy[:, None]] if one_by_one else [self._run(noisy, len(shape))]
        return np.concatenate(rows).astype(np.float32, copy=False)

    def _run(self, noisy: Waveforms, rank: int) -> Waveforms:
        """Feed (batch, time) as a tensor of `rank` axes."""
        shaped = {1: noisy[0], 2: noisy, 3: noisy[:, None]}[rank]
        (port,), (out,) = self.session.get_inputs(), self.session.get_outputs()
        dtype, full_scale = TYPES[port.type]
        fed = np.ascontiguousarray(shaped, np.float32)
        if full_scale != 1.0:
            fed = np.clip(np.rint(full_scale * fed), -full_scale, full_scale - 1)
        try:
            (estimate,) = self.session.run(None, {port.name: fed.astype(dtype)})
        except Exception as error:  # onnxruntime's errors share no base class
            reason = str(error).strip().splitlines()[0][:200]
            rule = f"must take a waveform {list(shaped.shape)}, but {reason}; choose another file"
            raise ConfigError(rule, file=self.path) from error
        if estimate.size % len(noisy):
            raise ConfigError(f"must return one waveform an input, but returned {estimate.shape}", file=self.path)
        flat: Waveforms = estimate.reshape(len(noisy), -1).astype(np.float32) / np.float32(TYPES[out.type][1])
        return flat

    def _require_waveforms(self, session: Any) -> None:
        inputs, outputs = session.get_inputs(), session.get_outputs()
        shapes = [list(port.shape) for port in (*inputs, *outputs)]
        if len(inputs) != 1 or len(outputs) != 1 or not all(1 <= len(s) <= 3 for s in shapes):
            raise ConfigError(
                f"must map one waveform to one waveform, but its ports have shapes {shapes}", file=self.path
            )
        for port in (*inputs, *outputs):
            shape = list(port.shape)
            if port.type not in TYPES:
                known = ", ".join(TYPES)
                raise ConfigError(f"must take and give {known}, but {port.name} is {port.type}", file=self.path)
            if len(shape) == 3 and isinstance(shape[1], int) and shape[1] != 1:
                what = f"{port.name} has shape {shape}: {shape[1]} channels or bins"
                raise ConfigError(f"must map one waveform to one waveform, but {what}; export it so", file=self.path)
        rate = session.get_modelmeta().custom_metadata_map.get("sample_rate", str(SAMPLE_RATE_HZ))
        if rate != str(SAMPLE_RATE_HZ):
            raise ConfigError(f"must work at {SAMPLE_RATE_HZ} Hz, but states {rate} Hz; choose another", file=self.path)
