"""A sweep folder's copy in a store, from which it is gone on with when the folder's disk is gone.

The copy is whole at every moment: what the ledger speaks of is written before the ledger, what it no longer speaks of
removed after it, and of a checkpoint the file that makes it one comes last. MLflow's spool stays behind: who takes the
copy up tells MLflow again, which changes nothing there.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from cluster.object_store import ObjectStore, Stored, below
from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.documents import parse_json, read_json
from dfkd_core.errors import ConfigError
from sweeps.definition.spec import SweepSpec
from sweeps.record.driver_lock import HEARTBEAT_S, STALE_S, Holder, LockLost
from sweeps.record.ledger import JOURNAL
from sweeps.record.process_identity import is_running, place
from sweeps.record.sweep_folder import SPEC, SweepFolder
from sweeps.record.trial_folder import STATE

CLAIM = "driver.json"  # in the store: who drives the sweep, and by its age whether their heart beats
NOTE = ".mirror"  # in the folder: the drivers up to whose work it is complete
LEFT_OUT = {"driver.lock", "ledger.lock", "stop.request"}
WHOLE = ("front", "confirm")  # folders that are looked through each time
LEDGERS = (JOURNAL, f"confirm/{JOURNAL}")
SKEW_S = 120.0  # by which the store's clock may differ from ours

Seen = tuple[int, int]  # time and size of a file


class Mirror:
    """The copy of one folder at one URL."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.store = folder, ObjectStore(url)
        self._sent: dict[str, dict[str, Seen]] = {}  # by the folder that is looked through
        self._sent_ledgers: dict[str, int] = {}  # by their length
        self._claim: dict[str, object] = {}
        self._beaten_s = 0.0

    @classmethod
    def of(cls, folder: Path, spec: SweepSpec) -> Mirror | None:
        """The copy that a sweep file asks for, if it does."""
        shared = spec.storage.shared
        return None if shared is None else cls(folder, below(shared, spec.name))

    @property
    def is_there(self) -> bool:
        """Whether the store holds the sweep."""
        return self.store.stat(SPEC) is not None

    def require_free(self, is_patient: bool = False) -> None:
        """ConfigError, naming the driver that is at work on the copy.

        Who is patient waits for one on another machine that may have died, but is not silent for long enough yet.
        """
        holder, seen = self._live_holder(), self.store.stat(CLAIM)
        while is_patient and holder and holder.place != place() and self.store.stat(CLAIM) == seen:
            time.sleep(HEARTBEAT_S)
            holder = self._live_holder()
        if holder is not None:
            rule = f"is driven by process {holder.pid} on {holder.host}"
            raise ConfigError(f"{self.store.url} {rule}; stop it there", key="storage.shared")

    def bring(self) -> bool:
        """Make the folder what the store holds, unless that came from it; the caller holds the folder's lock."""
        claim = self._read_claim()
        if claim is None or claim["session"] in self._noted():
            return False
        files = {name: stored for name, stored in self.store.files().items() if _is_ours(name)}
        for name in sorted(files, key=lambda name: (name == SPEC, name in LEDGERS, name)):
            content = self.store.get(name)
            if content is not None:
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(path, content)
                os.utime(path, (files[name].time_s - SKEW_S,) * 2)
        for path in [path for path in self.folder.rglob("*") if path.is_file()]:
            name = path.relative_to(self.folder).as_posix()
            if _is_ours(name) and name not in files:
                path.unlink()
        shutil.rmtree(self.folder / "spool", ignore_errors=True)
        self._note(str(claim["session"]))
        folder = SweepFolder(self.folder)
        folder.renote(folder.note()["sweep_id"])  # it has moved, and is no copy
        return True

    def take(self, holder: Holder) -> None:
        """Claim the copy for the driver that holds the folder, and find out what it lacks."""
        self.require_free()
        self._claim = {**asdict(holder), "over": False}
        self._note(holder.session)
        self._beat()
        known = self.store.files()
        for scope, names in self._local(None).items():
            self._sent[scope] = {name: seen for name, seen in names.items() if _is_sent(seen, known.get(name))}
            there = (name for name in known if _scope(name) == scope and name not in LEDGERS)  # sent by their length
            gone = (name for name in there if name not in names and _is_ours(name))
            self._sent[scope] |= dict.fromkeys(gone, (0, -1))

    def check(self) -> None:
        """LockLost when another driver has taken the copy over."""
        claim = self._read_claim()
        if claim is not None and claim["session"] != self._claim["session"]:
            raise LockLost(f"{self.store.url}: another driver has taken this sweep over; this one stops")

    def update(self, trials: Iterable[int] | None = None) -> None:
        """Bring the copy up to what the folder holds; of trials those given, by default all of them."""
        self.check()
        self._beat()
        ledgers = {name: content for name in LEDGERS if (content := self._new_lines(name))}
        local = self._local(trials)
        spec = self._sent.setdefault("", {}).get(SPEC)
        for scope, names in local.items():
            sent = self._sent.setdefault(scope, {})
            for name in sorted(names, key=_last_is_state):
                if name != SPEC and sent.get(name) != names[name]:
                    self._send(name, names[name], sent)
        self.check()
        for name, content in ledgers.items():
            self.store.put(name, content)
            self._sent_ledgers[name] = len(content)
        if SPEC in local[""] and spec != local[""][SPEC]:
            self._send(SPEC, local[""][SPEC], self._sent[""])
        for scope, names in local.items():
            for name in sorted(self._sent[scope].keys() - names.keys(), key=_last_is_state, reverse=True):
                self.store.delete(name)
                del self._sent[scope][name]

    def give_back(self) -> None:
        """Say that no driver is at work."""
        self._claim["over"] = True
        self._beaten_s = 0.0
        self._beat()

    def _send(self, name: str, seen: Seen, sent: dict[str, Seen]) -> None:
        with suppress(FileNotFoundError):  # a generation that was dropped since
            self.store.put(name, (self.folder / name).read_bytes())
            sent[name] = seen
        self._beat()

    def _beat(self) -> None:
        if time.monotonic() - self._beaten_s > HEARTBEAT_S:
            self.store.put(CLAIM, json.dumps(self._claim).encode())
            self._beaten_s = time.monotonic()

    def _new_lines(self, name: str) -> bytes | None:
        """A ledger's whole lines, where it has grown."""
        with suppress(FileNotFoundError):
            content = (self.folder / name).read_bytes()
            content = content[: content.rfind(b"\n") + 1]
            return content if len(content) != self._sent_ledgers.get(name) else None
        return None

    def _local(self, trials: Iterable[int] | None) -> dict[str, dict[str, Seen]]:
        """What lies in each folder that is looked through."""
        top = sorted(path.name for path in (self.folder / "trials").glob("[0-9]*"))
        numbers = top if trials is None else [f"{number:04d}" for number in trials]
        found = {scope: dict(self._walk(scope)) for scope in (*WHOLE, *(f"trials/{number}" for number in numbers))}
        found[""] = dict(self._seen(path for path in self.folder.glob("*") if path.is_file()))
        return found

    def _walk(self, scope: str) -> Iterator[tuple[str, Seen]]:
        for folder, inner, names in os.walk(self.folder / scope):
            inner[:] = [name for name in inner if not name.startswith(".")]
            yield from self._seen(Path(folder, name) for name in names)

    def _seen(self, paths: Iterable[Path]) -> Iterator[tuple[str, Seen]]:
        for path in paths:
            name = path.relative_to(self.folder).as_posix()
            with suppress(FileNotFoundError):
                if _is_ours(name) and name not in LEDGERS:
                    status = path.stat()
                    yield name, (status.st_mtime_ns, status.st_size)

    def _live_holder(self) -> Holder | None:
        claim, beat = self._read_claim(), self.store.stat(CLAIM)
        if claim is None or beat is None or claim.pop("over", False):
            return None
        holder = Holder(**claim)  # type: ignore[arg-type]
        if holder.place == place():
            return holder if is_running(holder.pid, holder.start) else None
        self.store.put(".clock", b"")
        now = self.store.stat(".clock")
        return holder if now is not None and now.time_s - beat.time_s < STALE_S else None

    def _read_claim(self) -> dict[str, object] | None:
        content = self.store.get(CLAIM)
        return None if content is None else dict(parse_json(content))

    def _noted(self) -> list[str]:
        with suppress(OSError, ValueError):
            return list(read_json(self.folder / NOTE))
        return []

    def _note(self, session: str) -> None:
        noted = [*self._noted(), session]
        write_atomic(self.folder / NOTE, json.dumps(noted[-100:]).encode())


def _is_ours(name: str) -> bool:
    """Whether a file of a sweep folder belongs to its copy."""
    parts = name.split("/")
    hidden = any(part.startswith(".") for part in parts)
    return not hidden and parts[0] != "spool" and parts[-1] not in LEFT_OUT and name != CLAIM


def _is_sent(seen: Seen, stored: Stored | None) -> bool:
    """Whether the store has a file as it is here, as far as size and time tell."""
    return stored is not None and stored.num_bytes == seen[1] and seen[0] / 1e9 + SKEW_S <= stored.time_s


def _scope(name: str) -> str:
    parts = name.split("/")
    if parts[0] in WHOLE:
        return parts[0]
    return "/".join(parts[:2]) if parts[0] == "trials" else ""


def _last_is_state(name: str) -> tuple[bool, str]:
    return name.endswith(f"/{STATE}"), name
