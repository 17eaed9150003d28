"""MLflow's SQLite database comes into being whole, whatever is killed meanwhile.

MLflow makes its tables in some sixty steps, each committed by itself. Killed between two it goes on at the next try,
within one it never does: "table ... already exists". So they are made in a file beside, which then takes the name.
"""

from __future__ import annotations

import glob
import sqlite3
import uuid
from contextlib import closing, suppress
from pathlib import Path

from dfkd_core.base.atomic_files import publish, sync_directory
from dfkd_core.errors import ConfigError
from sweeps.tracking.addresses import sqlite_file, sqlite_uri

_UNFINISHED = ".new-"  # and some letters, behind the database's name


def create_whole(database: Path) -> None:
    """Make MLflow's database where there is none, or one without tables; a kill leaves that, or the whole one.

    Only for one process at a time. Another program that makes the database meanwhile, such as `mlflow ui`, keeps its
    own. Raises OSError, sqlite3.Error and what MLflow raises.
    """
    database = database.resolve() if database.is_symlink() else database
    if database.is_file() and _tables(database):
        return
    from mlflow.store.tracking import DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    _remove_unfinished(database)
    new = database.with_name(f"{database.name}{_UNFINISHED}{uuid.uuid4().hex}")
    try:
        SqlAlchemyStore(sqlite_uri(new), DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH).engine.dispose()
        _without_log(new)
        sync_directory(new)
        # What has tables by now is somebody's. Nobody can add any while this lock is held, until the new one is there.
        _without_log(database)
        with closing(sqlite3.connect(database, isolation_level=None)) as empty:
            empty.execute("BEGIN EXCLUSIVE")
            if not empty.execute("SELECT 1 FROM sqlite_master").fetchone():
                publish(new, database)
    finally:
        _remove_unfinished(database)


def require_whole(uri: str) -> None:
    """ConfigError where the address is of a SQLite database whose set-up did not come to its end.

    MLflow makes its first experiment last. Where there is none, no run, and not today's schema, nothing of anybody's is
    in there. What cannot be read is not told of here.
    """
    database = sqlite_file(uri)
    try:
        if database is None or not database.is_file() or "experiments" not in (tables := _tables(database)):
            return
        with closing(_read_only(database)) as connection:
            for table in tables & {"experiments", "runs"}:
                if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608 - our own words
                    return
            has_schema = "alembic_version" in tables
            schema = {row[0] for row in connection.execute("SELECT * FROM alembic_version")} if has_schema else set()
    except sqlite3.Error:
        return
    from alembic.script import ScriptDirectory
    from mlflow.store import db_migrations

    if schema != set(ScriptDirectory(str(Path(db_migrations.__file__).parent)).get_heads()):
        rule = "must be whole, but MLflow's set-up of it was cut off or is still going on (no experiment, no run)"
        raise ConfigError(f"{rule}; unless a program is at it, move it away, and a new one is made", file=database)


def _read_only(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=30.0)


def _tables(database: Path) -> set[str]:
    with closing(_read_only(database)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _without_log(database: Path) -> None:
    """All is in the file itself afterwards; sqlite3.OperationalError while somebody else has it open."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def _remove_unfinished(database: Path) -> None:
    for left in database.parent.glob(f"{glob.escape(database.name)}{_UNFINISHED}*"):
        with suppress(FileNotFoundError):
            left.unlink()
