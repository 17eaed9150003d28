"""Walk folders and read audio headers in parallel, in flat memory."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from dfkd_core.base.allowance import allowed_cpus
from dfkd_core.base.documents import real_path
from dfkd_core.base.progress import Progress
from dfkd_core.data.damage import tolerate, whole_info
from dfkd_core.data.manifest import Clip, Kind, Split, without_partners
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import AUDIO_SUFFIXES

BATCH = 1024  # headers in flight


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that a layout found: a clip whose header is still unread.

    Of a hundred thousand, names take a third of the memory of paths.
    """

    name: str | Path
    kind: Kind
    split: Split
    label: str

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return Path(self.name)


def audio_files(folder: Path, others: Counter[str] | None = None) -> Iterator[Path]:
    """Every audio file below a folder, hidden ones left out, in one order on every machine.

    Links are followed, but not to a folder that holds the link: each real file of a loop is met once. `others` counts
    the files that were not looked at, by their suffix. DataError: a folder cannot be listed.
    """

    def refuse(error: OSError) -> NoReturn:
        raise DataError(f"{error.filename}: cannot be listed ({error.strerror}); check its permissions") from error

    def leads_back(place: Path) -> bool:
        return place.is_symlink() and real_path(place.parent).is_relative_to(real_path(place))

    for directory, subfolders, names in os.walk(folder, followlinks=True, onerror=refuse):
        shown = (name for name in subfolders if not name.startswith("."))
        subfolders[:] = sorted(name for name in shown if not leads_back(Path(directory, name)))
        for name in sorted(name for name in names if not name.startswith(".")):
            suffix = Path(name).suffix.lower()
            if suffix in AUDIO_SUFFIXES:
                yield Path(directory, name)
            elif others is not None:
                others[suffix or "no suffix"] += 1


def stamp(path: Path) -> str:
    """Size and time of a file, by which a change of it is noticed without reading it."""
    try:
        status = path.stat()
    except OSError:
        return "missing"
    return f"{status.st_size} {status.st_mtime_ns}"


def entries_sha256(root: Path, entries: list[Entry]) -> str:
    """Identity of a scanned folder: place, roles, size and time of every file."""
    digest = hashlib.sha256(os.fsencode(f"{root}\n"))
    for entry in entries:
        row = f"{entry.path}\t{entry.kind}\t{entry.split}\t{entry.label}\t{stamp(entry.path)}\n"
        digest.update(row.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]


def read_headers(root: Path, entries: list[Entry], progress: Progress) -> tuple[list[Clip], Counter[int]]:
    """The clips of the entries, and how many have which rate in Hz.

    Unreadable files are named and counted, skipped under 1 %, else a DataError. With a file of a pair its partner is
    left out.
    """

    def attempt(entry: Entry) -> tuple[Clip, int] | DataError:
        try:
            header = whole_info(entry.path)
        except DataError as error:
            return error
        path = entry.path.relative_to(root).as_posix()
        return Clip(path, entry.kind, entry.split, entry.label, "unknown", round(header.seconds, 3)), header.rate_hz

    clips: list[Clip] = []
    rates: Counter[int] = Counter()
    problems: dict[str, str] = {}
    # threads: libsndfile and the disk work outside Python's lock
    with ThreadPoolExecutor(min(16, 4 * allowed_cpus())) as pool:
        for start in range(0, len(entries), BATCH):
            batch = entries[start : start + BATCH]
            for entry, result in zip(batch, pool.map(attempt, batch), strict=True):
                if isinstance(result, DataError):
                    problems[str(entry.path)] = str(result)
                    continue
                clips.append(result[0])
                rates[result[1]] += 1
            progress("read headers", min(start + BATCH, len(entries)), len(entries))
    tolerate(problems, len(entries), str(root))
    lost = {
        (entry.split, Clip(str(entry.path), entry.kind, entry.split, "", "", 0.0).pair)
        for entry in entries
        if str(entry.path) in problems
    }
    return without_partners(clips, lost) if lost else clips, rates
