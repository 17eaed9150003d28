"""One recording in two splits: found by its content, whatever it is called and however it was linked."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from functools import partial

import soundfile

from dfkd_core.base.atomic_files import sha256_file
from dfkd_core.base.documents import open_plain
from dfkd_core.data.manifest import Clip, Manifest
from dfkd_core.errors import DataError, Unreadable
from dfkd_core.signal.audio import read_channels

_SAMPLE_BYTES = 4096  # from the middle of a file, by which most that are of one size are told apart
_MIDDLE_FRAMES = 2048  # the same for files of one length
_ALL_FRAMES = 2**28  # an hour at any usual rate, and more


def require_no_leaks(manifest: Manifest) -> None:
    """DataError naming a recording that lies in two splits.

    It may be there as a copy, a link, through the alias of a folder, or as another file of the same samples (a FLAC of
    a WAV, a header with a title), as speech or as noise. Only files of one size in two splits are read, first a page of
    their middle: a corpus of a hundred thousand clips of one length takes as long as reading its headers does. Files of
    one length and several sizes are heard in the same way. Silence is nobody's recording.
    """

    def size(clip: Clip) -> Hashable:
        try:
            return manifest.path(clip).stat().st_size
        except OSError:
            return clip.path  # told where it is decoded

    def middle(clip: Clip) -> Hashable:
        try:
            with open_plain(manifest.path(clip)) as file:
                end = file.seek(0, 2)
                file.seek(max(0, end // 2 - _SAMPLE_BYTES // 2))
                return end, hashlib.blake2b(file.read(_SAMPLE_BYTES)).digest()
        except Unreadable:
            return clip.path  # told where it is decoded

    def content(clip: Clip) -> Hashable:
        return sha256_file(manifest.path(clip))

    def narrowed(groups: list[list[Clip]], *likenesses: Callable[[Clip], Hashable]) -> list[list[Clip]]:
        for likeness in likenesses:
            groups = [group for clips in groups for group in _in_two_splits(clips, likeness)]
        return [group for group in groups if _is_heard(manifest, group[0])]

    try:
        leaks = narrowed([list(manifest.clips)], size, middle, content)
        known = {clip.path for group in leaks for clip in group}
        long = _in_two_splits(manifest.clips, lambda clip: round(clip.seconds, 3))
        long = [group for group in long if len(set(map(size, group))) > 1]
        again = narrowed(long, *(partial(_sound, manifest, most) for most in (_MIDDLE_FRAMES, _ALL_FRAMES)))
        leaks += [group for group in again if not known.issuperset(clip.path for clip in group)]
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror}); check its permissions") from error
    if leaks:
        first, second = leaks[0][0], next(clip for clip in leaks[0] if clip.split != leaks[0][0].split)
        more = f", and so are {len(leaks) - 1} others" if len(leaks) > 1 else ""
        raise DataError(
            f"{manifest.root}: {first.path} ({first.split}) and {second.path} ({second.split}) "
            f"are one recording{more}; "
            "take it out of one of them"
        )


def _in_two_splits(clips: Iterable[Clip], likeness: Callable[[Clip], Hashable]) -> list[list[Clip]]:
    groups: dict[Hashable, list[Clip]] = defaultdict(list)
    for clip in clips:
        groups[likeness(clip)].append(clip)
    return [group for group in groups.values() if len({clip.split for clip in group}) > 1]


def _sound(manifest: Manifest, most: int, clip: Clip) -> Hashable:
    """Frames around the middle, which are the same in each lossless format."""
    path = manifest.path(clip)
    try:
        open_plain(path).close()
        with soundfile.SoundFile(os.fsencode(path) if os.name == "posix" else str(path)) as file:
            file.seek(max(0, (file.frames - most) // 2))
            samples = file.read(most, dtype="float64", always_2d=True)
            return file.samplerate, samples.shape, hashlib.blake2b(samples.tobytes()).digest()
    except (soundfile.SoundFileError, OSError, TypeError, ValueError):
        return clip.path  # what libsndfile does not read is known by its content alone


def _is_heard(manifest: Manifest, clip: Clip) -> bool:
    try:
        samples, _ = read_channels(manifest.path(clip))
    except DataError:
        return False
    return bool((samples != samples[:, :1]).any())
