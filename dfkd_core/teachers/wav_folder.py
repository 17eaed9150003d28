"""A folder of estimates made elsewhere as a teacher."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from dfkd_core.base.atomic_files import sha256_file
from dfkd_core.data.scanning import audio_files
from dfkd_core.errors import ConfigError, DataError
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import read_channels
from dfkd_core.signal.resampling import resample
from dfkd_core.teachers.base import Listed, Waveforms


class WavFolderTeacher:
    """One mono file for each mixture, or for each noisy file of a paired corpus, of its length and name.

    A mixture's own file goes before one of the noisy file that it was cut from. That is found by its path in the
    corpus, as far as the folder has it, so that a tree which mirrors `noisy/` is taken as it is; else by its name,
    where no other file has that. At 16 kHz, or above: then it is resampled as the corpus is. A difference in length of
    up to `slack_samples` is trimmed, or filled with silence.
    """

    slack_samples = 0

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigError("must be a folder of audio files; check the path", key="teacher.estimates", file=folder)
        self.folder = folder
        self.name = folder.name

    @cached_property
    def files(self) -> dict[str, Path]:
        """Audio files below the folder by their path in it, without suffix; DataError: two have one name."""
        found: dict[str, Path] = {}
        for path in audio_files(self.folder):
            name = _composed(path.relative_to(self.folder).with_suffix("").as_posix())
            if name in found:
                both = f"{found[name].relative_to(self.folder)} and {path.relative_to(self.folder)}"
                raise DataError(f"{self.folder}: must hold one estimate of each name, but holds {both}; remove one")
            if not path.is_file():
                raise DataError(f"{path}: must be an audio file, but is none, or a link to nothing; mend or remove it")
            found[name] = path
        if not found:
            raise DataError(f"{self.folder}: holds no audio files; write the teacher's estimates there")
        return found

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        stems = defaultdict[str, list[str]](list)
        for name in self.files:
            stems[name.rpartition("/")[2]].append(name)
        return stems

    @cached_property
    def sha256(self) -> str:
        """Hash over the names and contents of all files."""
        rows = (f"{name}\t{sha256_file(path)}\n" for name, path in sorted(self.files.items()))
        return hashlib.sha256(os.fsencode("".join(rows))).hexdigest()

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
        parts = _composed(name).split("/")
        tails = ("/".join(parts[first:]) for first in range(len(parts)))
        found = next((tail for tail in tails if tail in self.files), None)
        alike = self._by_stem.get(parts[-1], [])
        if found is None and len(alike) > 1:
            fact = f"{name} may be {' or '.join(alike[:3])}"
            raise DataError(f"{self.folder}: must hold estimates at their paths in the corpus, but {fact}; move them")
        if found is None and not alike:
            raise DataError(f"{self.folder}: must hold an estimate of every mixture, but lacks {name}.wav; add it")
        path = self.files[found or alike[0]]
        channels, rate_hz = read_channels(path)
        if rate_hz < SAMPLE_RATE_HZ:
            raise DataError(f"{path}: must be at {SAMPLE_RATE_HZ} Hz, but is at {rate_hz} Hz; resample it")
        channels = resample(channels, rate_hz, SAMPLE_RATE_HZ)
        if abs(missing := num_samples - channels.shape[1]) <= self.slack_samples:
            channels = np.pad(channels[:, :num_samples], ((0, 0), (0, max(0, missing))))
        if channels.shape != (1, num_samples):
            found = f"{channels.shape[0]} channels of {channels.shape[1]}"
            raise DataError(f"{path}: must be one channel of {num_samples} samples, but holds {found}; write it again")
        waveform: Waveforms = channels[0]
        return waveform


def _composed(name: str) -> str:
    """A name in one form, however a file system has it."""
    return unicodedata.normalize("NFC", name)
