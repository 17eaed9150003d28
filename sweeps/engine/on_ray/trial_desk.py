"""A trial's files as its worker uses them, whether its node sees the sweep folder or not.

Where it does not, a keeper beside the driver reads and writes the folder for it: a checkpoint (0.3 to 10 MB) travels
through Ray's object store and lies in the sweep folder before its epoch is reported, as it does everywhere. The keeper
also gives nodes the files that trials read, where they lack them.
"""

from __future__ import annotations

import tempfile
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import cloudpickle
import ray
from ray.actor import ActorHandle
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sweeps.engine.deciding.serving import Parcel, Piece, Server
from sweeps.record.driver_lock import holds
from sweeps.record.trial_folder import TrialFolder
from sweeps.workload import domain_of

NUM_THREADS = 8  # of a keeper: most of its time goes into waiting for the disk
GIVING, NUM_GIVING = "giving", 4  # further threads, so that no checkpoint waits for files that nodes are given
LOG = "log.txt"

Packed = dict[str, bytes]  # the files of a checkpoint, by their path below it


@dataclass(frozen=True)
class FarNode:
    """A node that does not see the folder, as its workers tell the driver."""

    node_id: str
    name: str


class TrialDesk:
    """On a node that sees the folder. Only the trial's present worker writes, for the driver that holds the sweep."""

    def __init__(self, folder: Path, number: int, home: Path, session: str, worker: str | None = None) -> None:
        self.files, self._home, self._session = TrialFolder(folder, number), home, session
        self._worker = worker or uuid.uuid4().hex

    @property
    def log(self) -> Path:
        """Where the trial's log is written."""
        return self.files.path / LOG

    def claim(self) -> None:
        """Take the trial over from the worker before."""
        self.files.claim(self._worker)

    def check(self) -> None:
        """RuntimeError when another driver holds the sweep, or another worker the trial."""
        if not holds(self._home, self._session):
            raise RuntimeError("this worker's driver no longer holds the sweep; nothing was written")
        if not self.files.is_claimed_by(self._worker):
            raise RuntimeError("another worker has taken this trial up; nothing was written")

    def save(self, epoch: int, metrics: Mapping[str, float], save: Callable[[Path], None]) -> None:
        """Save what an epoch has left, whole or not at all."""
        self.check()
        self.files.save(epoch, metrics, save)

    def checkpoints(self) -> Iterator[Path]:
        """What the trial may go on from, newest first."""
        yield from self.files.generations()

    def send_log(self) -> None:
        """Nothing to do: it lies where it belongs."""


class Keeper:
    """The sweep folder for workers that do not see it, whose calls name the trial and who asks; and files for nodes.

    Which files trials of the (cloudpickled) workload read is found out when a node lacks some.
    """

    def __init__(self, folder: Path, home: Path, session: str, workload: bytes = b"", epochs: int = 0) -> None:
        self._folder, self._home, self._session = folder, home, session
        self._workload, self._epochs = workload, epochs
        self._news: dict[str, tuple[int, Any]] = {}
        self._num_told = 0
        self._claiming, self._telling = threading.Lock(), threading.Lock()
        self._writing: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)  # one at a time for each trial

    def _desk(self, number: int, worker: str) -> TrialDesk:
        return TrialDesk(self._folder, number, self._home, self._session, worker)

    def claim(self, number: int, worker: str) -> None:
        """As the desk's."""
        with self._writing[number], self._claiming:
            self._desk(number, worker).claim()

    def check(self, number: int, worker: str) -> None:
        """As the desk's."""
        self._desk(number, worker).check()

    def save(self, number: int, worker: str, epoch: int, metrics: Mapping[str, float], packed: Packed) -> None:
        """Write a checkpoint that was handed over."""
        with self._writing[number]:
            self._desk(number, worker).save(epoch, metrics, lambda place: unpack(packed, place))

    def generations(self, number: int, worker: str) -> list[str]:
        """The names of the trial's checkpoints, newest first."""
        return [checkpoint.name for checkpoint in self._desk(number, worker).checkpoints()]

    def read(self, number: int, worker: str, name: str) -> Packed:
        """One of them."""
        return pack(self._desk(number, worker).files.checkpoints / name)

    def note(self, number: int, worker: str, lines: bytes) -> None:
        """Write further lines of the trial's log."""
        desk = self._desk(number, worker)
        with self._writing[number], desk.log.open("ab") as file:
            desk.check()
            file.write(lines)

    @cached_property
    def _server(self) -> Server:
        return Server(domain_of(cloudpickle.loads(self._workload)), self._epochs)

    @ray.method(concurrency_group=GIVING)  # type: ignore[untyped-decorator]
    def parcel(self, config: Mapping[str, Any], only_cached: bool) -> Parcel:
        """What a node needs for trials of a config."""
        return self._server.parcel(config, only_cached)

    @ray.method(concurrency_group=GIVING)  # type: ignore[untyped-decorator]
    def pieces(self, config: Mapping[str, Any], only_cached: bool, pieces: Sequence[Piece]) -> list[bytes]:
        """Pieces of the files of a parcel."""
        return self._server.read(config, only_cached, pieces)

    def tell(self, about: str, news: Any) -> None:
        """Keep the newest that a node has to tell the driver about something."""
        with self._telling:
            self._num_told += 1
            self._news[about] = self._num_told, news

    def news(self, since: int) -> tuple[int, dict[str, Any]]:
        """What was told since `since` words had been, by what it is about; and how many have been by now."""
        since = since if since <= self._num_told else 0  # it was told to a keeper that has died
        with self._telling:
            return self._num_told, {about: news for about, (count, news) in self._news.items() if count > since}


