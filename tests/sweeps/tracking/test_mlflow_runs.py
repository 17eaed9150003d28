"""What MLflow answers is sorted into refused for good and to be tried again; calls keep to its limits."""

import os
from types import SimpleNamespace
from unittest import mock

import pytest
from mlflow.exceptions import MlflowException, RestException

from sweeps.tracking import mlflow_runs
from sweeps.tracking.mlflow_runs import MlflowRuns, RefusedError, UnreachableError, prepare_environment
from sweeps.tracking.run_key import RunKey
from sweeps.tracking.run_updates import MetricPoint


@pytest.fixture
def client(monkeypatch):
    """Stands for MlflowClient."""
    fake = mock.Mock()
    monkeypatch.setattr(mlflow_runs, "_connect", lambda uri: fake)
    return fake


@pytest.fixture
def runs(client):
    return MlflowRuns("http://127.0.0.1:1", "abc")


def rest_error(code):
    return RestException({"error_code": code, "message": "two\nlines"})


@pytest.mark.parametrize("code", ["INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST"])
def test_what_is_wrong_in_itself_is_refused(runs, client, code):
    client.log_batch.side_effect = rest_error(code)
    with pytest.raises(RefusedError, match="two lines"):
        runs.log("run", [], {"x": "1"}, {})


@pytest.mark.parametrize(
    "error",
    [
        *map(rest_error, ["INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "PERMISSION_DENIED"]),
        MlflowException("API request failed with timeout exception"),
        ConnectionError("refused"),
        OSError("disk"),
    ],
)
def test_what_may_pass_is_tried_again(runs, client, error):
    """Permissions too: a record is not thrown away because a password has changed."""
    client.log_batch.side_effect = error
    with pytest.raises(UnreachableError):
        runs.log("run", [], {"x": "1"}, {})


def test_an_experiment_that_mlflow_refuses_holds_everything_back(runs, client):
    """Nothing could be delivered without it: refusing all records would lose them."""
    client.get_experiment_by_name.return_value = None
    client.create_experiment.side_effect = rest_error("INVALID_PARAMETER_VALUE")
    with pytest.raises(UnreachableError):
        runs.experiment("name")


def test_an_experiment_that_another_sweep_just_made_is_used(runs, client):
    client.get_experiment_by_name.side_effect = [None, SimpleNamespace(experiment_id="7")]
    client.create_experiment.side_effect = rest_error("RESOURCE_ALREADY_EXISTS")
    assert runs.experiment("name") == "7"


def test_a_call_holds_at_most_1000_values_and_all_arrive(runs, client):
    points = [MetricPoint("m", float(n), n, n) for n in range(2000)]
    runs.log("run", points, {f"p{n}": "" for n in range(250)}, {f"t{n}": "" for n in range(120)})
    sizes = [[len(part) for part in call.args[1:]] for call in client.log_batch.call_args_list]
    assert [sum(column) for column in zip(*sizes, strict=True)] == [2000, 250, 120]
    assert all(sum(size) <= 1000 and max(size[1:]) <= 100 for size in sizes)


def test_a_search_reads_every_page_and_knows_its_own(runs, client):
    class Page(list):
        token = None

    def run(run_id, **tags):
        names = {f"dfkd.{name}": value for name, value in tags.items()}
        return SimpleNamespace(info=SimpleNamespace(run_id=run_id), data=SimpleNamespace(tags=names))

    first, second = (
        Page([run("a", kind="trial", trial_number="1")]),
        Page([run("b", kind="trial", trial_number="1"), run("c")]),
    )
    first.token = "more"
    client.search_runs.side_effect = [first, second]
    assert runs.find("1") == {"trial/1": ["a", "b"]}
    client.search_runs.side_effect = [second]
    assert runs.find("1", RunKey("trial", 2)) == {}


def test_a_missing_file_is_refused(runs, tmp_path):
    with pytest.raises(RefusedError, match="not there any more"):
        runs.upload("run", tmp_path / "gone.json", "")


def test_the_clients_own_retries_are_off_and_the_users_timeout_stays():
    with mock.patch.dict(os.environ, {"MLFLOW_HTTP_REQUEST_TIMEOUT": "7", "MLFLOW_RUN_ID": "stray"}):
        prepare_environment()
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0"
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7"
        assert "MLFLOW_RUN_ID" not in os.environ


@pytest.mark.parametrize("place", ["mlflow.db", "."])
def test_a_database_that_can_only_be_read_is_told_as_that(tmp_path, monkeypatch, place):
    (tmp_path / "mlflow.db").touch()
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path / place)
    with pytest.raises(UnreachableError, match=f"^{tmp_path / place} can only be read; let it be written, or name"):
        MlflowRuns(f"sqlite:///{tmp_path}/mlflow.db", "abc")
