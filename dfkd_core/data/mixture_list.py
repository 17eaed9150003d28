"""Noisy crops as a list of numbers, rendered when a batch is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dfkd_core.audio import SAMPLE_RATE, Samples
from dfkd_core.data.activity import FRAME_SAMPLES, FRAMES_PER_S
from dfkd_core.data.audio_store import AudioPart
from dfkd_core.data.corpora import Split
from dfkd_core.data.rendering import TINY, active_power, levelled, looped, noise_gain, ratio_db, speech
from dfkd_core.data.segments import Segments

Table = NDArray[np.void]

LISTED = np.dtype([("noise", "<i4"), ("noise_start", "<i4"), ("snr_db", "<f4"), ("level_dbfs", "<f4")])
PAIRED: Final = -1  # in `noise`: the corpus's own noisy file takes the noise's place


@dataclass(frozen=True)
class MixtureList:
    """Mixtures of one split and one length: speech, noise, SNR and level of each, as arrays."""

    part: AudioPart
    split: Split
    num_frames: int  # 10 ms each
    segments: Segments
    table: Table  # (mixture,) of LISTED
    epoch: int = 0

    def __len__(self) -> int:
        return len(self.table)

    @property
    def num_samples(self) -> int:
        """Length of every mixture at 16 kHz."""
        return self.num_frames * FRAME_SAMPLES

    @property
    def duration_s(self) -> float:
        """Length of every mixture."""
        return self.num_samples / SAMPLE_RATE

    @cached_property
    def sha256(self) -> str:
        """Hash of the corpus's signals and of what is listed: the same in every process, on every machine."""
        digest = hashlib.sha256(f"{self.part.sha256} {self.split} {self.epoch} {self.num_frames}".encode())
        for array in (self.segments.pieces, self.segments.first.astype("<i8"), self.table):
            digest.update(array.tobytes())
        return digest.hexdigest()

    def name(self, index: int) -> str:
        """A name that no other mixture has, for files and tables; it changes when the mixture does."""
        listed = f"{self.part.sha256} {self.num_frames}".encode()
        listed += self._pieces(index).tobytes() + self.table[index].tobytes()
        place = f"{self.split}-{self.epoch:04d}" if self.split == "train" else self.split
        return f"{place}-{index:06d}-{hashlib.sha256(listed).hexdigest()[:8]}"

    @property
    def names(self) -> list[str]:
        """The name of every mixture."""
        return [self.name(i) for i in range(len(self))]

    @property
    def clip_names(self) -> list[str]:
        """File name, without suffix, of the clean clip that each mixture starts with."""
        return [self.part.clips[i].stem for i in self.segments.clips]

    @property
    def speakers(self) -> list[str]:
        """The speaker of each mixture."""
        return [self.part.clips[i].label for i in self.segments.clips]

    @property
    def noise_families(self) -> list[str]:
        """The noise family of each mixture; "paired" where the corpus's own noisy file is used."""
        return ["paired" if i == PAIRED else self.part.clips[i].label for i in self.table["noise"].tolist()]

    @property
    def active_s(self) -> NDArray[np.float64]:
        """Seconds of active speech in each mixture."""
        return self.segments.num_active / FRAMES_PER_S

    @cached_property
    def snr_db(self) -> NDArray[np.float32]:
        """SNR of each mixture over active speech: as listed, or measured on a corpus's own noisy files."""
        snr: NDArray[np.float32] = self.table["snr_db"].copy()
        for index in np.flatnonzero(np.isnan(snr)):
            noisy, clean = self.render(int(index))
            power = active_power(self.part, self._pieces(int(index)), clean)
            snr[index] = ratio_db(power, float(np.mean((noisy - clean) ** 2)))
        return snr

    def render(self, index: int) -> tuple[Samples, Samples]:
        """Noisy and clean of one mixture, each float32 (time,)."""
        mixture, pieces = self.table[index], self._pieces(index)
        clean = speech(self.part, pieces, self.num_frames)
        if mixture["noise"] == PAIRED:
            noisy = speech(self.part, self._partners(pieces), self.num_frames)
        else:
            noise = looped(self.part, int(mixture["noise"]), int(mixture["noise_start"]), self.num_frames)
            gain = noise_gain(active_power(self.part, pieces, clean), noise, float(mixture["snr_db"]))
            noisy = clean + np.float32(gain) * noise
        return levelled(noisy, clean, float(mixture["level_dbfs"]))

    def batch(self, indices: NDArray[np.int64] | Sequence[int]) -> tuple[Samples, Samples]:
        """Noisy and clean, each float32 (batch, time)."""
        noisy = np.empty((len(indices), self.num_samples), np.float32)
        clean = np.empty_like(noisy)
        for row, index in enumerate(indices):
            noisy[row], clean[row] = self.render(int(index))
        return noisy, clean

    def made_of(self, index: int, read: Callable[[str, int], Samples]) -> Samples | None:
        """The mixture with other signals in place of the corpus's noisy files, (time,), at the mixture's level.

        `read(stem, num_samples)` gives the whole signal that stands for a noisy file. None where the mixture was
        not cut from one.
        """
        if self.table[index]["noise"] != PAIRED:
            return None
        pieces = self._partners(self._pieces(index))
        raw, other = speech(self.part, pieces, self.num_frames), np.zeros(self.num_samples, np.float32)
        for clip, start, at, length in pieces.tolist():
            whole = read(self.part.clips[clip].stem, len(self.part.clip(clip)))
            crop = whole[start * FRAME_SAMPLES : (start + length) * FRAME_SAMPLES]
            other[at * FRAME_SAMPLES :][: len(crop)] = crop
        gain = np.vdot(self.render(index)[0], raw) / max(float(np.vdot(raw, raw)), TINY)
        return np.float32(gain) * other

    def _pieces(self, index: int) -> Table:
        return self.segments.pieces[self.segments.first[index] : self.segments.first[index + 1]]

    def _partners(self, pieces: Table) -> Table:
        swapped = pieces.copy()
        swapped["clip"] = self.part.noisy_of[pieces["clip"]]
        return swapped
