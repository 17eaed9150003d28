"""Where runs go: the file's word, the environment's, or a database beside the sweep folders."""

import os

import pytest

from sweeps.tracking.addresses import artifact_location, connect_uri, resolve_tracking_uri


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
