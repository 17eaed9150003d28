"""A SQLite file as tracking store: one wait for the disk a round instead of four a call.

MLflow commits every small change by itself, and each commit of SQLite's default journal waits for the disk several
times: on a busy disk 70 % of the delivery's time. With a write-ahead log and `synchronous=NORMAL` a commit waits for
nothing and is still atomic; `flush` makes all of them durable, and only then are records counted as delivered.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import psutil

from sweeps.tracking.addresses import ARTIFACTS

# A write-ahead log needs memory shared between its users: not where a file can be open on two machines.
_LOCAL_FILE_SYSTEMS = {"apfs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "hfs", "overlay", "tmpfs", "xfs", "zfs"}
_log = logging.getLogger(__name__)


def is_on_local_disk(path: Path) -> bool:
    """True when the file system that `path` is (or will be) on is known to be this machine's alone."""
    mounts = {Path(mount.mountpoint): mount.fstype for mount in psutil.disk_partitions(all=True)}
    holders = [folder for folder in path.resolve().parents if folder in mounts]
    return bool(holders) and mounts[holders[0]] in _LOCAL_FILE_SYSTEMS


@cache
def commit_without_waiting() -> None:
    """Let every SQLite connection that this process opens from now on use a write-ahead log, where that is safe."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    event.listen(Engine, "connect", _configure)


def flush(database: Path) -> None:
    """Return when every commit so far is on disk, in the database file itself unless a reader is in the way.

    Raises OSError.
    """
    log = database.with_name(database.name + "-wal")
    with suppress(FileNotFoundError), log.open("rb") as file:
        os.fsync(file.fileno())
    with closing(sqlite3.connect(database)) as connection, suppress(sqlite3.OperationalError):  # someone else is at it
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def relocate_artifacts(database: Path) -> None:
    """Let a database that was moved or copied together with its artifacts find them beside it, not at the old place.

    MLflow writes the place of an experiment's artifacts down once, as an absolute path. Those that were kept beside
    this database are known by their folder's name, and by what stands there now: nothing, or another database.
    """
    if not database.is_file():
        return
    here = database.resolve().parent / ARTIFACTS
    with closing(sqlite3.connect(database, timeout=30.0)) as connection, suppress(sqlite3.OperationalError):
        found = connection.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
        places = {uri: Path(url2pathname(urlsplit(uri).path)) for (uri,) in found if str(uri).startswith("file:///")}
        for uri, old in places.items():
            is_left = not old.exists() or (old.parent / database.name).exists()
            if old.name != ARTIFACTS or old == here or not is_left:
                continue
            _log.info("artifacts that were below %s are looked for below %s", old, here)
            with connection:
                for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {column} = ? OR {column} LIKE ?",  # noqa: S608
                        (here.as_uri(), len(uri) + 1, uri, f"{uri}/%"),
                    )


def _configure(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    file = connection.execute("PRAGMA database_list").fetchone()[2]
    if not file or not is_on_local_disk(Path(file)):
        return
    try:
        if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "wal":
            connection.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.OperationalError as error:  # in use by others: their journal stays
        _log.info("the database keeps its journal: %s", error)