def start_keeper(folder: Path, home: Path, session: str, workload: bytes = b"", epochs: int = 0) -> ActorHandle:
    """A keeper beside this driver, which it does not outlive; it is started again when it dies before."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    options = {"num_cpus": 0, "scheduling_strategy": here, "max_concurrency": NUM_THREADS}
    lasting = {"max_restarts": -1, "max_task_retries": -1}
    kept = ray.remote(**options, **lasting, concurrency_groups={GIVING: NUM_GIVING})(Keeper)
    return kept.remote(folder, home, session, workload, epochs)


def answer_of(call: Any) -> Any:
    """The keeper's answer to a call; what it raises is raised here as it was."""
    try:
        return ray.get(call)
    except RayTaskError as error:
        raise error.cause from None


class FarDesk:
    """On a node that does not see the folder: the work is done in a folder of its own, and handed to the keeper."""

    def __init__(self, keeper: ActorHandle, number: int) -> None:
        self._keeper, self._who = keeper, (number, uuid.uuid4().hex)
        self._own = tempfile.TemporaryDirectory(prefix="dfkd-trial-")  # goes with this object
        self.log = Path(self._own.name, LOG)
        self._num_sent = 0  # bytes of the log

    def claim(self) -> None:
        """Take the trial over from the worker before."""
        self._ask("claim")

    def check(self) -> None:
        """RuntimeError when another driver holds the sweep, or another worker the trial."""
        self._ask("check")

    def save(self, epoch: int, metrics: Mapping[str, float], save: Callable[[Path], None]) -> None:
        """Save here, hand over, and wait until it lies in the sweep folder."""
        with tempfile.TemporaryDirectory(dir=self._own.name) as place:
            save(Path(place))
            self._ask("save", epoch, dict(metrics), pack(Path(place)))

    def checkpoints(self) -> Iterator[Path]:
        """What the trial may go on from, newest first; each fetched when it is asked for."""
        for name in self._ask("generations"):
            with tempfile.TemporaryDirectory(dir=self._own.name) as place:
                unpack(self._ask("read", name), Path(place, name))
                yield Path(place, name)

    def send_log(self) -> None:
        """Hand over what the log says since the last time; what cannot be handed over goes with the next."""
        with suppress(OSError, RuntimeError, RayError):
            lines = self.log.read_bytes()[self._num_sent :]
            self._ask("note", lines)
            self._num_sent += len(lines)

    def _ask(self, what: str, *arguments: Any) -> Any:
        return answer_of(getattr(self._keeper, what).remote(*self._who, *arguments))


def pack(folder: Path) -> Packed:
    """Every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def unpack(packed: Packed, folder: Path) -> None:
    """Write packed files into a folder; ValueError for one that would lie outside."""
    for name, content in packed.items():
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts:
            raise ValueError(f"{name!r} lies outside of its checkpoint")
        (folder / inside).parent.mkdir(parents=True, exist_ok=True)
        (folder / inside).write_bytes(content)
