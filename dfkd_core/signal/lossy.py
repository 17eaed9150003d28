"""What a lossy file's header does not tell: streams behind the first one, and whether the last one came to its end."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import BinaryIO, Final

_FIRST_PAGE: Final = b"OggS\0\x02"  # capture pattern, version 0, begin of stream (RFC 3533)
_LAST_PAGE = 0x04  # flag of the page with which a stream ends
_TAGS: Final = (b"Xing", b"Info")  # of the frame that counts an MP3's frames, so many bytes behind its start:
_TAG_PLACES: Final = (13, 21, 36)
_TAIL_BYTES = 1 << 17  # more than two pages


def is_joined(file: BinaryIO, container: str) -> bool:
    """Whether an Ogg or MP3 file holds several streams one behind the other, as `cat` joins them.

    libsndfile reads the first one alone, or as many samples as its header counts.
    """
    if container not in ("OGG", "MP3"):
        return False
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if container == "OGG":
            first = content.find(_FIRST_PAGE)
            return content.find(_FIRST_PAGE, first + 1) >= 0
        return sum(_counts_frames(content, at) for tag in _TAGS for at in _places(content, tag)) > 1


def lacks_end(path: Path) -> bool:
    """Whether the last page of an Ogg file is not that with which a stream ends: it broke off, or its recorder died."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
        tail = file.read()
    page = tail.rfind(b"OggS\0")
    return page >= 0 and len(tail) > page + 5 and not tail[page + 5] & _LAST_PAGE


def _places(content: mmap.mmap, tag: bytes) -> list[int]:
    places, at = [], content.find(tag)
    while at >= 0:
        places.append(at)
        at = content.find(tag, at + 1)
    return places


def _counts_frames(content: mmap.mmap, at: int) -> bool:
    """Whether the tag at that place is that of a frame, and no word of a title or of damage."""
    starts = [at - behind for behind in _TAG_PLACES if at >= behind]
    return any(content[start] == 0xFF and content[start + 1] & 0xE0 == 0xE0 for start in starts)
