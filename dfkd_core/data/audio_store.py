"""A corpus decoded once: one memory-mapped file a split, shared by every process that trains on it."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from dfkd_core.base.cache import cache_dir, content_sha256, value_sha256
from dfkd_core.base.documents import read_json
from dfkd_core.base.progress import Progress, silent
from dfkd_core.data.activity import FRAME_SAMPLES
from dfkd_core.data.manifest import EMPTY, Clip, Kind, Manifest, Split, noisy_partners, rows_sha256
from dfkd_core.data.scanning import stamp
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import Samples

FORMAT = "2"  # of the files below; another one never reads these
FILES = frozenset({"samples.i16", "active.i32", "index.npz"})
SIGNALS: tuple[Kind, ...] = ("clean", "noise", "noisy")
RESPONSES: tuple[Kind, ...] = ("impulse_response",)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class AudioPart:
    """One split, decoded: mono, 16 kHz, int16 with a power-of-two step for each clip.

    int16 halves memory and disk against float32. The step keeps it honest: 16-bit sources are kept
    bit for bit, and quiet 24-bit or float sources still have 90 dB below their own peak.
    """

    where: str  # corpus and split, for messages
    clips: tuple[Clip, ...]
    samples: NDArray[np.int16]  # every clip, end to end
    offsets: NDArray[np.int64]  # (clip + 1,) into samples
    steps: NDArray[np.float32]  # (clip,): value of one integer step
    active_before: NDArray[np.int32]  # (frame + 1,): active frames before each frame, counted over all clips
    frame_offsets: NDArray[np.int64]  # (clip + 1,) into active_before
    sha256: str  # of the rows and of the decoded signals

    def clip(self, index: int) -> NDArray[np.int16]:
        """A view of a clip, (time,), in steps of `steps[index]`."""
        return self.samples[self.offsets[index] : self.offsets[index + 1]]

    def read(self, index: int, start_samples: int, num_samples: int) -> Samples:
        """A crop of a clip as float32, (time,), shorter where the clip ends."""
        crop = self.clip(index)[start_samples : start_samples + num_samples]
        samples: Samples = crop.astype(np.float32) * self.steps[index]
        return samples

    @cached_property
    def num_frames(self) -> NDArray[np.int64]:
        """Whole 10 ms frames in each clip, (clip,); of a pair as many as its shorter file has."""
        frames = np.diff(self.frame_offsets)
        paired = np.flatnonzero(self.noisy_of >= 0)
        noisy = self.noisy_of[paired]
        frames[paired] = frames[noisy] = np.minimum(frames[paired], frames[noisy])
        return frames

    @cached_property
    def noisy_of(self) -> NDArray[np.int64]:
        """The noisy recording of each clean clip, -1 where there is none, (clip,)."""
        return noisy_partners(self.clips, np.diff(self.offsets))

    @property
    def is_paired(self) -> bool:
        """Whether the corpus brings its own noisy files."""
        return bool((self.noisy_of >= 0).any())

    @cached_property
    def is_noisy_only(self) -> bool:
        """Whether there are recordings, and no clean speech beside them."""
        kinds = {clip.kind for clip in self.clips}
        return "noisy" in kinds and "clean" not in kinds

    def num_active(
        self, clips: NDArray[np.int64], start: NDArray[np.int64], num_frames: NDArray[np.int64] | int
    ) -> NDArray[np.int64]:
        """Active frames in crops given by clip, first frame and length, elementwise."""
        first = self.frame_offsets[clips] + start
        count: NDArray[np.int64] = self.active_before[first + num_frames].astype(np.int64) - self.active_before[first]
        return count

    def of_kind(self, kind: Kind) -> NDArray[np.int64]:
        """Indices of the clips of a kind that are not silent throughout."""
        indices = np.array([i for i, clip in enumerate(self.clips) if clip.kind == kind], np.int64)
        heard = self.num_active(indices, np.zeros_like(indices), self.num_frames[indices]) > 0
        return indices[heard]


class AudioStore:
    """The decoded splits of a manifest, each built when it is first asked for.

    Training never decodes the test split, and evaluation never decodes the training split.
    """

    def __init__(self, manifest: Manifest, progress: Progress = silent) -> None:
        self.manifest, self._progress = manifest, progress
        self._parts: dict[tuple[Split, tuple[Kind, ...]], AudioPart] = {}

    @classmethod
    def open(cls, manifest: Manifest, *, progress: Progress = silent) -> AudioStore:
        """A store over the cache folder; nothing is decoded yet."""
        return cls(manifest, progress)

    def part(self, split: Split) -> AudioPart:
        """A split, decoded if the cache does not hold it whole; safe when several processes start at once.

        DataError: the split has no audio, or 1 % or more of its files cannot be used.
        """
        return self._part(split, SIGNALS)

    def impulse_responses(self, split: Split) -> AudioPart:
        """The impulse responses of a split, as `part`; signals are the same with and without them."""
        return self._part(split, RESPONSES)

    def folder(self, split: Split, kinds: tuple[Kind, ...] = SIGNALS) -> Path:
        """Where a split is kept, keyed by the manifest's rows and the size and time of every file."""
        return cache_dir() / "audio" / _key(self.manifest, self._clips(split, kinds))

    def _part(self, split: Split, kinds: tuple[Kind, ...]) -> AudioPart:
        if (split, kinds) not in self._parts:
            self._parts[split, kinds] = self._open(split, kinds)
        return self._parts[split, kinds]

    def _clips(self, split: Split, kinds: tuple[Kind, ...]) -> list[Clip]:
        return [clip for clip in self.manifest.select(split=split) if clip.kind in kinds]

    def _open(self, split: Split, kinds: tuple[Kind, ...]) -> AudioPart:
        from dfkd_core.data.decoding import build

        clips = self._clips(split, kinds)
        if not clips:
            lack = EMPTY if kinds == SIGNALS else "has no impulse responses; add some, or set data.impulse_responses: 0"
            raise DataError(f"{self.manifest.root}: the {split} split {lack}")
        folder = self.folder(split, kinds)
        if not _is_whole(folder):
            if folder.exists():
                _log.warning("%s: is damaged or of an earlier version; decoded again", folder)
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{folder}.lock"):
                if not _is_whole(folder):  # another process may have built it while this one waited
                    _replace(folder, lambda partial: build(self.manifest, clips, partial, self._progress))
        return _mapped(folder, clips, f"{self.manifest.root}, {split} split")


