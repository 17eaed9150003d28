"""Files of a sweep in MLflow: what cannot be stored holds nothing else up, and only the folder's own are sent."""

import os
import shutil
import sqlite3
from unittest import mock

import pytest
from mlflow.tracking import MlflowClient
from tracked_sweeps import assert_whole, deliver, runs_of, sweep_folder, tell, tell_trial

from sweeps.tracking.delivery import deliver_all, rejected, run_ids, set_aside, undelivered
from sweeps.tracking.mlflow_runs import MlflowRuns, UnreachableError, prepare_environment
from sweeps.tracking.run_key import RunKey
from sweeps.tracking.tracker import Tracker


@pytest.fixture(autouse=True)
def _clean_environment():
    with mock.patch.dict(os.environ):
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        prepare_environment()
        yield


@pytest.fixture
def folder(tmp_path):
    """A sweep folder with two files."""
    made = sweep_folder(tmp_path / "runs")
    (made / "front").mkdir()
    for name in ("sweep.yaml", "front/front.json"):
        (made / name).write_text(name)
    return made


def uri_of(folder):
    return f"sqlite:///{folder.parent}/mlflow.db"


def artifacts_of(folder):
    (parent,) = runs_of(uri_of(folder), "sweep")
    client = MlflowClient(uri_of(folder))
    return {file.path for place in ("", "front") for file in client.list_artifacts(parent.info.run_id, place or None)}


def tell_with_files(folder, trials=range(2)):
    tracker = tell(folder, 0, end=False)
    for number in trials:
        tell_trial(tracker, number)
    tracker.artifact("sweep.yaml")
    tracker.artifact("front/front.json")
    tracker.sweep_finished("finished")
    tracker.close()


def sync(folder, sweep_id="abc"):
    tracker = Tracker(folder)
    tracker.goes_to(folder.name, "acceptance", sweep_id)
    tracker.close()
    deliver(folder)


def test_a_store_that_takes_no_files_gets_all_else_and_the_files_once_it_does(folder):
    """An artifact root that cannot be made from here, as a server's own disk cannot."""
    uri, wall = uri_of(folder), folder.parent / "wall"
    wall.write_text("no folder can be made below a file")
    MlflowClient(uri).create_experiment("acceptance", (wall / "artifacts").as_uri())
    tell_with_files(folder)
    deliver(folder)
    assert_whole(uri, 2)
    files, why = set_aside(folder)
    assert files == ["front/front.json", "sweep.yaml"]
    assert "wall" in why
    assert (undelivered(folder), rejected(folder)) == (0, 0)
    sync(folder)
    assert set_aside(folder)[0] == files
    wall.unlink()
    sync(folder)
    assert set_aside(folder)[0] == []
    assert artifacts_of(folder) >= {"sweep.yaml", "front/front.json"}


def test_a_store_that_failed_is_left_alone_for_a_while(folder, monkeypatch):
    """One try that takes minutes must not delay the records of every round."""
    tried = []

    def fails(self, run_id, file, artifact_dir):
        tried.append(file.name)
        raise UnreachableError("the bucket does not answer")

    monkeypatch.setattr(MlflowRuns, "upload", fails)
    tracker = tell(folder, 1, end=False)
    for name in ("sweep.yaml", "front/front.json"):
        tracker.artifact(name)
    tracker.close()
    deliver(folder)
    assert set(tried) == {"sweep.yaml"}
    assert set_aside(folder) == (["front/front.json", "sweep.yaml"], "the bucket does not answer")
    assert undelivered(folder) == 0


def test_a_file_goes_to_the_run_that_it_is_told_of(folder):
    tracker = tell(folder, 1, end=False)
    tracker.artifact("sweep.yaml", run=RunKey("trial", 0))
    deliver(folder)
    files = MlflowClient(uri_of(folder)).list_artifacts(run_ids(folder)[0])
    assert [file.path for file in files] == ["sweep.yaml"]


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "link", "folder_link/secret"])
def test_a_record_cannot_send_files_from_outside_the_folder(folder, name):
    secret = folder.parent / "secret"
    secret.write_text("of this machine")
    (folder / "link").symlink_to(secret)
    (folder / "folder_link").symlink_to(folder.parent)
    tracker = tell(folder, 0, end=False)
    tracker.artifact(name, "")
    tracker.close()
    deliver(folder)
    assert rejected(folder) == 1
    assert "outside the sweep folder" in (folder / "spool" / "rejected.jsonl").read_text()
    assert artifacts_of(folder) == set()


