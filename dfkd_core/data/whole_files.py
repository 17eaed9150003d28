"""The pairs of a corpus as they are, every noisy file whole: scores that can be laid beside other people's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from dfkd_core.data.activity import FRAME_SAMPLES
from dfkd_core.data.audio_store import AudioPart
from dfkd_core.data.manifest import Split
from dfkd_core.data.mixture_list import FAMILIES, PAIRED, Reference
from dfkd_core.data.rendering import ratio_db
from dfkd_core.signal.audio import Samples


@dataclass(frozen=True)
class WholeFiles:
    """Every pair of one split, in the order of its paths, mono at 16 kHz, at its own level and of its own length.

    It is asked what a `MixtureList` is asked, but for batches of more than one file. The SNR is measured over active
    speech. A noise family is known where the noisy file has another label than its clean one.
    """

    part: AudioPart
    split: Split

    @cached_property
    def clean(self) -> list[int]:
        """The clean clip of each pair."""
        clips, noisy_of = self.part.clips, self.part.noisy_of
        found: list[int] = np.flatnonzero(noisy_of >= 0).tolist()
        return sorted(found, key=lambda clip: clips[noisy_of[clip]].path)

    def __len__(self) -> int:
        return len(self.clean)

    @property
    def reference(self) -> Reference:
        """What scores of estimates are measured against."""
        return "clean"

    @property
    def has_clean(self) -> bool:
        """Clean speech is known."""
        return True

    @cached_property
    def sha256(self) -> str:
        """Hash of the corpus's signals, and of what is made of them."""
        return hashlib.sha256(f"whole files {self.part.sha256} {self.split}".encode()).hexdigest()

    def name(self, index: int) -> str:
        """The noisy file's path in the corpus, without suffix."""
        path = self.part.clips[self.part.noisy_of[self.clean[index]]].path
        return PurePosixPath(path).with_suffix("").as_posix()

    @property
    def names(self) -> list[str]:
        """The name of every pair."""
        return [self.name(i) for i in range(len(self))]

    @property
    def speakers(self) -> list[str]:
        """The speaker of each pair."""
        return [self.part.clips[clip].label for clip in self.clean]

    @property
    def noise_families(self) -> list[str]:
        """The noise family of each pair, or that they are pairs."""
        labels = ((self.part.clips[i].label for i in (clip, self.part.noisy_of[clip])) for clip in self.clean)
        return [FAMILIES[PAIRED] if noisy == speaker else noisy for speaker, noisy in labels]

    @cached_property
    def snr_db(self) -> NDArray[np.float32]:
        """SNR of each pair: power of the speech over its active frames against that of the rest."""
        found = np.empty(len(self), np.float32)
        for index, clip in enumerate(self.clean):
            noisy, clean = self._pair(index)
            frames = len(clean) // FRAME_SAMPLES
            first = self.part.frame_offsets[clip]
            active = np.diff(self.part.active_before[first : first + frames + 1]) > 0
            framed = clean[: frames * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)[active]
            power = float(np.mean(np.square(framed, dtype=np.float64))) if framed.size else 0.0
            found[index] = ratio_db(power, float(np.mean(np.square(noisy - clean, dtype=np.float64))))
        return found

    def batch(self, indices: NDArray[np.int64] | Sequence[int]) -> tuple[Samples, Samples]:
        """Noisy and clean of one pair, each float32 (1, time); what one file has more than the other is cut off."""
        (index,) = indices
        noisy, clean = self._pair(int(index))
        return noisy[None], clean[None]

    def made_of(self, index: int, read: Callable[[str, int], Samples]) -> Samples:
        """What `read(name, num_samples)` gives in the noisy file's place."""
        return read(self.name(index), len(self._pair(index)[0]))

    def _pair(self, index: int) -> tuple[Samples, Samples]:
        clip = self.clean[index]
        noisy = int(self.part.noisy_of[clip])
        length = min(len(self.part.clip(i)) for i in (clip, noisy))
        return self.part.read(noisy, 0, length), self.part.read(clip, 0, length)
