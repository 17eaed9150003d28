"""The signals of an experiment: listed mixtures, and what its teacher says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dfkd_core.base.progress import Progress, silent
from dfkd_core.config import ExperimentConfig
from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.corpora import open_corpus
from dfkd_core.data.mixtures import MixtureList, data_hash, training_shard, validation_list
from dfkd_core.distillation import METHODS
from dfkd_core.errors import ConfigError
from dfkd_core.teachers import Teacher, open_teacher
from dfkd_core.teachers.taught_list import judged
from dfkd_core.teachers.teacher_cache import TeacherCache, cache_path


class Batch(NamedTuple):
    """Signals of some mixtures, each (batch, time); clean is nan where unknown, taught the teacher's estimate."""

    noisy: Tensor
    clean: Tensor
    taught: Tensor | None

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """The batch with every signal changed."""
        return Batch(change(self.noisy), change(self.clean), None if self.taught is None else change(self.taught))


@dataclass(frozen=True)
class Shard:
    """The training mixtures of one epoch, with the teacher's estimates where one is needed."""

    mixtures: MixtureList
    cache: TeacherCache | None

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """Signals of the mixtures with these numbers."""
        noisy, clean = map(torch.from_numpy, self.mixtures.batch(indices))
        return Batch(noisy, clean, torch.from_numpy(self.cache.estimates(indices)) if self.cache else None)


class Signals:
    """Opens corpus, lists and teacher of a config, each when it is first asked for."""

    def __init__(self, config: ExperimentConfig, *, needs_teacher: bool, progress: Progress = silent) -> None:
        self._config, self._progress = config, progress
        self.teacher: Teacher | None = open_teacher(config.teacher) if needs_teacher else None
        if needs_teacher and self.teacher is None:
            rule = f"is required by distillation.method {config.distillation.method}, but there is none"
            raise ConfigError(f"{rule}; name a checkpoint, estimates or a pretrained model", key="teacher")

    @cached_property
    def store(self) -> AudioStore:
        """The decoded corpus."""
        return AudioStore.open(open_corpus(self._config.data.corpus, progress=self._progress), progress=self._progress)

    @cached_property
    def validation(self) -> MixtureList:
        """The fixed mixtures on which trials are compared; recordings without clean speech have the teacher's."""
        mixtures = validation_list(self.store, self._config.data)
        if mixtures.has_clean:
            return mixtures
        return judged(mixtures, self.teacher or open_teacher(self._config.teacher), self._progress)

    @cached_property
    def probes(self) -> dict[str, MixtureList]:
        """As many mixtures of the valid split of each corpus of `data.probes`, by its name; never trained on.

        ConfigError: a probe has no clean speech, which would have the teacher judge.
        """
        found = {}
        for name, corpus in self._config.data.probes.items():
            manifest = open_corpus(corpus, splits=("valid",), progress=self._progress)
            store = AudioStore.open(manifest, progress=self._progress)
            found[name] = validation_list(store, self._config.data)
            if not found[name].has_clean:
                rule = f"must be a corpus whose valid split has clean speech, but {corpus} has recordings alone"
                raise ConfigError(rule, key=f"data.probes.{name}")
        return found

    def require_unheard_probes(self) -> None:
        """ConfigError naming a clip of a probe whose very samples are trained on."""
        if not self.probes:
            return
        trained = self.store.part("train")
        lengths = np.diff(trained.offsets)
        for name, mixtures in self.probes.items():
            part = mixtures.part
            for index, clip in enumerate(part.clips):
                samples = part.clip(index)
                same = (
                    int(i)
                    for i in np.flatnonzero(lengths == len(samples))
                    if np.array_equal(trained.clip(int(i)), samples)
                )
                if (twin := next(same, None)) is not None:
                    where = f"{clip.path} is {trained.clips[twin].path} of the training split"
                    rule = f"must share no clip with training, but {where}; take it out of one of them"
                    raise ConfigError(rule, key=f"data.probes.{name}")

    def shard(self, epoch: int) -> Shard:
        """The training mixtures of an epoch counted from 0; the teacher's estimates are computed when absent.

        ConfigError: supervised terms are weighed, and there is no clean speech.
        """
        mixtures = training_shard(self.store, self._config.data, epoch)
        if not mixtures.has_clean:
            require_distillation_alone(self._config, mixtures.part.where)
        if self.teacher is None:
            return Shard(mixtures, None)
        return Shard(mixtures, TeacherCache.open(self.teacher, mixtures, progress=self._progress))

    def estimate_files(self) -> Iterator[Path]:
        """Where the teacher's estimates lie that training reads, computed or not; lists are drawn one after another."""
        validation = validation_list(self.store, self._config.data)
        judge = self.teacher or open_teacher(self._config.teacher)
        if not validation.has_clean and judge is not None:
            yield cache_path(judge, validation)
        if self.teacher is not None:
            for epoch in range(self._config.training.epochs):
                yield cache_path(self.teacher, training_shard(self.store, self._config.data, epoch))

    @cached_property
    def hashes(self) -> dict[str, str | None]:
        """Identity of the signals and of the teacher: `data_hash`, `teacher_hash` (None without a teacher)."""
        return {
            "data_hash": data_hash(self._config.data, self.store),
            "teacher_hash": self.teacher.sha256 if self.teacher else None,
        }

    @cached_property
    def origin(self) -> dict[str, str | list[str] | None]:
        """What a model card tells of the signals: `hashes`, the teacher's name, the licences of the audio."""
        licences = {clip.licence or "unknown" for clip in self.store.manifest.select(split="train")}
        teacher = self.teacher.name if self.teacher else None
        return {**self.hashes, "teacher": teacher, "licences": sorted(licences)}


def require_distillation_alone(config: ExperimentConfig, where: str) -> None:
    """ConfigError naming what needs the clean speech that `where` does not have, and the remedy.

    Recordings without clean speech can be learned from by distillation alone.
    """
    distillation = config.distillation
    weights = {f"loss.{name}": weight for name, weight in config.loss.model_dump().items() if weight > 0}
    zeros = f"distil alone: set {', '.join(weights)} to 0"
    needs: list[tuple[str, object, str]] = [(key, f"weight {weight:g}", zeros) for key, weight in weights.items()]
    if distillation.target == "clean":
        needs.append(("distillation.target", "clean", "set it to teacher"))
    if (setting := METHODS[distillation.method].reads_clean(distillation)) is not None:
        needs.append((f"distillation.{setting[0]}", *setting[1:]))
    for key, value, remedy in needs:
        rule = f"needs clean speech, which {where} does not have (noisy only), but got {value}"
        raise ConfigError(f"{rule}; {remedy}", key=key)
