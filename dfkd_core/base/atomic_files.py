"""Files that are either whole or absent: written under a temporary name, forced to disk, then renamed."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dfkd_core.base.documents import open_plain

NAMED = 40  # characters of a file's name in that of its temporary one, which must fit where the name does


def write_atomic(path: Path, content: bytes) -> None:
    """Replace `path` by `content`; after any failure (OSError on a full disk, kill) the old file is intact."""
    with whole_file(path) as file:
        file.write(content)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file open for writing that replaces `path` when all went well; an OSError names `path`."""
    name = ""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:NAMED]}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        publish(Path(name), path)
    except BaseException as error:
        if name:
            Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None
        raise


def publish(temporary: Path, path: Path) -> None:
    """Rename a finished file into place, durably and with the permissions that a plain file gets."""
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(0o666 & ~mask)
    temporary.replace(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Force a folder's entries (or a file's content) to disk, so that a rename survives a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_files(directory: Path) -> None:
    """Force everything below a folder to disk, so that after a power cut no file under its new name is empty."""
    for path in [directory, *directory.rglob("*")]:
        sync_directory(path)


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content, read in pieces; Unreadable for what is no file."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
