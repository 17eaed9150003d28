"""A streaming graph of our own as a function of whole waveforms."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from dfkd_core.base.atomic_files import sha256_file
from dfkd_core.live import Enhancer
from dfkd_core.live.onnx_core import OnnxCore
from dfkd_core.teachers.base import Listed, Waveforms


class StreamingGraph:
    """What `dfkd export-onnx --streaming` wrote, run frame by frame over each waveform."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.stem
        self._enhancer = Enhancer(OnnxCore(path), None)

    @cached_property
    def sha256(self) -> str:
        """Hash of the file."""
        return sha256_file(self.path)

    def __call__(self, noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        """Estimates (batch, time) of noisy (batch, time) at 16 kHz."""
        enhancer = self._enhancer
        return np.stack([np.concatenate([enhancer.process(row), enhancer.finish()]) for row in noisy])
