"""What a user has written somewhere: through a link to where it leads, into a device or a pipe as it stands there.

Where that cannot be, one line tells path and reason; `require_output` tells it before long work.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dfkd_core.base.atomic_files import whole_file
from dfkd_core.base.documents import real_path
from dfkd_core.errors import ConfigError

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def output(path: Path, key: str = "") -> Iterator[IO[bytes]]:
    """A file open for writing, that stands at `path` once it is whole; its folders are made.

    ConfigError, with the option `key` by which it was named: it cannot be written; what stood there is intact.
    """
    try:
        target = _target(path, key)
        if target is None:
            with path.open("wb") as stream:
                yield stream
            return
        require_place(target.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as file:
            yield file
    except OSError as error:
        raise _refusal(path, error, key) from error


def write_output(path: Path, content: bytes, key: str = "") -> None:
    """Write all of a file as `output` does."""
    with output(path, key) as file:
        file.write(content)


def require_output(path: Path | None, key: str = "") -> None:
    """ConfigError, as far as it can be known without writing, where `output` would raise one; None: for no file."""
    if path is None:
        return
    try:
        target = _target(path, key)
        if target is not None and target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target is not None:
            require_place(target.parent)
    except OSError as error:
        raise _refusal(path, error, key) from error


def require_folder(path: Path, key: str = "") -> None:
    """ConfigError unless a folder is there to be written into, or can be made."""
    try:
        require_place(path)
    except OSError as error:
        raise _refusal(path, error, key, "folder") from error


def output_folder(path: Path, key: str = "") -> Path:
    """Make a folder that a user names; ConfigError where it cannot be, or cannot be written into."""
    try:
        require_place(path)
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(path, error, key, "folder") from error
    return path


def _target(path: Path, key: str) -> Path | None:
    """The file to be replaced, behind all links; None for a device or a pipe, which is written into."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = stat.S_IFREG
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        return None
    if str(real_path(path.parent)).startswith("/proc/") or path.parent == Path("/dev"):
        raise ConfigError("leads into a file that another program holds open; name the file", key=key, file=path)
    return real_path(path)


def require_place(folder: Path) -> None:
    """OSError unless files can be made in a folder, or it in the nearest one above that is there."""
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _refusal(path: Path, error: OSError, key: str, kind: str = "file") -> ConfigError:
    remedy = f"make room, or name another {kind}" if error.errno in _FULL else f"name another {kind}"
    return ConfigError(f"cannot be written ({error.strerror or error}); {remedy}", key=key, file=path)