def test_a_moved_runs_folder_keeps_runs_and_files_together_and_writes_nothing_to_the_old_place(folder, tmp_path):
    tell_with_files(folder)
    deliver(folder)
    before = run_ids(folder)
    moved = tmp_path / "elsewhere"
    shutil.move(folder.parent, moved)
    (moved / "first" / "front" / "front.json").write_text("new")
    tell_with_files(moved / "first", [2])
    assert deliver_all(moved / "first", 240) == 0  # a process of its own: MLflow's client remembers places
    assert_whole(uri_of(moved / "first"), 3)
    assert before.items() <= run_ids(moved / "first").items()
    assert not folder.parent.exists()
    (stored,) = (moved / "mlartifacts").rglob("front.json")
    assert stored.read_text() == "new"


def test_a_moved_runs_folder_whose_old_place_cannot_be_made_is_delivered_whole(folder, tmp_path):
    tell_with_files(folder)
    deliver(folder)
    moved = tmp_path / "elsewhere"
    shutil.move(folder.parent, moved)
    folder.parent.write_text("no folder can be made here any more")
    tell_with_files(moved / "first", [2])
    assert deliver_all(moved / "first", 240) == 0
    assert set_aside(moved / "first")[0] == []
    assert artifacts_of(moved / "first") >= {"sweep.yaml", "front/front.json"}


def test_a_copied_runs_folder_does_not_write_into_the_old_tracker(folder, tmp_path):
    tell_with_files(folder)
    deliver(folder)
    copied = tmp_path / "copy" / "first"
    shutil.copytree(folder.parent, copied.parent)
    with sqlite3.connect(folder.parent / "mlflow.db") as old:
        before = list(old.iterdump())
    files = {path: path.read_bytes() for path in (folder.parent / "mlartifacts").rglob("*") if path.is_file()}
    (copied / "front" / "front.json").write_text("new")
    tell_with_files(copied, [2, 3])
    assert deliver_all(copied, 240) == 0
    assert_whole(uri_of(copied), 4)
    with sqlite3.connect(folder.parent / "mlflow.db") as old:
        assert list(old.iterdump()) == before
    assert {path: path.read_bytes() for path in files} == files
    (stored,) = (copied.parent / "mlartifacts").rglob("front.json")
    assert stored.read_text() == "new"


@pytest.mark.parametrize("name", ["feature%2Fone", "what?now"])
def test_a_path_that_must_be_escaped_leaves_nothing_beside_it(tmp_path, monkeypatch, name):
    """The delivery process of its own, for it works in the database's folder then."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / name / "first"
    folder.mkdir(parents=True)
    (folder / "sweep.yaml").write_text("x")
    tracker = tell(folder, 1, end=False)
    tracker.artifact("sweep.yaml")
    tracker.sweep_finished("finished")
    assert deliver_all(folder, 240) == 0
    assert (folder.parent / "mlflow.db").exists()
    assert set(run_ids(folder)) == {0}
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(list((folder.parent / "mlartifacts").rglob("sweep.yaml"))) == 1


def test_a_trial_that_has_ended_has_its_whole_config_and_every_run_the_data_that_it_read(folder):
    tracker = Tracker(folder)
    corpus = {"name": "demo", "digest": "abc" * 20, "source": '{"uri": "/data/demo"}'}
    tracker.sweep_started("first", "acceptance", "abc", {}, corpus)
    for number in (0, 1):
        (folder / "trials" / f"{number:04d}").mkdir(parents=True)
        (folder / "trials" / f"{number:04d}" / "config.yaml").write_text(f"seed: {number}")
    tell_trial(tracker, 0)
    tracker.trial_started(1, {"x": 1}, {})
    tracker.close()
    deliver(folder)
    client, ids = MlflowClient(uri_of(folder)), run_ids(folder)
    assert [file.path for file in client.list_artifacts(ids[0])] == ["config.yaml"]
    assert list(client.list_artifacts(ids[1])) == []
    for run in [*runs_of(uri_of(folder), "sweep"), *runs_of(uri_of(folder))]:
        (read,) = run.inputs.dataset_inputs
        assert (read.dataset.name, read.dataset.digest) == ("demo", ("abc" * 20)[:36])
    assert rejected(folder) == 0
