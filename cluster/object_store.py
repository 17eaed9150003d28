"""Files below a URL, in a store that outlives every machine of a cluster: S3, Google's, or a folder."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl, urlsplit

from dfkd_core.errors import DFKDError

if TYPE_CHECKING:
    from pyarrow import fs

T = TypeVar("T")
SCHEMES = ("s3", "gs", "file")
NUM_TRIES, FIRST_WAIT_S = 5, 0.2  # on top of what the client itself tries
LAST_TRY_S = 60.0  # after which none is begun: of a store that says nothing the client tells after 100 s
_SECRET = re.compile("key|secret|token|password|credential|signature", re.IGNORECASE)


class StoreError(DFKDError):
    """A store that does not do what it is asked, several times in a row; the message names it."""


@dataclass(frozen=True)
class Stored:
    """What a store says of a file."""

    num_bytes: int
    time_s: float  # of its last change, by the store's clock


def check_url(url: str) -> str:
    """The URL; ValueError, without repeating a secret, for one that is none of ours or holds one."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError("must begin with s3://, gs:// or file://")
    where = "give it through the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the cloud's own)"
    if "@" in parts.netloc or any(_SECRET.search(name) for name, _ in parse_qsl(parts.query)):
        raise ValueError(f"must not hold a key, but got one; {where}")
    bucket = "" if parts.scheme == "file" else "BUCKET"
    if bool(parts.netloc) is not bool(bucket) or not parts.path.startswith("/"):
        raise ValueError(f"must read {parts.scheme}://{bucket}/FOLDER, but got {url!r}")
    return url


def below(url: str, name: str) -> str:
    """The URL of what lies below another one; options behind a question mark stay behind it."""
    place, mark, options = url.partition("?")
    return f"{place.rstrip('/')}/{name}{mark}{options}"


class ObjectStore:
    """The files below one URL; each is written whole or not at all, and every call is tried several times."""

    def __init__(self, url: str) -> None:
        from pyarrow import fs  # late: it takes a second

        self.url, self._fs = check_url(url), fs

    @cached_property
    def _place(self) -> tuple[fs.FileSystem, str]:
        found, path = self._fs.FileSystem.from_uri(self.url)
        return found, path.rstrip("/")

    def put(self, name: str, content: bytes) -> None:
        """Write a file."""

        def write(system: fs.FileSystem, path: str) -> None:
            target = path
            if is_folder := isinstance(system, self._fs.LocalFileSystem):  # here a write can be cut off in the middle
                folder = Path(path).parent
                system.create_dir(str(folder), recursive=True)
                target = str(folder / f".{uuid.uuid4().hex}.tmp")
            with system.open_output_stream(target) as file:
                file.write(content)
            if is_folder:
                system.move(target, path)

        self._tried(write, name)

    def get(self, name: str) -> bytes | None:
        """A file's content; None where there is none."""

        def read(system: fs.FileSystem, path: str) -> bytes | None:
            try:
                with system.open_input_stream(path) as file:
                    return bytes(file.read())
            except FileNotFoundError:
                return None

        return self._tried(read, name)

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""

        def remove(system: fs.FileSystem, path: str) -> None:
            if system.get_file_info(path).type == self._fs.FileType.File:
                system.delete_file(path)

        self._tried(remove, name)

    def stat(self, name: str) -> Stored | None:
        """What is known of a file; None where there is none."""
        return self._tried(lambda system, path: self._stored(system.get_file_info(path)), name)

    def files(self) -> Mapping[str, Stored]:
        """Every file, by its name below the URL."""

        def found(system: fs.FileSystem, path: str) -> dict[str, Stored]:
            infos = system.get_file_info(self._fs.FileSelector(path, recursive=True, allow_not_found=True))
            named = {info.path.removeprefix(f"{path}/"): self._stored(info) for info in infos}
            return {name: stored for name, stored in named.items() if stored is not None}

        return self._tried(found, "")

    def _tried(self, work: Callable[[fs.FileSystem, str], T], name: str) -> T:
        """What `work` returns at its first success; StoreError with the last one's reason when there is none."""
        began = time.monotonic()
        for attempt in range(NUM_TRIES):
            try:
                system, root = self._place
                return work(system, f"{root}/{name}" if name else root)
            except (OSError, ValueError) as error:  # pyarrow's own errors are of these
                reason = " ".join(str(error).split())[:300]
                if attempt + 1 == NUM_TRIES or time.monotonic() - began > LAST_TRY_S:
                    break
                time.sleep(FIRST_WAIT_S * 2**attempt)
        raise StoreError(f"{below(self.url, name) if name else self.url}: {reason}")

    def _stored(self, info: fs.FileInfo) -> Stored | None:
        if info.type != self._fs.FileType.File:
            return None
        return Stored(info.size, info.mtime_ns / 1e9 if info.mtime_ns else 0.0)
