"""What this user has agreed to, remembered outside the sweep folders: a folder may come from somebody else.

An agreement is about one sweep, known by its id: running its own sweep is agreement to what the sweep names.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import platformdirs

from dfkd_core.base.documents import read_content

_agreed_here: set[str] = set()  # where nothing can be written, this process remembers


def agree(sweep_id: str, what: str) -> None:
    """Remember that `what`, such as a workload's class, is wanted in this sweep."""
    line = _line(sweep_id, what)
    if line in _agreed_here | _remembered():
        return
    _agreed_here.add(line)
    with suppress(OSError):
        if _file().exists() and not _file().is_file():
            return
        _file().parent.mkdir(parents=True, exist_ok=True)
        with _file().open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def is_agreed(sweep_id: str, what: str) -> bool:
    """Whether this user, on this machine, has agreed to it before."""
    return _line(sweep_id, what) in _agreed_here | _remembered()


def _line(sweep_id: str, what: str) -> str:
    return hashlib.sha256(f"{sweep_id}\n{what}".encode()).hexdigest()


def _remembered() -> set[str]:
    with suppress(OSError, ValueError):
        return set(read_content(_file()).decode().split())
    return set()


def _file() -> Path:
    return Path(platformdirs.user_state_dir("dfkd")) / "agreed.txt"
