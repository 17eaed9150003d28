"""Noisy crops, listed before they are rendered.

A list is a function of the corpus and the data config alone (training also of the epoch), so that
every trial of every sweep hears the same mixtures and their scores can be compared.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np
from numpy.typing import NDArray

from dfkd_core.data.activity import FRAMES_PER_S
from dfkd_core.data.audio_store import AudioPart, AudioStore
from dfkd_core.data.augmentation import draw_augmentation
from dfkd_core.data.by_label import ClipsByLabel
from dfkd_core.data.config import DataConfig, ValueSet
from dfkd_core.data.corpora import open_corpus
from dfkd_core.data.manifest import Kind, Split
from dfkd_core.data.mixture_list import BABBLE, LISTED, PAIRED, UNPAIRED, MixtureList, Table
from dfkd_core.data.segments import GAP_FRAMES, Segments, cut
from dfkd_core.errors import ConfigError, DataError

__all__ = ["MixtureList", "data_hash", "evaluation_list", "test_list", "training_shard", "validation_list"]

Ints = NDArray[np.int64]

TRAIN_ACTIVE_SHARE = 0.4
EVALUATION_S = 4.0
EVALUATION_ACTIVE_S = 3.2  # PESQ and STOI judge speech, not pauses
EVALUATION_SNRS_DB = (0.0, 5.0, 10.0, 15.0)
NUM_TEST = 160  # resolves 0.03-0.04 PESQ between paired models
NUM_PASSES = 16  # phases tried to fit evaluation crops into each speaker's clips

_STREAMS: dict[Split, int] = {"train": 0, "valid": 1, "test": 2}


def training_shard(store: AudioStore, data: DataConfig, epoch: int) -> MixtureList:
    """The `train_hours` of one epoch: no crop of speech twice, noise family first, SNR and level uniform.

    Depends on the epoch's number and not on how many there will be. DataError: the split has no
    audio, or no crop with speech in it. Both errors: as `draw_augmentation`.
    """
    part = store.part("train")
    rng = _generator(data, "train", epoch)
    length = round(data.segment_s * FRAMES_PER_S)
    count = data.num_training_mixtures
    # as many passes over the speech as are needed, each in random order
    speech, segments = _Speech(part, length, TRAIN_ACTIVE_SHARE), Segments.none()
    while len(segments) < count:
        found = speech.cut(rng)
        # shuffled before it is cut short, else a small epoch would hear the first speakers only
        segments = segments + found.take(_shuffled(len(found), rng)[: count - len(segments)])
    table = np.zeros(count, LISTED)
    table["level_dbfs"] = _uniform(data.level_dbfs, count, rng)
    if _is_recorded(part):
        if data.snr_db != DataConfig().snr_db:
            wanted = data.snr_db.model_dump() if isinstance(data.snr_db, ValueSet) else list(data.snr_db)
            rule = f"has no effect on {part.where}, whose noisy files are mixed already, but is {wanted}; leave it out"
            raise ConfigError(rule, key="data.snr_db")
        table["noise"], table["snr_db"] = _recording(part), np.nan
    else:
        if isinstance(data.snr_db, ValueSet):
            table["snr_db"] = np.array(data.snr_db.values)[(rng.random(count) * len(data.snr_db.values)).astype(int)]
        else:
            table["snr_db"] = _uniform(data.snr_db, count, rng)
        noises = ClipsByLabel(part)
        _add_noise(table, noises, noises.draw_labels(count, rng), length, rng)
    augmentation = draw_augmentation(store, data, segments, length, epoch)
    if augmentation:
        table["noise"][augmentation.has_babble] = BABBLE
        table["noise_start"][augmentation.has_babble] = 0
    return MixtureList(part, "train", length, segments, table, epoch, augmentation)


def validation_list(store: AudioStore, data: DataConfig) -> MixtureList:
    """The `validation_clips` fixed mixtures of the valid split, as `evaluation_list`."""
    return evaluation_list(store, data, "valid", data.validation_clips)


def test_list(store: AudioStore, data: DataConfig) -> MixtureList:
    """The fixed mixtures of the test split, as `evaluation_list`; opened by evaluation only."""
    return evaluation_list(store, data, "test", NUM_TEST)


def evaluation_list(store: AudioStore, data: DataConfig, split: Split, count: int) -> MixtureList:
    """Crops of 4 s with 3.2 s of active speech or more; SNRs 0, 5, 10, 15 dB and noise families in equal numbers.

    Speakers take turns. Recordings keep their own noise and level. DataError: no such crop.
    """
    part = store.part(split)
    rng = _generator(data, split, 0)
    length = round(EVALUATION_S * FRAMES_PER_S)
    segments = _Speech(part, length, EVALUATION_ACTIVE_S / EVALUATION_S).in_turns(count, rng)
    table = np.zeros(count, LISTED)
    if _is_recorded(part):
        table["noise"], table["snr_db"], table["level_dbfs"] = _recording(part), np.nan, np.nan
    else:
        table["level_dbfs"] = _uniform(data.level_dbfs, count, rng)
        table["snr_db"] = np.resize(EVALUATION_SNRS_DB, count)[_shuffled(count, rng)]
        noises = ClipsByLabel(part)
        _add_noise(table, noises, noises.deal_labels(count, rng), length, rng)
    return MixtureList(part, split, length, segments, table)


def data_hash(data: DataConfig, store: AudioStore | None = None) -> str:
    """What training and validation signals depend on: the decoded audio of corpus and probes, the config's fields.

    A corpus's place plays no part, nor does its test split. A store that is open already saves a look-up.
    """
    store = store or AudioStore.open(open_corpus(data.corpus))
    listed = data.of_the_signals()
    listed["signals"] = [store.part("train").sha256, store.part("valid").sha256]
    if data.impulse_responses:
        listed["impulse_responses"] = store.impulse_responses("train").sha256
    if data.probes:
        opened = {name: open_corpus(corpus, splits=("valid",)) for name, corpus in data.probes.items()}
        listed["probes"] = {name: AudioStore.open(probe).part("valid").sha256 for name, probe in opened.items()}
    return hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()


def _is_recorded(part: AudioPart) -> bool:
    """Whether the mixtures of a part are its own noisy files."""
    return part.is_paired or part.is_noisy_only


def _recording(part: AudioPart) -> int:
    """What stands in the noise's place."""
    return PAIRED if part.is_paired else UNPAIRED


