"""A sweep's copy in a store is kept current while its driver works; a store that is away holds nothing up."""

from __future__ import annotations

import logging
import shlex
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.object_store import StoreError
from dfkd_core.errors import ConfigError
from sweeps.definition.spec import SweepSpec
from sweeps.engine.driving.preparing import locked
from sweeps.record.driver_lock import DriverLock, LockLost
from sweeps.record.mirror import Mirror
from sweeps.record.sweep import Sweep
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.sweep_state import SweepStopped

MIN_INTERVAL_S = 5.0
MAX_SHARE = 0.05  # of the time that sending may take

_log = logging.getLogger(__name__)


class Mirroring:
    """Sends what has changed, from a thread of its own."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror, self._changed, self._stop = mirror, set[int](), threading.Event()
        self._lost: LockLost | None = None
        self._is_away = False
        self._thread = threading.Thread(target=self._work, name="mirroring", daemon=True)
        self._thread.start()

    def note(self, numbers: Iterable[int]) -> None:
        """These trials have changed; LockLost when another driver has taken the copy over."""
        self._changed.update(numbers)
        if self._lost is not None:
            raise self._lost

    def end(self) -> None:
        """No further sending."""
        self._stop.set()
        self._thread.join()

    def finish(self) -> None:
        """Send all that is left; what cannot be sent is told, and waits for `sync` or a resume."""
        self.end()
        try:
            self._mirror.update()
            self._mirror.give_back()
        except StoreError as error:
            remedy = f"`dfkd sweep sync {shlex.quote(str(self._mirror.folder))}` sends the rest"
            _log.warning("the store has not all of the sweep (%s); %s", error, remedy)

    def _work(self) -> None:
        wait_s = 0.0
        while not self._stop.wait(wait_s):
            changed, began = set(self._changed), time.monotonic()
            self._changed -= changed
            try:
                self._mirror.update(changed)
                self._is_away = False
            except LockLost as lost:
                self._lost = lost
                return
            except StoreError as error:
                self._changed |= changed
                if not self._is_away:
                    _log.warning("the store does not answer, the sweep goes on without it: %s", error)
                self._is_away = True
            wait_s = max(MIN_INTERVAL_S, (time.monotonic() - began) / MAX_SHARE)


@contextmanager
def mirrored(sweep: Sweep, lock: DriverLock) -> Iterator[Mirroring | None]:
    """While entered, the sweep's copy follows it, where its file asks for one; left with everything sent."""
    mirror = Mirror.of(sweep.path, sweep.spec)
    if mirror is None:
        yield None
        return
    with _answering():
        mirror.take(lock.holder)
    mirroring = Mirroring(mirror)
    try:
        yield mirroring
    except (SweepStopped, KeyboardInterrupt):
        mirroring.finish()
        raise
    except BaseException:
        mirroring.end()
        raise
    mirroring.finish()


def catch_up(folder: SweepFolder, url: str | None = None) -> None:
    """Take over from the copy what another folder's driver has done since; the caller holds the folder's lock.

    ConfigError: a driver is at work on the copy, or the store does not answer.
    """
    if url or folder.is_sweep:
        mirror = Mirror(folder.path, url) if url else Mirror.of(folder.path, folder.spec())
        if mirror is not None:
            with _answering():
                mirror.require_free(is_patient=True)
                mirror.bring()


def bring_or_refuse(folder: SweepFolder, spec: SweepSpec, *, brings: bool) -> None:
    """Where the store that a sweep file names holds the sweep already: bring it into `folder`, or raise ConfigError."""
    mirror = Mirror.of(folder.path, spec)
    if mirror is None:
        return
    with _answering():
        is_there = mirror.is_there
    if is_there and not brings:
        remedy = f"go on with `dfkd sweep resume {mirror.store.url}`"
        raise ConfigError(f"{mirror.store.url} already holds a sweep; {remedy}", key="storage.shared")
    if is_there:
        fetched(mirror.store.url, folder.path)


def fetched(place: str | Path, out: str | Path | None = None) -> Path:
    """The folder of a sweep that lies at a URL, brought here (default `runs/<name>`); a path is that folder itself.

    ConfigError: there is none, a driver is at work on it, or the folder holds another one.
    """
    url = str(place)
    if "://" not in url:
        if out is not None:
            raise ConfigError(f"says where to bring what a URL names, but {url} is a folder; leave it out", key="--out")
        return Path(place)
    folder = SweepFolder(out or Path("runs") / url.partition("?")[0].rstrip("/").rpartition("/")[2])
    try:
        mirror = Mirror(folder.path, url)
    except ValueError as error:
        raise ConfigError(str(error), key="the sweep's URL") from error
    with _answering():
        if not mirror.is_there:
            raise ConfigError(
                f"must be storage.shared with the sweep's name behind it, but {url} holds none", key="URL"
            )
    is_new = not folder.path.exists()
    with locked(folder), folder.removed_unless_begun(is_new):
        here = Mirror.of(folder.path, folder.spec()) if folder.is_sweep else None
        if folder.is_sweep and (here is None or here.store.url != mirror.store.url):
            raise ConfigError(f"holds another sweep than {url}; name another --out", file=folder.path)
        catch_up(folder, url)
    return folder.path


@contextmanager
def _answering() -> Iterator[None]:
    """What comes before the work must be known: a store that does not answer is refused."""
    try:
        yield
    except StoreError as error:
        raise ConfigError(f"must answer, but {error}", key="storage.shared") from error