def _key(manifest: Manifest, clips: list[Clip]) -> str:
    digest = hashlib.sha256(os.fsencode(f"{FORMAT}\n{manifest.root}\n{rows_sha256(clips)}\n"))
    for clip in clips:
        digest.update(f"{stamp(manifest.path(clip))}\n".encode())
    return digest.hexdigest()[:32]


def _is_whole(folder: Path) -> bool:
    """Whether a part is as it was written, by the hash of each file; hashed once a process, not once a trial."""
    try:
        state = read_json(folder / "state.json")
        if state.pop("check") != value_sha256(state):
            return False
        files = state["files"]
        # sizes first: most damage shows in them
        return (
            set(files) == FILES
            and all((folder / name).stat().st_size == expected["bytes"] for name, expected in files.items())
            and all(content_sha256(folder / name) == expected["sha256"] for name, expected in files.items())
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _replace(folder: Path, write: Callable[[Path], None]) -> None:
    """Build under a temporary name, then rename: nobody ever sees half a part."""
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    for leftover in folder.parent.glob(f"{folder.name}.*.partial"):
        shutil.rmtree(leftover)
    partial.mkdir()
    try:
        write(partial)
        # a process that has mapped the damaged files keeps them until it ends
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _mapped(folder: Path, clips: list[Clip], where: str) -> AudioPart:
    state = read_json(folder / "state.json")
    with np.load(folder / "index.npz", allow_pickle=False) as index:
        usable, lengths, steps = index["usable"], index["num_samples"], index["steps"]
    return AudioPart(
        where=where,
        clips=tuple(clips[i] for i in usable),
        samples=np.memmap(folder / "samples.i16", np.int16, "r"),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        steps=steps,
        active_before=np.memmap(folder / "active.i32", np.int32, "r"),
        frame_offsets=np.concatenate([[0], np.cumsum(lengths // FRAME_SAMPLES)]).astype(np.int64),
        sha256=state["sha256"],
    )
