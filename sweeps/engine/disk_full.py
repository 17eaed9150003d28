"""A full disk is nobody's fault but the disk's: it ends the sweep with one line, and costs no trial its place."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweeps.stopped import SweepStopped

_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
_TEXTS = ("No space left on device", "Disk quota exceeded")  # what libraries make of them in errors of their own


def is_disk_full(error: BaseException) -> bool:
    """True when a write failed for want of room."""
    number = error.errno if isinstance(error, OSError) else None
    return number in _ERRNOS or any(text in str(error) for text in _TEXTS)


@contextmanager
def told_of_full_disk(folder: Path) -> Iterator[None]:
    """Turn the driver's own failed write into SweepStopped, which says where and how to go on."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        place = error.filename or folder
        raise SweepStopped("failed", f"no space left on the disk of {place}; free some", folder) from None
