"""One driver at a time: a lock file that names its holder and dies with it.

Where process ids mean the same (one boot of one host) the holder is known by its id and start; elsewhere by a
heartbeat, which is the lock file's own modification time, so that every age is measured on the file server's clock.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.documents import read_json
from dfkd_core.errors import ConfigError, DFKDError
from sweeps.record.process_identity import is_running, place, this_process

HEARTBEAT_S = 5.0
STALE_S = 60.0
POLL_S = 0.01
NAME = "driver.lock"


class LockLost(DFKDError):
    """Another driver has taken the sweep over: this one must stop."""


@dataclass(frozen=True)
class Holder:
    """Who drives a sweep; `session` is new for every driver."""

    host: str
    pid: int
    start: str
    place: str
    session: str

    @classmethod
    def this_process(cls) -> Holder:
        """The calling process, with a fresh session."""
        return cls(socket.gethostname(), *this_process(), place(), uuid.uuid4().hex)


class DriverLock:
    """Held while a driver runs; `lost` turns true when somebody else took it."""

    def __init__(self, folder: Path, holder: Holder) -> None:
        self.folder, self.path, self.holder = folder, folder / NAME, holder
        self._stop = threading.Event()

    @classmethod
    def acquire(cls, folder: Path) -> DriverLock:
        """Take the lock of a sweep folder, or refuse, naming the driver that holds it."""
        lock = cls(folder, Holder.this_process())
        with _one_at_a_time(folder):
            holder = live_holder(folder)
            if holder is not None:
                remedy = f"stop it with `dfkd sweep stop {shlex.quote(str(folder))}`"
                raise ConfigError(f"is driven by process {holder.pid} on {holder.host}; {remedy}", file=folder)
            write_atomic(lock.path, json.dumps(asdict(lock.holder)).encode())
        threading.Thread(target=lock._beat, name="driver-heartbeat", daemon=True).start()
        return lock

    @property
    def session(self) -> str:
        """Identifies this driver to its workers."""
        return self.holder.session

    @property
    def lost(self) -> bool:
        """True once another driver holds the folder, also when it did so while this process was suspended."""
        return not holds(self.folder, self.session)

    def check(self) -> None:
        """Raise LockLost when the lock is no longer ours."""
        if self.lost and not self.path.exists():
            rule = f"{self.path}: is gone, and so may be the folder, moved or removed; this driver stops"
            raise LockLost(f"{rule}; go on with `dfkd sweep resume`, where the folder lies now")
        if self.lost:
            raise LockLost(f"{self.path}: another driver has taken this sweep over; this one stops")

    def release(self) -> None:
        """Give the lock back, if it is still ours."""
        self._stop.set()
        if not self.folder.exists():
            return
        with _one_at_a_time(self.folder):
            if not self.lost:
                self.path.unlink()

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            with suppress(OSError):  # a file server that hesitates is asked again
                if self.lost:
                    return
                os.utime(self.path)


def read_holder(folder: Path) -> Holder | None:
    """Who the lock file names, dead or alive."""
    try:
        return Holder(**read_json(folder / NAME))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def holds(folder: Path, session: str) -> bool:
    """True while the driver of this session holds the folder: a worker's fence before it writes."""
    holder = read_holder(folder)
    return holder is not None and holder.session == session


def live_holder(folder: Path, now: Callable[[Path], float] | None = None) -> Holder | None:
    """The driver that is at work on this folder, if any."""
    holder = read_holder(folder)
    if holder is None:
        return None
    if holder.place == place():
        return holder if is_running(holder.pid, holder.start) else None
    try:
        age = (now or _file_server_time)(folder) - (folder / NAME).stat().st_mtime
    except FileNotFoundError:
        return None
    return holder if age < STALE_S else None


def wait_for_silence(folder: Path) -> None:
    """Wait for as long as a driver on another machine may have died, but is not silent for long enough yet.

    One whose heart beats is not waited for.
    """
    holder, seen = live_holder(folder), _last_beat(folder)
    while holder is not None and holder.place != place() and _last_beat(folder) == seen:
        time.sleep(HEARTBEAT_S / 5)
        holder = live_holder(folder)


def _last_beat(folder: Path) -> float | None:
    try:
        return (folder / NAME).stat().st_mtime
    except FileNotFoundError:
        return None


def _one_at_a_time(folder: Path) -> FileLock:
    """Who judges a lock and replaces it does so alone, else two takers could each remove the other's."""
    return FileLock(folder / f".{NAME}.guard", poll_interval=POLL_S)


def _file_server_time(folder: Path) -> float:
    """The present, by the clock that stamps files in this folder."""
    probe = folder / f".clock.{os.getpid()}.{time.monotonic_ns()}"
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink()
