"""How much of a corpus may be unusable before it is refused."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from dfkd_core.errors import DataError

ALLOWED_SHARE = 0.01

_log = logging.getLogger(__name__)


def tolerate(problems: Mapping[str, str], total: int, where: str) -> None:
    """Name and count unusable files (path -> reason): skipped under 1 % of `total`, else a DataError."""
    if not problems:
        return
    first = next(iter(problems.values()))
    told = f"{len(problems)} of {total} files ({len(problems) / total:.1%}) cannot be used"
    if len(problems) >= ALLOWED_SHARE * total:
        raise DataError(f"{where}: {told}, but must be under {ALLOWED_SHARE:.0%}; first: {first}")
    for reason in problems.values():
        _log.warning("skipped: %s", reason)
    _log.warning("%s: %s and were skipped", where, told)
