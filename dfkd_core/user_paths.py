"""Paths as a user writes them: relative to a file of theirs, with `~` for a home."""

from __future__ import annotations

from pathlib import Path

from dfkd_core.errors import ConfigError


def seen_from(base: Path, name: str, key: str = "") -> Path:
    """The path that `name` means in a file of the folder `base`; ConfigError for what can be no path."""
    if "\0" in name:
        raise ConfigError(f"must be a path, but got {name!r}", key=key)
    try:
        return base / Path(name).expanduser()
    except RuntimeError as error:  # ~user of somebody unknown here
        raise ConfigError(f"must be a path, but {name!r} names a home that is not known", key=key) from error
