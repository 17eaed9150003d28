"""Recordings without clean speech, judged by how near an estimate comes to the teacher's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dfkd_core.base.progress import Progress, silent
from dfkd_core.data.mixture_list import MixtureList, Reference
from dfkd_core.errors import ConfigError
from dfkd_core.signal.audio import Samples
from dfkd_core.teachers import Teacher
from dfkd_core.teachers.teacher_cache import TeacherCache


@dataclass(frozen=True)
class TaughtList(MixtureList):
    """A list whose reference signals are a teacher's estimates.

    Its scores tell agreement with the teacher, not quality: a perfect one repeats every fault of the teacher.
    """

    cache: TeacherCache | None = None
    teacher_sha256: str = ""

    @property
    def reference(self) -> Reference:
        """The teacher."""
        return "teacher"

    @cached_property
    def sha256(self) -> str:
        """Hash of the list and of the teacher."""
        return hashlib.sha256(f"{self.listed.sha256} {self.teacher_sha256}".encode()).hexdigest()

    @cached_property
    def listed(self) -> MixtureList:
        """The list without its teacher."""
        return MixtureList(**{field.name: getattr(self, field.name) for field in fields(MixtureList)})

    def batch(self, indices: NDArray[np.int64] | Sequence[int]) -> tuple[Samples, Samples]:
        """Noisy and the teacher's estimate, each float32 (batch, time)."""
        noisy, unknown = super().batch(indices)
        return noisy, unknown if self.cache is None else self.cache.estimates(indices)


def judged(mixtures: MixtureList, teacher: Teacher | None, progress: Progress = silent) -> MixtureList:
    """The list as it is where clean speech is known, else with the teacher's estimates in its place.

    ConfigError: there is neither clean speech nor a teacher.
    """
    if mixtures.has_clean:
        return mixtures
    if teacher is None:
        rule = f"is needed to judge a student on {mixtures.part.where}, which has no clean speech, but there is none"
        raise ConfigError(f"{rule}; name one, or give the split clean speech", key="teacher")
    listed = {field.name: getattr(mixtures, field.name) for field in fields(MixtureList)}
    cache = TeacherCache.open(teacher, mixtures, progress=progress)
    return TaughtList(**listed, cache=cache, teacher_sha256=teacher.sha256)
