"""What happens to listed training mixtures beside noise: rooms, clipping, babble, variation of noise.

Drawn once and kept as numbers. Each has a stream of its own, so that turning one on changes nothing else of the list,
and a greater share keeps the mixtures of a smaller one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from dfkd_core.data.audio_store import AudioPart, AudioStore
from dfkd_core.data.by_label import ClipsByLabel
from dfkd_core.data.config import DataConfig
from dfkd_core.data.noise_variation import draw_variations
from dfkd_core.data.segments import Segments
from dfkd_core.errors import ConfigError, DataError

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

EFFECT = np.dtype([("response", "<i4"), ("clip_db", "<f4")])
TALKER = np.dtype([("clip", "<i4"), ("start", "<i4")])  # start in frames of 10 ms
NO_RESPONSE: Final = -1
CLIP_DB = (1.0, 12.0)  # under the peak of the mixture
NUM_TALKERS = (4, 8)
MIN_SPEAKERS = 3  # the one who is listened to, and two voices behind

_STREAMS = {"impulse_responses": 1, "clipping": 2, "babble": 3, "noise_variation": 4}


@dataclass(frozen=True)
class Augmentation:
    """Of each mixture: its impulse response, its clipping, the talkers of its babble."""

    effects: NDArray[np.void]  # (mixture,) of EFFECT; response NO_RESPONSE and clip_db nan: none
    talkers: NDArray[np.void]  # (talker,) of TALKER
    first: Ints  # (mixture + 1,): mixture i has talkers[first[i] : first[i + 1]]
    responses: AudioPart | None
    target: Literal["dry", "early"]
    variations: NDArray[np.void] | None = None  # (mixture,) of VARIATION; None: every noise as it was recorded

    def talkers_of(self, index: int) -> NDArray[np.void]:
        """The talkers of one mixture, (talker,)."""
        return self.talkers[self.first[index] : self.first[index + 1]]

    @property
    def has_babble(self) -> Flags:
        """Which mixtures have babble in place of noise, (mixture,)."""
        return np.diff(self.first) > 0

    @property
    def content(self) -> bytes:
        """All of it, to be hashed."""
        arrays = [self.effects, self.talkers, self.first.astype("<i8")]
        arrays += [] if self.variations is None else [self.variations]
        return self._setting + b"".join(array.tobytes() for array in arrays)

    def content_of(self, index: int) -> bytes:
        """What one mixture has of it, to be hashed."""
        variation = b"" if self.variations is None else self.variations[index].tobytes()
        return b"".join((self._setting, self.effects[index].tobytes(), self.talkers_of(index).tobytes(), variation))

    @property
    def _setting(self) -> bytes:
        return f"{self.responses.sha256 if self.responses else None} {self.target}".encode()


def draw_augmentation(
    store: AudioStore, data: DataConfig, segments: Segments, length: int, epoch: int
) -> Augmentation | None:
    """The augmentation of an epoch's mixtures, None where a config asks for none.

    DataError: the training split has no impulse responses or too few speakers. ConfigError: it brings noisy files of
    its own, which are mixed already.
    """
    if not any(getattr(data, name) for name in _STREAMS):
        return None
    part = store.part("train")
    for name in ("impulse_responses", "babble", "noise_variation"):
        if getattr(data, name) and (part.is_paired or part.is_noisy_only):
            rule = f"must be 0 for {part.where}, whose noisy files are mixed already, but got {getattr(data, name):g}"
            raise ConfigError(f"{rule}; clipping alone can be added to them", key=f"data.{name}")
    count = len(segments)
    effects = np.zeros(count, EFFECT)
    effects["response"], effects["clip_db"] = NO_RESPONSE, np.nan
    responses = store.impulse_responses("train") if data.impulse_responses else None
    draws = _Draws(data, epoch, count)
    if responses is not None:
        chosen, rng = draws.chosen("impulse_responses")
        # by set of rooms first, then by response: one simulated set may hold tens of thousands
        rooms = ClipsByLabel(responses, "impulse_response")
        drawn = rooms.draw_clips(rooms.draw_labels(count, rng), rng)
        effects["response"] = np.where(chosen, drawn, NO_RESPONSE)
    if data.clipping:
        chosen, rng = draws.chosen("clipping")
        low, high = CLIP_DB
        effects["clip_db"] = np.where(chosen, low + (high - low) * rng.random(count), np.nan)
    talkers, first = draws.babble(part, segments, length)
    variations = draw_variations(*draws.chosen("noise_variation")) if data.noise_variation else None
    return Augmentation(effects, talkers, first, responses, data.target_reflections, variations)


@dataclass(frozen=True)
class _Draws:
    """What is drawn for the mixtures of an epoch, each augmentation from a stream of its own."""

    data: DataConfig
    epoch: int
    count: int

    def chosen(self, name: str) -> tuple[Flags, np.random.Generator]:
        """Which mixtures have the augmentation of that name, (mixture,), and the generator for what it is."""
        rng = np.random.default_rng([self.data.seed, 0, self.epoch, _STREAMS[name]])
        return rng.random(self.count) < getattr(self.data, name), rng

    def babble(self, part: AudioPart, segments: Segments, length: int) -> tuple[NDArray[np.void], Ints]:
        """Talkers and where those of each mixture begin: other speakers than the one listened to, speaker first."""
        if not self.data.babble:
            return np.zeros(0, TALKER), np.zeros(self.count + 1, np.int64)
        voices = ClipsByLabel(part, "clean")
        if len(voices.names) < MIN_SPEAKERS:
            raise DataError(
                f"{part.where}: babble needs {MIN_SPEAKERS} speakers, but there are {len(voices.names)}; "
                "add some, or set data.babble: 0"
            )
        chosen, rng = self.chosen("babble")
        low, high = NUM_TALKERS
        numbers = np.where(chosen, low + (rng.random(self.count) * (high - low + 1)).astype(np.int64), 0)
        first = np.concatenate([np.zeros(1, np.int64), np.cumsum(numbers)])
        labels = np.array([part.clips[i].label for i in segments.clips])
        own = np.repeat(np.searchsorted(voices.names, labels), numbers)
        others = (rng.random(len(own)) * (len(voices.names) - 1)).astype(np.int64)
        talkers = np.zeros(len(own), TALKER)
        talkers["clip"] = clips = voices.draw_clips(others + (others >= own), rng)
        talkers["start"] = voices.draw_starts(clips, length, rng)
        return talkers, first
