"""A folder of estimates made elsewhere as a teacher."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from dfkd_core.base.atomic_files import sha256_file
from dfkd_core.errors import ConfigError, DataError
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import AUDIO_SUFFIXES, read_channels
from dfkd_core.teachers.base import Listed, Waveforms


class WavFolderTeacher:
    """One mono file at 16 kHz for each mixture, or for each noisy file of a paired corpus, of its length and name.

    A mixture's own file goes before one of the noisy file that it was cut from.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigError("must be a folder of audio files; check the path", key="teacher.estimates", file=folder)
        self.folder = folder
        self.name = folder.name

    @cached_property
    def files(self) -> dict[str, Path]:
        """Audio files below the folder by their path in it, without suffix."""
        paths = sorted(path for path in self.folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
        if not paths:
            raise DataError(f"{self.folder}: holds no audio files; write the teacher's estimates there")
        return {path.relative_to(self.folder).with_suffix("").as_posix(): path for path in paths}

    @cached_property
    def sha256(self) -> str:
        """Hash over the names and contents of all files."""
        rows = (f"{name}\t{sha256_file(path)}\n" for name, path in self.files.items())
        return hashlib.sha256("".join(rows).encode()).hexdigest()

    def __call__(self, noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        """Estimates (batch, time) of listed mixtures; DataError names a file that is missing or unfit."""
        if len(listed) != len(noisy):
            raise DataError(f"{self.folder}: holds estimates of listed mixtures only; choose a network for other audio")
        return np.stack([self._estimate(mixture, noisy.shape[-1]) for mixture in listed])

    def _estimate(self, mixture: Listed, num_samples: int) -> Waveforms:
        if mixture.name not in self.files:
            cut = mixture.made_of(self._read)
            if cut is not None:
                return cut
        return self._read(mixture.name, num_samples)

    def _read(self, name: str, num_samples: int) -> Waveforms:
        if name not in self.files:
            raise DataError(f"{self.folder}: must hold an estimate of every mixture, but lacks {name}.wav; add it")
        path = self.files[name]
        channels, rate_hz = read_channels(path)
        if rate_hz != SAMPLE_RATE_HZ:
            raise DataError(f"{path}: must be at {SAMPLE_RATE_HZ} Hz, but is at {rate_hz} Hz; resample it")
        if channels.shape != (1, num_samples):
            found = f"{channels.shape[0]} channels of {channels.shape[1]}"
            raise DataError(f"{path}: must be one channel of {num_samples} samples, but holds {found}; write it again")
        waveform: Waveforms = channels[0]
        return waveform
