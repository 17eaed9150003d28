"""Damaged audio: files that break off, and how many unusable ones a corpus may have before it is refused."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path

from dfkd_core.errors import DataError
from dfkd_core.signal.audio import AudioInfo, info
from dfkd_core.signal.lossy import lacks_end

ALLOWED_SHARE = 0.01  # of a corpus's files, below which unusable ones are skipped
MISSING_SHARE = 0.01  # of a file's samples, below which a length is taken for carelessly written
UNKNOWN_BYTES = 0x7FFF_0000  # recorders that stream put the largest number where they do not know the length
# libsndfile reads what breaks off as a shorter file without a word, and its log alone tells: of WAV, AU, AIFF and W64
_DATA = re.compile(r"^ *(?:data|Data Size|SSND|riff) *: (\d+) \(should be (\d+)\)$", re.MULTILINE)
_UNCLOSED = re.compile(r"^data : 0$", re.MULTILINE)

_log = logging.getLogger(__name__)


def whole_info(path: Path) -> AudioInfo:
    """As `info`; DataError, too, when samples are missing that the header of an uncompressed file tells of."""
    header = info(path)
    if broken := breaks_off(header):
        raise DataError(f"{path}: {broken}; copy it anew")
    return header


def breaks_off(header: AudioInfo) -> str:
    """What a header tells of that is not there, in words; empty where nothing is missing."""
    found = _DATA.search(header.log)
    expected, there = (int(found[1]), int(found[2])) if found else (0, 0)
    if expected < UNKNOWN_BYTES and there < (1 - MISSING_SHARE) * expected:
        return f"breaks off: {expected:,} bytes of samples are told, but {there:,} there"
    return ""


def length_in_words(path: Path, header: AudioInfo) -> str:
    """Why a file that can be read may not be all that was recorded; empty where nothing tells of it."""
    if _UNCLOSED.search(header.log):
        return "its header was never closed and tells no length; read to its end"
    if header.container == "OGG" and lacks_end(path):
        return "its last page is missing, so it may break off; read as far as it goes"
    return breaks_off(header)


def tolerate(problems: Mapping[str, str], total: int, where: str) -> None:
    """Name and count unusable files (path -> reason): skipped under 1 % of `total`, else a DataError."""
    if not problems:
        return
    first = next(iter(problems.values()))
    damaged = f"{len(problems)} of {total} files ({len(problems) / total:.1%}) cannot be used"
    if len(problems) >= ALLOWED_SHARE * total:
        raise DataError(f"{where}: {damaged}, but must be under {ALLOWED_SHARE:.0%}; first: {first}")
    for reason in problems.values():
        _log.warning("skipped: %s", reason)
    _log.warning("%s: %s and were skipped", where, damaged)
