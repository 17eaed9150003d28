"""Append-only records on disk: what MLflow has still to be told.

A spool is a folder of segments, `records-<first sequence number>.jsonl`, one JSON record a line. One process appends;
one other process reads, delivers, and removes segments that are delivered whole.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from dfkd_core.base.documents import parse_json

SPOOL = "spool"
_RECORDS_PER_SEGMENT = 1000
_LATEST_S = 1e12  # seconds since 1970; what MLflow stores in milliseconds as whole numbers is larger
_TAIL_BYTES = 1 << 16


@dataclass(frozen=True)
class Record:
    """What happened, when (seconds since 1970), and as the how-manieth thing of this sweep."""

    sequence: int
    time_s: float
    event: str
    fields: Mapping[str, Any]


class SpoolWriter:
    """The appending end. Not thread-safe: its owner holds a lock.

    A record is on disk whole or not at all: a line that a crash or a full disk cut short is removed before the next
    append. Raises OSError when the disk refuses.
    """

    def __init__(self, folder: Path, delivered: int = 0) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        last = max(last_sequence(folder), delivered)  # after a power cut, more may be delivered than is left on disk
        self._next = last + 1
        names = segments(folder)
        self._file, self._size, self._num_records, self._torn = -1, 0, 0, False
        if names and last == last_sequence(folder):
            self._open(names[-1])
        else:
            self._open(_segment_path(folder, self._next))

    def append(self, event: str, time_s: float, fields: Mapping[str, Any]) -> int:
        """Write one record at the end; return its sequence number."""
        if self._num_records >= _RECORDS_PER_SEGMENT:
            self._open(_segment_path(self._folder, self._next))
        record = {"n": self._next, "t": time_s, "event": event, **fields}
        line = (json.dumps(record, default=_plain, separators=(",", ":")) + "\n").encode()
        if self._torn:
            os.ftruncate(self._file, self._size)
            self._torn = False
        written = 0
        while written < len(line):
            self._torn = True
            written += os.write(self._file, line[written:])
        self._torn, self._size = False, self._size + len(line)
        self._next, self._num_records = self._next + 1, self._num_records + 1
        return self._next - 1

    def close(self, delivered: int = 0) -> None:
        """Close the file; leave nothing behind when all of it is delivered."""
        if self._file < 0:
            return
        os.close(self._file)
        self._file = -1
        if delivered >= self._next - 1:
            for path in segments(self._folder):
                path.unlink(missing_ok=True)

    def _open(self, path: Path) -> None:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        if self._file >= 0:
            os.close(self._file)
        content = path.read_bytes()
        self._file, self._size = file, content.rfind(b"\n") + 1
        self._num_records = content.count(b"\n")
        self._torn = self._size < len(content)


class SpoolReader:
    """The reading end: every record after `delivered`, in order, as soon as its line is complete."""

    def __init__(self, folder: Path, delivered: int) -> None:
        self._folder, self._last = folder, delivered
        self._path: Path | None = None
        self._offset = 0
        self.unreadable: list[bytes] = []  # complete lines that are not records: damage, for the caller to report

    def read(self, limit: int) -> list[Record]:
        """Return up to `limit` records that were not returned before."""
        found: list[Record] = []
        paths = segments(self._folder)
        for path, following in zip(paths, [*paths, None][1:], strict=True):
            if following is not None and _first_sequence(following) <= self._last + 1:
                continue  # read, or delivered, whole
            if path != self._path:
                self._path, self._offset = path, 0
            found.extend(self._read_segment(path, limit - len(found)))
            if len(found) >= limit:
                break
        return found

    def discard(self, delivered: int) -> None:
        """Remove the segments that hold nothing after `delivered`; the newest stays, its writer may have it open."""
        paths = segments(self._folder)
        for path, following in pairwise(paths):
            if _first_sequence(following) <= delivered + 1:
                path.unlink(missing_ok=True)

    def _read_segment(self, path: Path, limit: int) -> Iterator[Record]:
        with path.open("rb") as file:
            file.seek(self._offset)
            while limit > 0 and (line := file.readline()).endswith(b"\n"):
                self._offset += len(line)
                try:
                    record = _record(line)
                except ValueError:
                    self.unreadable.append(line)
                    continue
                if record.sequence > self._last:
                    self._last, limit = record.sequence, limit - 1
                    yield record
            # Appending does not wait for the disk; what the delivery has seen should outlive a power cut.
            os.fsync(file.fileno())


def segments(folder: Path) -> list[Path]:
    """Return the files of the spool, oldest first."""
    return sorted(path for path in folder.glob("records-*.jsonl") if path.is_file())


def last_sequence(folder: Path) -> int:
    """Return the sequence number of the newest complete record, 0 when there is none; reads one file's end only."""
    for path in reversed(segments(folder)):
        with contextlib.suppress(FileNotFoundError):  # just delivered and removed
            return _last_in(path)
    return 0


def _last_in(path: Path) -> int:
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        window = _TAIL_BYTES
        while True:
            start = max(0, end - window)
            file.seek(start)
            lines = file.read(end - start).split(b"\n")[:-1]
            for line in reversed(lines if start == 0 else lines[1:]):
                with contextlib.suppress(ValueError):  # damage: the line before it counts
                    return _record(line).sequence
            if start == 0:
                return _first_sequence(path) - 1
            window *= 4


def _record(line: bytes) -> Record:
    """A line as a record; ValueError when it is damaged."""
    fields = parse_json(line, finite=False)
    try:
        record = Record(int(fields.pop("n")), float(fields.pop("t")), str(fields.pop("event")), fields)
    except (KeyError, TypeError, OverflowError, AttributeError) as error:
        raise ValueError(f"is no record: {error!r}") from error
    if not abs(record.time_s) < _LATEST_S:
        raise ValueError("is no record: its time is none")
    return record


def _segment_path(folder: Path, first: int) -> Path:
    return folder / f"records-{first:012d}.jsonl"


def _first_sequence(path: Path) -> int:
    return int(path.stem.removeprefix("records-"))


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's; anything else as its text."""
    return value.item() if hasattr(value, "item") else str(value)
