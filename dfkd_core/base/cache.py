"""Where decoded audio, corpora and teacher estimates are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """The cache folder: `DFKD_CACHE` where it is set, else the platform's user cache; created."""
    named = os.environ.get("DFKD_CACHE")
    folder = Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("dfkd"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()
