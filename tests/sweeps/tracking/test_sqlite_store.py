"""Commits do not wait for the disk one by one, and what was flushed is in the file."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import create_engine, text

from sweeps.tracking import sqlite_store
from sweeps.tracking.sqlite_store import commit_without_waiting, flush, is_on_local_disk

NORMAL, FULL = 1, 2


@pytest.fixture
def database(tmp_path):
    return tmp_path / "mlflow.db"


def settings(database):
    """Return journal mode and synchronous setting of a connection as MLflow opens it."""
    commit_without_waiting()
    with create_engine(f"sqlite:///{database}").connect() as connection:
        return tuple(connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous"))


def test_a_local_database_gets_a_write_ahead_log(database, monkeypatch):
    monkeypatch.setattr(sqlite_store, "is_on_local_disk", lambda path: True)
    assert settings(database) == ("wal", NORMAL)


def test_a_database_that_other_machines_may_open_keeps_its_journal(database, monkeypatch):
    monkeypatch.setattr(sqlite_store, "is_on_local_disk", lambda path: False)
    assert settings(database) == ("delete", FULL)


def test_a_database_in_use_keeps_its_journal(database, monkeypatch):
    monkeypatch.setattr(sqlite_store, "is_on_local_disk", lambda path: True)
    with closing(sqlite3.connect(database, isolation_level=None)) as user:
        user.execute("CREATE TABLE t (x)")
        user.execute("BEGIN")
        user.execute("SELECT * FROM t").fetchall()
        commit_without_waiting()
        with create_engine(f"sqlite:///{database}", connect_args={"timeout": 0.05}).connect() as connection:
            assert connection.execute(text("PRAGMA synchronous")).scalar() == FULL


def test_a_flushed_database_is_whole_without_its_log(database, monkeypatch, tmp_path):
    monkeypatch.setattr(sqlite_store, "is_on_local_disk", lambda path: True)
    commit_without_waiting()
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
        connection.execute(text("INSERT INTO t VALUES (7)"))
    flush(database)
    shutil.copy(database, tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT x FROM t").fetchall() == [(7,)]


def test_flushing_a_database_without_a_log_is_nothing(database):
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE t (x)")
    flush(database)
    assert [path.name for path in database.parent.iterdir()] == ["mlflow.db"]


@pytest.mark.parametrize(
    ("kind", "local"), [("ext4", True), ("nfs4", False), ("fuse.sshfs", False), ("invented", False)]
)
def test_only_file_systems_known_to_be_local_count_as_local(tmp_path, monkeypatch, kind, local):
    class Mount:
        def __init__(self, mountpoint, fstype):
            self.mountpoint, self.fstype = mountpoint, fstype

    mounts = [Mount("/", "ext4"), Mount(str(tmp_path), kind)]
    monkeypatch.setattr(sqlite_store.psutil, "disk_partitions", lambda all: mounts)
    assert is_on_local_disk(tmp_path / "runs" / "mlflow.db") == local
