"""One driver at a time: a lock file that names its holder and dies with it.

On the same host the holder is known by process id and start time; on another host by a heartbeat, which is the
lock file's own modification time, so that every age is measured on the file server's clock.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from dfkd_core.errors import ConfigError, DFKDError

HEARTBEAT_S = 5.0
STALE_S = 60.0
NAME = "driver.lock"


class LockLost(DFKDError):
    """Another driver has taken the sweep over: this one must stop."""


@dataclass(frozen=True)
class Holder:
    """Who drives a sweep; `session` is new for every driver."""

    host: str
    pid: int
    started: float
    session: str

    @classmethod
    def this_process(cls) -> Holder:
        """The calling process, with a fresh session."""
        pid = os.getpid()
        return cls(socket.gethostname(), pid, psutil.Process(pid).create_time(), uuid.uuid4().hex)

    def is_running_here(self) -> bool:
        """True when this host runs the process, and it is not another one under a recycled id."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


class DriverLock:
    """Held while a driver runs; `lost` turns true when somebody else took it."""

    def __init__(self, folder: Path, holder: Holder) -> None:
        self.path, self.holder = folder / NAME, holder
        self._stop = threading.Event()
        self._lost = threading.Event()

    @classmethod
    def acquire(cls, folder: Path) -> DriverLock:
        """Take the lock of a sweep folder, or refuse, naming the driver that holds it."""
        lock = cls(folder, Holder.this_process())
        for _ in range(10):
            if lock._create():
                threading.Thread(target=lock._beat, name="driver-heartbeat", daemon=True).start()
                return lock
            holder = live_holder(folder)
            if holder is not None:
                raise ConfigError(
                    f"is driven by process {holder.pid} on {holder.host}; stop it with `dfkd sweep stop {folder}`",
                    file=folder,
                )
            lock._set_aside()
        raise ConfigError("is being taken by several drivers at once; try again", file=folder)

    @property
    def session(self) -> str:
        """Identifies this driver to its workers."""
        return self.holder.session

    @property
    def lost(self) -> bool:
        """True once another driver holds the folder."""
        return self._lost.is_set()

    def check(self) -> None:
        """Raise LockLost when the lock is no longer ours."""
        if self.lost:
            raise LockLost(f"{self.path}: another driver has taken this sweep over; this one stops")

    def release(self) -> None:
        """Give the lock back, if it is still ours."""
        self._stop.set()
        if holds(self.path.parent, self.session):
            self.path.unlink(missing_ok=True)

    def _create(self) -> bool:
        """Write the whole lock under another name, then link it: it appears at once or not at all."""
        fresh = self.path.with_name(f"{NAME}.{self.session}")
        fresh.write_text(json.dumps(asdict(self.holder)))
        try:
            os.link(fresh, self.path)
        except FileExistsError:
            return False
        finally:
            fresh.unlink()
        return True

    def _set_aside(self) -> None:
        """Rename a dead driver's lock away; of several takers exactly one succeeds."""
        aside = self.path.with_name(f"{NAME}.dead.{self.session}")
        try:
            self.path.rename(aside)
        except FileNotFoundError:
            return
        aside.unlink()

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            if not holds(self.path.parent, self.session):
                self._lost.set()
                return
            os.utime(self.path)


def read_holder(folder: Path) -> Holder | None:
    """Who the lock file names, dead or alive."""
    try:
        return Holder(**json.loads((folder / NAME).read_text()))
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
    if holder.host == socket.gethostname():
        return holder if holder.is_running_here() else None
    try:
        age = (now or _file_server_time)(folder) - (folder / NAME).stat().st_mtime
    except FileNotFoundError:
        return None
    return holder if age < STALE_S else None


def _file_server_time(folder: Path) -> float:
    """The present, by the clock that stamps files in this folder."""
    probe = folder / f".clock.{os.getpid()}.{time.monotonic_ns()}"
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink()
