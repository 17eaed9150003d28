"""MLflow's database is there whole or not at all, and one that another program left half-made is told of."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tracked_sweeps import sweep_folder

from dfkd_core.errors import ConfigError
from sweeps.tracking.fresh_database import create_whole, require_whole
from sweeps.tracking.mlflow_runs import MlflowRuns, UnreachableError


@pytest.fixture
def database(tmp_path):
    """Where one will be."""
    return tmp_path / "mlflow.db"


@pytest.fixture
def whole(tmp_path):
    """The content of a whole one."""
    sweep_folder(tmp_path / "whole")
    return (tmp_path / "whole" / "mlflow.db").read_bytes()


@pytest.fixture
def made(monkeypatch, whole):
    """Databases as MLflow makes them, without its two seconds; where."""
    places = []

    class Store:
        def __init__(self, uri, root):
            self.engine = self
            places.append(uri.removeprefix("sqlite:///"))
            Path(places[-1]).write_bytes(whole)

        def dispose(self):
            """Nothing is open."""

    monkeypatch.setattr("mlflow.store.tracking.sqlalchemy_store.SqlAlchemyStore", Store)
    return places


def run(database, *statements):
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def experiments(database):
    with closing(sqlite3.connect(database)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM experiments")]


@pytest.mark.parametrize("before", ["nothing", "an empty file", "a log", "a set-up that was killed", "a link"])
def test_it_is_made_beside_and_takes_its_name(database, made, before):
    if before == "an empty file":
        database.touch()
    elif before == "a log":
        run(database, "PRAGMA journal_mode=WAL")
    elif before == "a set-up that was killed":
        for ending in ("", "-wal", "-shm"):
            database.with_name(f"mlflow.db.new-0{ending}").write_bytes(b"left")
    elif before == "a link":
        database.symlink_to(database.with_name("elsewhere.db"))
    create_whole(database)
    assert experiments(database) == ["Default"]
    assert len(made) == 1
    assert made[0].startswith(str(database.resolve()) + ".new-")
    assert not list(database.parent.glob("*.new-*"))
    assert database.is_symlink() == (before == "a link")


def test_what_has_tables_is_left_alone(database, made):
    run(database, "CREATE TABLE theirs (x)")
    create_whole(database)
    assert made == []


def test_a_database_that_another_program_makes_meanwhile_stays(database, made, monkeypatch):
    def theirs_first(path):
        run(database, "CREATE TABLE theirs (x)")

    monkeypatch.setattr("sweeps.tracking.fresh_database.sync_directory", theirs_first)
    create_whole(database)
    run(database, "SELECT * FROM theirs")
    assert not list(database.parent.glob("*.new-*"))


def half_made(database, whole):
    """As a kill leaves it in the middle of MLflow's set-up."""
    database.write_bytes(whole)
    run(database, "DELETE FROM experiments", "UPDATE alembic_version SET version_num = '90e64c465722'")


def test_a_half_made_one_is_told_of_and_left_as_it_is(database, whole):
    half_made(database, whole)
    content = database.read_bytes()
    with pytest.raises(ConfigError, match=f"^{database}: must be whole, .* move it away, and a new one is made$"):
        require_whole(f"sqlite:///{database}")
    with pytest.raises(UnreachableError, match=f"^{database}: must be whole"):
        MlflowRuns(f"sqlite:///{database}", "abc")
    assert database.read_bytes() == content


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE alembic_version SET version_num = '90e64c465722'",  # an older MLflow's, with its experiment
        "DELETE FROM experiments",  # `mlflow db upgrade` makes none
        "DROP TABLE experiments",  # another program's
    ],
)
def test_other_databases_are_not_taken_for_half_made(database, whole, statement):
    database.write_bytes(whole)
    run(database, statement)
    content = database.read_bytes()
    require_whole(f"sqlite:///{database}")
    assert database.read_bytes() == content


def test_what_is_no_database_or_not_there_is_told_of_elsewhere(database):
    require_whole("http://127.0.0.1:9")
    require_whole(f"sqlite:///{database}")
    assert not database.exists(), "looking makes none"
    database.write_bytes(content := b"no database" * 100)
    require_whole(f"sqlite:///{database}")
    assert database.read_bytes() == content
