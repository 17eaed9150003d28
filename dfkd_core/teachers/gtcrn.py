"""The public GTCRN model as a teacher."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dfkd_core.base.atomic_files import sha256_file
from dfkd_core.base.onnx_session import open_session
from dfkd_core.teachers.base import Listed, Waveforms
from dfkd_core.teachers.half_overlap import HalfOverlap, Signal, sqrt_hann

FILE = "gtcrn_simple.onnx"
FRAMES = HalfOverlap(sqrt_hann(512))


class GTCRNTeacher:
    """GTCRN with its published weights (MIT), 24 k parameters (Rong et al., ICASSP 2024), frame by frame.

    The graph takes one frame of 512 samples and what it remembers of earlier ones; it looks no further ahead than
    the frame.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.name = "gtcrn"

    @cached_property
    def sha256(self) -> str:
        """Hash of the graph."""
        return sha256_file(self.path)

    @cached_property
    def session(self) -> Any:
        """The runtime session, opened on first use."""
        return open_session(self.path)

    def __call__(self, noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        """Estimates (batch, time) of noisy (batch, time) at 16 kHz."""
        return np.stack([self._enhanced(signal) for signal in noisy])

    def _enhanced(self, signal: Signal) -> Signal:
        spectra = FRAMES.spectra(signal)
        first, *memories = self.session.get_inputs()
        memory = [np.zeros(port.shape, np.float32) for port in memories]
        names = [port.name for port in memories]
        for index, spectrum in enumerate(spectra):
            planes = np.stack([spectrum.real, spectrum.imag], axis=-1)[None, :, None]
            enhanced, *memory = self.session.run(None, {first.name: planes, **dict(zip(names, memory, strict=True))})
            spectra[index] = enhanced[0, :, 0, 0] + 1j * enhanced[0, :, 0, 1]
        return FRAMES.signal(spectra, len(signal))
