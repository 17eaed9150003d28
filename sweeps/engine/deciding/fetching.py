"""A node fetches what it was found to lack: once, whole or not at all, and checked. Knows no Ray."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from filelock import FileLock

from dfkd_core.base.atomic_files import sha256_file
from dfkd_core.base.cache import content_sha256
from dfkd_core.base.progress import Progress, silent
from dfkd_core.errors import DataError
from sweeps.engine.deciding.serving import SERVED, Parcel, Read, ServedFile, in_mb, pieces_of

NUM_TRIES = 3  # of a file that arrives with another hash
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def fetch(parcel: Parcel, root: Path, read: Read, progress: Progress = silent) -> int:
    """Bring what is not there of a parcel below `root`, the cache folder; returns how many bytes came.

    Of several processes one fetches while the others wait; what a killed one had is gone on with. `progress` hears of
    bytes. DataError: no room, a file that arrives damaged again and again, or a place outside of `root`.
    """
    for file in parcel.files:
        if PurePosixPath(file.place).is_absolute() or ".." in PurePosixPath(file.place).parts:
            raise DataError(f"{file.place}: must lie below {root}")
    if not _lacking(parcel, root):
        return 0
    (root / SERVED).mkdir(parents=True, exist_ok=True)
    with FileLock(root / SERVED / ".lock"):
        lacking = _lacking(parcel, root)  # another process may have fetched while this one waited
        _require_room(lacking, root)
        num_fetched = 0
        for _ in range(NUM_TRIES):
            wanted = [(file, _num_held(root, file)) for file in lacking]
            done = parcel.num_bytes - sum(file.num_bytes - held for file, held in wanted)
            try:
                for pieces in pieces_of(wanted):
                    for (place, _, _), content in zip(pieces, read(pieces), strict=True):
                        with _partial(root, place).open("ab") as partial:
                            partial.write(content)
                        num_fetched += len(content)
                        done += len(content)
                    progress(parcel.what, done, parcel.num_bytes)
            except OSError as error:
                if error.errno in _NO_ROOM:
                    for file in lacking:
                        _partial(root, file.place).unlink(missing_ok=True)
                    raise _no_room(lacking, root) from error
                raise
            lacking = [file for file in lacking if not _put_in_place(root, file)]
            if not lacking:
                return num_fetched
    raise DataError(f"{lacking[0].place}: arrived {NUM_TRIES} times with another hash than where it came from")


def _lacking(parcel: Parcel, root: Path) -> list[ServedFile]:
    """The files that are not there as they should be; hashed once a process."""

    def is_whole(file: ServedFile) -> bool:
        path = root / file.place
        try:
            return path.stat().st_size == file.num_bytes and content_sha256(path) == file.sha256
        except OSError:
            return False

    return [file for file in parcel.files if not is_whole(file)]


def _require_room(lacking: Sequence[ServedFile], root: Path) -> None:
    needed = sum(file.num_bytes - _num_held(root, file) for file in lacking)
    if needed > shutil.disk_usage(root).free:
        raise _no_room(lacking, root)


def _no_room(lacking: Sequence[ServedFile], root: Path) -> DataError:
    needed, free = sum(file.num_bytes for file in lacking), shutil.disk_usage(root).free
    rule = f"must have room for {in_mb(needed)}, but has {in_mb(free)}"
    return DataError(f"{root}: {rule}; free some, or name another folder by DFKD_CACHE")


def _partial(root: Path, place: str) -> Path:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.fetched")


def _num_held(root: Path, file: ServedFile) -> int:
    """How much of a file an earlier call has fetched; more than it has is none of it."""
    partial = _partial(root, file.place)
    held = partial.stat().st_size if partial.exists() else 0
    if held > file.num_bytes:
        partial.unlink()
        return 0
    return held


def _put_in_place(root: Path, file: ServedFile) -> bool:
    """Rename a file that has arrived whole; another one is thrown away."""
    partial = _partial(root, file.place)
    partial.touch()  # an empty file comes in no piece
    if sha256_file(partial) != file.sha256:
        partial.unlink()
        return False
    partial.replace(root / file.place)
    return True
