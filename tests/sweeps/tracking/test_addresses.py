"""Where runs go: the file's word, the environment's, or a database beside the sweep folders."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from sweeps.tracking.addresses import (
    RunAddresses,
    artifact_location,
    connect_uri,
    resolve_tracking_uri,
    sqlite_file,
    sqlite_uri,
)


@pytest.fixture(autouse=True)
def _no_uri_in_the_environment(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def test_the_default_is_a_database_beside_the_sweep_folder(tmp_path):
    assert resolve_tracking_uri(tmp_path / "runs" / "first") == f"sqlite:///{tmp_path}/runs/mlflow.db"


def test_the_environment_beats_the_default_and_the_file_beats_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:hunter2@host:5000")
    assert resolve_tracking_uri(tmp_path) == "http://host:5000"
    assert resolve_tracking_uri(tmp_path, "http://other:1") == "http://other:1"


def test_a_relative_database_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve_tracking_uri(tmp_path / "first", "sqlite:///mlflow.db") == f"sqlite:///{tmp_path}/mlflow.db"


def test_artifacts_lie_beside_a_database_and_where_a_server_says(tmp_path):
    assert artifact_location(f"sqlite:///{tmp_path}/mlflow.db") == (tmp_path / "mlartifacts").as_uri()
    assert artifact_location("http://host:5000") is None


def test_a_servers_password_moves_from_the_address_to_mlflows_variables(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:hunter2@host:5000")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD")
    assert connect_uri("http://host:5000") == "http://host:5000"
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "ann"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "hunter2"
    assert "hunter2" not in os.environ["MLFLOW_TRACKING_URI"]


def test_a_databases_password_is_used_for_that_database_only(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://ann:hunter2@host/db")
    assert connect_uri("postgresql://ann@host/db") == "postgresql://ann:hunter2@host/db"
    assert connect_uri("postgresql://ann@elsewhere/db") == "postgresql://ann@elsewhere/db"


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1).map(
    lambda n: f"_{n}"
)


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_a_path_of_any_spelling_is_the_same_file_for_us_and_for_sqlalchemy(names):
    database = Path("/", *names)
    assert sqlite_file(sqlite_uri(database)) == database
    assert make_url(sqlite_uri(database)).database == str(database)


@pytest.mark.parametrize("name", ["feature%2Fone", "what?now", "a#b", "two words", "größe", "100%"])
def test_the_database_lies_beside_the_sweep_folder_whatever_the_folder_is_called(tmp_path, name):
    assert sqlite_file(resolve_tracking_uri(tmp_path / name / "first")) == tmp_path / name / "mlflow.db"


def test_a_run_has_a_page_with_a_server_and_without():
    assert RunAddresses("http://u:p@host:5000/", "3").page("abc") == "http://host:5000/#/experiments/3/runs/abc"
    assert RunAddresses("sqlite:////r/m.db", "3").page("abc") == "http://127.0.0.1:5000/#/experiments/3/runs/abc"
    assert RunAddresses("sqlite:////r/m.db", "3").page(None) is None
    assert RunAddresses("sqlite:////r/m.db", "3", {7: "abc"}).of(7) == "abc"


def test_the_command_that_opens_mlflow_is_quoted_for_the_shell():
    command = RunAddresses("sqlite:////my runs/mlflow.db").how_to_look()
    assert command == "mlflow ui --backend-store-uri 'sqlite:////my runs/mlflow.db'"
