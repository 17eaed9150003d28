"""WAV files that break off: libsndfile reads one as a shorter file without a word, and its log alone tells."""

from __future__ import annotations

import re
from pathlib import Path

from dfkd_core.errors import DataError
from dfkd_core.signal.audio import AudioInfo, info

MISSING_SHARE = 0.01  # of its samples, below which a length is taken for carelessly written
UNKNOWN_BYTES = 0x7FFF_0000  # recorders that stream put the largest number where they do not know the length
_DATA = re.compile(r"^data : (\d+) \(should be (\d+)\)$", re.MULTILINE)


def whole_info(path: Path) -> AudioInfo:
    """As `info`; DataError, too, when samples are missing that the header of a WAV file tells of."""
    header = info(path)
    told = _DATA.search(header.log)
    if told is None:
        return header
    expected, there = int(told[1]), int(told[2])
    if expected < UNKNOWN_BYTES and there < (1 - MISSING_SHARE) * expected:
        raise DataError(
            f"{path}: breaks off: {expected:,} bytes of samples are told, but {there:,} there; copy it anew"
        )
    return header
