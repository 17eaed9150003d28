"""An ONNX file as a teacher: waveform in, waveform out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dfkd_core.base.atomic_files import sha256_file
from dfkd_core.base.onnx_session import open_session
from dfkd_core.errors import ConfigError
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.teachers.base import Listed, Waveforms


class ONNXTeacher:
    """One float input and one output, each (time,), (batch, time) or (batch, 1, time), of equal length.

    Fixed batch sizes are looped over; a fixed length must be that of the mixtures. A file may state its rate
    under the metadata key `sample_rate`; without it 16 kHz is taken for granted.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ConfigError("must be an existing ONNX file; check the path", file=path)
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
            rule = f"takes {shape[-1]} samples, but mixtures have {noisy.shape[-1]}; export it with a free length"
            raise ConfigError(rule, file=self.path)
        one_by_one = len(shape) == 1 or isinstance(shape[0], int)
        rows = [self._run(row, len(shape)) for row in noisy[:, None]] if one_by_one else [self._run(noisy, len(shape))]
        return np.concatenate(rows).astype(np.float32, copy=False)

    def _run(self, noisy: Waveforms, rank: int) -> Waveforms:
        """Feed (batch, time) as a tensor of `rank` axes."""
        shaped = {1: noisy[0], 2: noisy, 3: noisy[:, None]}[rank]
        (estimate,) = self.session.run(None, {self.session.get_inputs()[0].name: np.ascontiguousarray(shaped)})
        if estimate.size % len(noisy):
            raise ConfigError(f"must return one waveform an input, but returned {estimate.shape}", file=self.path)
        flat: Waveforms = estimate.reshape(len(noisy), -1)
        return flat

    def _require_waveforms(self, session: Any) -> None:
        inputs, outputs = session.get_inputs(), session.get_outputs()
        shapes = [list(port.shape) for port in (*inputs, *outputs)]
        if len(inputs) != 1 or len(outputs) != 1 or not all(1 <= len(s) <= 3 for s in shapes):
            raise ConfigError(
                f"must map one waveform to one waveform, but its ports have shapes {shapes}", file=self.path
            )
        rate = session.get_modelmeta().custom_metadata_map.get("sample_rate", str(SAMPLE_RATE_HZ))
        if rate != str(SAMPLE_RATE_HZ):
            raise ConfigError(f"must work at {SAMPLE_RATE_HZ} Hz, but states {rate} Hz; choose another", file=self.path)
