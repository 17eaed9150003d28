"""What a node is given that lacks what trials read: which files, and their content in pieces. Knows no Ray."""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dfkd_core.base.cache import cache_dir, content_sha256
from sweeps.workload import Domain

SERVED = "served"  # the folder below a node's cache folder
PIECE_BYTES = 8 << 20  # that travel at once

Piece = tuple[str, int, int]  # a file's place, the first byte and how many


@dataclass(frozen=True)
class ServedFile:
    """A file that a node is given."""

    place: str  # below the cache folder
    num_bytes: int
    sha256: str


@dataclass(frozen=True)
class Parcel:
    """All that a node is given for trials that read the same."""

    files: tuple[ServedFile, ...]
    places: Mapping[str, str]  # where each place of the config lies then, below the cache folder
    what: str  # in words

    @cached_property
    def num_bytes(self) -> int:
        """Of all files."""
        return sum(file.num_bytes for file in self.files)


@dataclass(frozen=True)
class Serving:
    """How far a node has got with a parcel."""

    node: str
    what: str
    num_bytes: int  # that have come; where the node had a part already, fewer than the parcel has
    total_bytes: int
    seconds: float
    is_over: bool

    def __str__(self) -> str:
        total, seconds = in_mb(self.total_bytes), f"{self.seconds:.0f} s"
        if self.is_over:
            what = self.what if self.num_bytes == self.total_bytes else f"what it lacked of {self.what}"
            return f"{self.node} was sent {what} ({in_mb(self.num_bytes)} in {seconds})"
        return f"{self.node} is sent {self.what}: {in_mb(self.num_bytes)} of {total} after {seconds}"


class Server:
    """The files of a sweep's trials, as they lie on the driver's machine; nothing but these is ever read."""

    def __init__(self, domain: Domain[Any], epochs: int) -> None:
        self._domain, self._epochs, self._lock = domain, epochs, threading.Lock()
        self._known: dict[tuple[str, bool], tuple[Parcel, dict[str, Path]]] = {}

    def parcel(self, config: Mapping[str, Any], only_cached: bool) -> Parcel:
        """What a node needs for a trial's config; `only_cached`: that which it could make for itself, but slowly."""
        return self._made(config, only_cached)[0]

    def read(self, config: Mapping[str, Any], only_cached: bool, pieces: Sequence[Piece]) -> list[bytes]:
        """Pieces of the files of a parcel; KeyError for another file."""
        paths, contents = self._made(config, only_cached)[1], []
        for place, first, length in pieces:
            with paths[place].open("rb") as file:
                file.seek(first)
                contents.append(file.read(length))
        return contents

    def _made(self, config: Mapping[str, Any], only_cached: bool) -> tuple[Parcel, dict[str, Path]]:
        key = json.dumps(config, sort_keys=True), only_cached
        with self._lock:
            if key not in self._known:
                self._known[key] = self._make(self._domain.trial_config(config, self._epochs), only_cached)
            return self._known[key]

    def _make(self, config: Any, only_cached: bool) -> tuple[Parcel, dict[str, Path]]:
        """Files under names of their own content: other audio under the same path is another place."""
        found: dict[str, Path] = {}
        places: dict[str, str] = {}
        inputs = {} if only_cached else self._domain.input_files(config)
        for name, below in inputs.items():
            rows = [f"{file}\t{content_sha256(path)}" for file, path in sorted(below.items())]
            digest = hashlib.sha256("\n".join(rows).encode("utf-8", "surrogateescape")).hexdigest()
            places[name] = f"{SERVED}/{digest[:16]}/{Path(name).name}"
            found |= {f"{places[name]}/{file}".removesuffix("/"): path for file, path in below.items()}
        cached = [path for path in self._domain.cached_files(config) if path.is_file()]
        found |= {path.relative_to(cache_dir()).as_posix(): path for path in cached}
        files = tuple(ServedFile(place, path.stat().st_size, content_sha256(path)) for place, path in found.items())
        named = [name_of(place, below) for place, below in inputs.items()]
        named += [f"{len(cached)} cached file{'s' if len(cached) > 1 else ''}"] if cached else []
        return Parcel(files, places, ", ".join(named)), found


def name_of(place: str, below: Mapping[str, Path]) -> str:
    """What a place with files is called in words; one that is named by a file of it, by the folder: a manifest's."""
    path = Path(place)
    return path.parent.name if path.name in below else path.name


def in_mb(num_bytes: int) -> str:
    """A size in words."""
    if num_bytes < 100e3:
        return f"{math.ceil(num_bytes / 1e3)} kB"
    return f"{num_bytes / 1e6:.1f} MB" if num_bytes < 10e6 else f"{num_bytes / 1e6:,.0f} MB"


def pieces_of(wanted: Iterable[tuple[ServedFile, int]]) -> Iterator[list[Piece]]:
    """What is still to come of files, PIECE_BYTES or less at a time, of many files or of one."""
    batch: list[Piece] = []
    room = PIECE_BYTES
    for file, num_held in wanted:
        first = num_held
        while first < file.num_bytes:
            length = min(room, file.num_bytes - first)
            batch.append((file.place, first, length))
            first, room = first + length, room - length
            if not room:
                yield batch
                batch, room = [], PIECE_BYTES
    if batch:
        yield batch


Read = Callable[[Sequence[Piece]], list[bytes]]
