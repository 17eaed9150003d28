"""Noisy crops as a list of numbers, rendered when a batch is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from dfkd_core.data.activity import FRAME_SAMPLES, FRAMES_PER_S
from dfkd_core.data.audio_store import AudioPart
from dfkd_core.data.augmentation import NO_RESPONSE, Augmentation
from dfkd_core.data.manifest import Split
from dfkd_core.data.noise_variation import at_speed, filtered
from dfkd_core.data.rendering import (
    TINY,
    active_power,
    babble,
    clipped,
    in_room,
    levelled,
    looped,
    noise_gain,
    ratio_db,
    speech,
)
from dfkd_core.data.segments import Segments
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import Samples

Table = NDArray[np.void]
Reference = Literal["clean", "teacher"]  # what scores are measured against

LISTED = np.dtype([("noise", "<i4"), ("noise_start", "<i4"), ("snr_db", "<f4"), ("level_dbfs", "<f4")])
# in `noise`, where no clip of noise is added:
PAIRED: Final = -1  # the corpus's own noisy file
UNPAIRED: Final = -2  # a recording of which no clean speech is known
BABBLE: Final = -3  # the talkers of the augmentation
FAMILIES = {PAIRED: "paired", UNPAIRED: "recorded", BABBLE: "babble"}


@dataclass(frozen=True)
class MixtureList:
    """Mixtures of one split and one length: speech, noise, SNR, level and augmentation of each, as arrays.

    In a list of recordings without clean speech every clean signal is nan, so that no number can be made from it.
    """

    part: AudioPart
    split: Split
    num_frames: int  # 10 ms each
    segments: Segments
    table: Table  # (mixture,) of LISTED
    epoch: int = 0
    augmentation: Augmentation | None = None

    def __len__(self) -> int:
        return len(self.table)

    @property
    def num_samples(self) -> int:
        """Length of every mixture at 16 kHz."""
        return self.num_frames * FRAME_SAMPLES

    @property
    def duration_s(self) -> float:
        """Length of every mixture."""
        return self.num_samples / SAMPLE_RATE_HZ

    @cached_property
    def sha256(self) -> str:
        """Hash of the corpus's signals and of what is listed: the same in every process, on every machine."""
        digest = hashlib.sha256(f"{self.part.sha256} {self.split} {self.epoch} {self.num_frames}".encode())
        for array in (self.segments.pieces, self.segments.first.astype("<i8"), self.table):
            digest.update(array.tobytes())
        if self.augmentation:
            digest.update(self.augmentation.content)
        return digest.hexdigest()

    def name(self, index: int) -> str:
        """A name that no other mixture has, for files and tables; it changes when the mixture does."""
        listed = f"{self.part.sha256} {self.num_frames}".encode()
        listed += self._pieces(index).tobytes() + self.table[index].tobytes()
        if self.augmentation:
            listed += self.augmentation.content_of(index)
        place = f"{self.split}-{self.epoch:04d}" if self.split == "train" else self.split
        return f"{place}-{index:06d}-{hashlib.sha256(listed).hexdigest()[:8]}"

    @property
    def names(self) -> list[str]:
        """The name of every mixture."""
        return [self.name(i) for i in range(len(self))]

    @property
    def clip_names(self) -> list[str]:
        """File name, without suffix, of the clip of speech that each mixture starts with."""
        return [self.part.clips[i].stem for i in self.segments.clips]

    @property
    def speakers(self) -> list[str]:
        """The speaker of each mixture."""
        return [self.part.clips[i].label for i in self.segments.clips]

    @property
    def noise_families(self) -> list[str]:
        """The noise family of each mixture, or what takes its place: paired, recorded, babble."""
        return [FAMILIES.get(i) or self.part.clips[i].label for i in self.table["noise"].tolist()]

    @property
    def has_clean(self) -> bool:
        """Whether clean speech is known."""
        return not (self.table["noise"] == UNPAIRED).any()

    @property
    def reference(self) -> Reference:
        """What scores of estimates are measured against."""
        return "clean"

    @property
    def active_s(self) -> NDArray[np.float64]:
        """Seconds of active speech in each mixture."""
        return self.segments.num_active / FRAMES_PER_S

    @cached_property
    def snr_db(self) -> NDArray[np.float32]:
        """SNR of each mixture over active speech: as listed, or measured on a corpus's own noisy files.

        nan where no clean speech is known. In a room it is that of the speech as heard there.
        """
        snr: NDArray[np.float32] = self.table["snr_db"].copy()
        for index in np.flatnonzero(self.table["noise"] == PAIRED):
            noisy, clean = self._mixed(int(index))
            power = active_power(self.part, self._pieces(int(index)), clean)
            snr[index] = ratio_db(power, float(np.mean((noisy - clean) ** 2)))
        return snr

    def render(self, index: int) -> tuple[Samples, Samples]:
        """Noisy and clean of one mixture, each float32 (time,)."""
        noisy, clean = self._mixed(index)
        return clipped(noisy, float(self.augmentation.effects["clip_db"][index])) if self.augmentation else noisy, clean

    def batch(self, indices: NDArray[np.int64] | Sequence[int]) -> tuple[Samples, Samples]:
        """Noisy and clean, each float32 (batch, time)."""
        noisy = np.empty((len(indices), self.num_samples), np.float32)
        clean = np.empty_like(noisy)
        for row, index in enumerate(indices):
            noisy[row], clean[row] = self.render(int(index))
        return noisy, clean

    def made_of(self, index: int, read: Callable[[str, int], Samples]) -> Samples | None:
        """The mixture with other signals in place of the corpus's noisy files, (time,), at the mixture's level.

        `read(name, num_samples)` gives the whole signal that stands for a noisy file, named by its path without
        suffix. None where the mixture was not cut from one.
        """
        if self.table[index]["noise"] not in (PAIRED, UNPAIRED):
            return None
        pieces = self._recorded(index)
        raw, other = speech(self.part, pieces, self.num_frames), np.zeros(self.num_samples, np.float32)
        for clip, start, at, length in pieces.tolist():
            name = PurePosixPath(self.part.clips[clip].path).with_suffix("").as_posix()
            whole = read(name, len(self.part.clip(clip)))
            crop = whole[start * FRAME_SAMPLES : (start + length) * FRAME_SAMPLES]
            other[at * FRAME_SAMPLES :][: len(crop)] = crop
        gain = np.vdot(self._mixed(index)[0], raw) / max(float(np.vdot(raw, raw)), TINY)
        return np.float32(gain) * other

    def _pieces(self, index: int) -> Table:
        return self.segments.pieces[self.segments.first[index] : self.segments.first[index + 1]]

    def _mixed(self, index: int) -> tuple[Samples, Samples]:
        """Noisy, before it is clipped, and clean."""
        mixture, pieces = self.table[index], self._pieces(index)
        level_dbfs = float(mixture["level_dbfs"])
        if mixture["noise"] == UNPAIRED:
            noisy = speech(self.part, pieces, self.num_frames)
            return levelled(noisy, noisy, level_dbfs)[0], np.full_like(noisy, np.nan)
        heard, clean = self._in_room(index, speech(self.part, pieces, self.num_frames))
        if mixture["noise"] == PAIRED:
            return levelled(speech(self.part, self._recorded(index), self.num_frames), clean, level_dbfs)
        noise = self._noise(index)
        gain = noise_gain(active_power(self.part, pieces, heard), noise, float(mixture["snr_db"]))
        return levelled(heard + np.float32(gain) * noise, clean, level_dbfs)

    def _in_room(self, index: int, dry: Samples) -> tuple[Samples, Samples]:
        """Speech as it is heard, and what of it is clean."""
        augmentation = self.augmentation
        if augmentation is None or augmentation.responses is None:
            return dry, dry
        response = int(augmentation.effects["response"][index])
        if response == NO_RESPONSE:
            return dry, dry
        taps = augmentation.responses.read(response, 0, len(augmentation.responses.clip(response)))
        return in_room(dry, taps, augmentation.target)

    def _noise(self, index: int) -> Samples:
        augmentation = self.augmentation
        if augmentation is None or augmentation.variations is None:
            return self._recorded_noise(index, self.num_frames)
        speed, coefficients = augmentation.variations[index]
        raw = self._recorded_noise(index, max(1, round(self.num_frames * float(speed))))
        return filtered(at_speed(raw, self.num_samples), coefficients)

    def _recorded_noise(self, index: int, num_frames: int) -> Samples:
        """As it was recorded: a clip of noise, or the voices of babble."""
        mixture = self.table[index]
        if mixture["noise"] == BABBLE and self.augmentation:
            return babble(self.part, self.augmentation.talkers_of(index), num_frames)
        return looped(self.part, int(mixture["noise"]), int(mixture["noise_start"]), num_frames)

    def _recorded(self, index: int) -> Table:
        """The pieces of noisy files that a mixture was cut from."""
        pieces = self._pieces(index).copy()
        if self.table[index]["noise"] == PAIRED:
            pieces["clip"] = self.part.noisy_of[pieces["clip"]]
        return pieces
