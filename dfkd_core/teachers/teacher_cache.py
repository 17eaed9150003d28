"""What a teacher says of listed mixtures: computed once, memory-mapped by every trial of every sweep."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from dfkd_core.base.atomic_files import publish
from dfkd_core.base.cache import cache_dir, content_sha256
from dfkd_core.base.documents import open_plain, parse_json
from dfkd_core.base.progress import Progress, silent
from dfkd_core.teachers.base import Teacher, Waveforms
from dfkd_core.teachers.fitness import require_alignment, require_each_aligned, require_estimates

FORMAT = 2
_HEADER_BYTES = 4096  # one page, so that the samples behind it map aligned
_CHUNK = 32  # mixtures computed between two saves
_LARGEST = float(np.finfo(np.float16).max)

Indices = Sequence[int] | NDArray[np.int64]


class Named(Protocol):
    """What a teacher is told of a list of mixtures."""

    def name(self, index: int) -> str:
        """A stable name that no other mixture has."""

    def made_of(self, index: int, read: Callable[[str, int], Waveforms]) -> Waveforms | None:
        """A mixture cut from other signals than the corpus's noisy files."""


class Mixtures(Named, Protocol):
    """What the cache asks of a list of mixtures."""

    @property
    def sha256(self) -> str:
        """Identity of the list."""

    @property
    def num_samples(self) -> int:
        """Length of every mixture."""

    def __len__(self) -> int: ...

    def batch(self, indices: Indices) -> tuple[Waveforms, Waveforms]:
        """Noisy and clean, each (batch, time)."""


@dataclass(frozen=True)
class ListedMixture:
    """One mixture of a list, as a teacher is told of it."""

    mixtures: Named
    index: int

    @property
    def name(self) -> str:
        """A stable name that no other mixture has."""
        return self.mixtures.name(self.index)

    def made_of(self, read: Callable[[str, int], Waveforms]) -> Waveforms | None:
        """The mixture cut from `read(name, num_samples)`, or None where it was not cut from noisy files."""
        return self.mixtures.made_of(self.index, read)


@dataclass(frozen=True)
class TeacherCache:
    """Estimates of one teacher for one list of mixtures, as float16 (mixture, time) on disk.

    float16 keeps 66 dB under each sample, at 115 MB an hour.
    """

    samples: NDArray[np.float16]

    @classmethod
    def open(cls, teacher: Teacher, mixtures: Mixtures, *, progress: Progress = silent) -> TeacherCache:
        """Map the estimates, computing first what no earlier call has finished.

        A file counts only when teacher, list, shape, length and hash are those asked for; anything else is computed
        again. Of several processes one computes while the others wait; a killed one's work is taken up.
        DataError: the teacher's estimates are unfit (length, not finite, shifted).
        """
        path, file = cache_path(teacher, mixtures), _Estimates(teacher, mixtures)
        if not file.is_whole(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.lock"):
                if not file.is_whole(path):  # another process may have finished while this one waited
                    file.compute(path, progress)
        return cls(np.memmap(path, np.float16, "r", _HEADER_BYTES, file.shape))

    def estimates(self, indices: Indices) -> Waveforms:
        """The teacher's estimates (batch, time) as float32."""
        rows: Waveforms = self.samples[np.asarray(indices)].astype(np.float32)
        return rows


def cache_path(teacher: Teacher, mixtures: Mixtures) -> Path:
    """Where the estimates of a teacher for a list are kept."""
    return cache_dir() / "teacher" / f"{teacher.sha256[:16]}-{mixtures.sha256[:16]}.f16"


@dataclass(frozen=True)
class _Estimates:
    """What one teacher makes of one list, as a file: a header that says of what it is, then the samples."""

    teacher: Teacher
    mixtures: Mixtures

    @property
    def shape(self) -> tuple[int, int]:
        """Mixtures and samples of each."""
        return len(self.mixtures), self.mixtures.num_samples

    def header(self, done: int) -> dict[str, object]:
        """What the file must say of itself when so many mixtures are done."""
        hashes = {"teacher": self.teacher.sha256, "mixtures": self.mixtures.sha256}
        return {"format": FORMAT, **hashes, "shape": list(self.shape), "done": done}

    def is_whole(self, path: Path) -> bool:
        """Whether all of it lies there, as it was computed."""
        found = _read_header(path)
        if not isinstance(found, dict):
            return False
        sha256 = found.pop("sha256", None)
        num_mixtures, num_samples = self.shape
        is_of_size = path.stat().st_size == _HEADER_BYTES + 2 * num_mixtures * num_samples
        is_ours = found == self.header(num_mixtures)
        return is_ours and is_of_size and content_sha256(path, _HEADER_BYTES) == sha256

    def compute(self, path: Path, progress: Progress) -> None:
        """Fill `path` by chunks under a temporary name, going on behind what a killed process had saved."""
        partial, num_mixtures = path.with_suffix(".partial"), len(self.mixtures)
        held, first = _read_header(partial), 0
        if isinstance(held, dict) and {**held, "done": num_mixtures} == self.header(num_mixtures):
            first = int(held["done"])
        else:  # of another kind: begun anew
            partial.write_bytes(_encoded(self.header(0)))
        for start in range(first, num_mixtures, _CHUNK):
            indices = np.arange(start, min(start + _CHUNK, num_mixtures))
            estimates = self._of(indices)
            done = int(indices[-1]) + 1
            with partial.open("r+b") as file:
                file.seek(_HEADER_BYTES + 2 * start * estimates.shape[-1])
                file.write(estimates.astype(np.float16).tobytes())
                file.flush()
                os.fsync(file.fileno())
                file.seek(0)  # the header counts them once they are on disk
                file.write(_encoded(self.header(done)))
            progress(f"estimates of teacher {self.teacher.name}", done, num_mixtures)
        header = _encoded({**self.header(num_mixtures), "sha256": content_sha256(partial, _HEADER_BYTES)})
        with partial.open("r+b") as file:
            file.write(header)
            file.flush()
            os.fsync(file.fileno())
        publish(partial, path)

    def _of(self, indices: NDArray[np.int64]) -> Waveforms:
        """The estimates of these mixtures; DataError where they are unfit."""
        noisy, clean = self.mixtures.batch(indices)
        listed = [ListedMixture(self.mixtures, int(i)) for i in indices]
        name, estimate = self.teacher.name, self.teacher(noisy, listed)
        require_estimates(name, estimate, noisy)
        if np.isnan(clean).any():  # a recording tells where speech is, but not how loud
            clean = noisy * np.float32(abs(np.vdot(estimate, noisy)) / max(float(np.vdot(noisy, noisy)), 1e-12))
        if indices[0] == 0:
            require_alignment(name, estimate, clean)
        require_each_aligned(name, [mixture.name for mixture in listed], estimate, noisy, clean)
        held: Waveforms = np.clip(estimate, -_LARGEST, _LARGEST)
        return held


def _read_header(path: Path) -> object:
    try:
        with open_plain(path) as file:
            return parse_json(file.read(_HEADER_BYTES))
    except (OSError, ValueError):
        return None


def _encoded(header: Mapping[str, object]) -> bytes:
    return json.dumps(header).encode().ljust(_HEADER_BYTES)