class _Speech:
    """The usable clean clips of a part, or its recordings where there are none, and whose they are."""

    def __init__(self, part: AudioPart, length: int, active_share: float) -> None:
        self._part, self._length = part, length
        self._min_active = round(active_share * length)
        # a recording has noise of its own, which silence between clips would switch off
        self._gap = 0 if _is_recorded(part) else GAP_FRAMES
        self._kind: Kind = "noisy" if part.is_noisy_only else "clean"
        clips = part.of_kind(self._kind)
        self._clips = clips[part.noisy_of[clips] >= 0] if part.is_paired else clips
        labels = np.array([clip.label for clip in part.clips])
        names, speaker = np.unique(labels, return_inverse=True)
        self._speaker, self.num_speakers = speaker.astype(np.int64), len(names)

    def cut(self, rng: np.random.Generator) -> Segments:
        """One pass; DataError when no crop has enough speech."""
        speakers = self._speaker[self._clips]
        found = cut(
            self._part, self._clips, speakers, rng, length=self._length, gap=self._gap, min_active=self._min_active
        )
        if not len(found):
            seconds, active_s = self._length / FRAMES_PER_S, self._min_active / FRAMES_PER_S
            raise DataError(
                f"{self._part.where}: no {self._kind} audio gives a crop of {seconds:g} s "
                f"with {active_s:g} s of speech; "
                f"add {self._kind} audio (it has {len(self._clips)} clips)"
            )
        return found

    def speaker_of(self, segments: Segments) -> Ints:
        """The speaker's number of each segment."""
        return self._speaker[segments.clips]

    def in_turns(self, count: int, rng: np.random.Generator) -> Segments:
        """Crops that do not overlap while the speech lasts, speakers in turn; then other crops of the same clips."""
        taken = Segments.none()
        while len(taken) < count:
            # for each speaker the pass, of several, that gives most crops: those of two passes would overlap
            passes = [self.cut(rng) for _ in range(NUM_PASSES)]
            counts = np.stack([np.bincount(self.speaker_of(p), minlength=self.num_speakers) for p in passes])
            best = np.argmax(counts, axis=0)
            kept = [p.take(np.flatnonzero(best[self.speaker_of(p)] == i)) for i, p in enumerate(passes)]
            found = sum(kept, start=Segments.none())
            # every speaker's first crop comes before any second one
            shuffled = _shuffled(len(found), rng)
            by_speaker = shuffled[np.argsort(self.speaker_of(found)[shuffled], kind="stable")]
            _, first, counts = np.unique(self.speaker_of(found)[by_speaker], return_index=True, return_counts=True)
            turn = np.arange(len(found)) - np.repeat(first, counts)
            taken = taken + found.take(by_speaker[np.lexsort((rng.random(len(found)), turn))])
        return taken.take(np.arange(count))


def _add_noise(table: Table, noises: ClipsByLabel, families: Ints, length: int, rng: np.random.Generator) -> None:
    table["noise"] = clips = noises.draw_clips(families, rng)
    table["noise_start"] = noises.draw_starts(clips, length, rng)


def _generator(data: DataConfig, split: Split, epoch: int) -> np.random.Generator:
    """Only `random()` is drawn from it: numpy promises other draws for one of its versions at a time."""
    return np.random.default_rng([data.seed, _STREAMS[split], epoch])


def _uniform(bounds: tuple[float, float], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    low, high = bounds
    return low + (high - low) * rng.random(count)


def _shuffled(count: int, rng: np.random.Generator) -> Ints:
    return np.argsort(rng.random(count), kind="stable")
