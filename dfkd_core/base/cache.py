"""Where decoded audio, corpora and teacher estimates are kept between runs, and whether they are what they were."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import platformdirs

from dfkd_core.base.documents import real_path, typed_path
from dfkd_core.errors import ConfigError

_PIECE = 1 << 22  # bytes that are hashed at a time

_checked: dict[tuple[str, int], tuple[int, int, int, str]] = {}  # what this process has hashed, by path and offset


def cache_dir() -> Path:
    """The cache folder: `DFKD_CACHE` where it is set, else the platform's user cache; created.

    ConfigError: it cannot be made or written into.
    """
    named = os.environ.get("DFKD_CACHE")
    folder = typed_path(named, "DFKD_CACHE") if named else Path(platformdirs.user_cache_dir("dfkd"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK | os.X_OK) else "it may not be written into"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        rule = f"must be a folder for decoded audio and estimates, but {reason}; name another by DFKD_CACHE"
        raise ConfigError(rule, key="" if not named else "DFKD_CACHE", file=folder)
    return real_path(folder)


def content_sha256(path: Path, offset: int = 0) -> str:
    """SHA-256 of a file from a byte on; of a file that has not been touched, worked out once a process.

    A cache is trusted for as long as a process lives, not longer: a flipped byte would train on without a word.
    """
    status = path.stat()
    state = status.st_ino, status.st_size, status.st_mtime_ns
    known = _checked.get((str(path), offset))
    if known is not None and known[:3] == state:
        return known[3]
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(offset)
        while piece := file.read(_PIECE):
            digest.update(piece)
    _checked[str(path), offset] = (*state, digest.hexdigest())
    return digest.hexdigest()


def value_sha256(value: Any) -> str:
    """SHA-256 of plain values, by which damage to what a file says of itself is noticed."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
