"""A training at full length and an evaluation are runs in MLflow, beside the sweep that they come from."""

import json
import os
import shutil
from functools import partial
from unittest import mock

import pytest
from mlflow.tracking import MlflowClient
from tracked_sweeps import DeliveryHere, deliver, deliver_all_here, runs_of, sweep_folder, tell

from dfkd_core.base.documents import dump_yaml
from sweeps.tracking import model_runs
from sweeps.tracking.delivery import deliver_all, start_delivery, tracker_ids, undelivered, wait_delivered
from sweeps.tracking.mlflow_runs import prepare_environment
from sweeps.tracking.model_runs import page_of, tell_evaluation, tracked_training
from sweeps.tracking.spool import SPOOL

ORIGIN = {"data_hash": "d" * 64, "teacher_hash": "t" * 64, "licences": ["CC0"]}
SCORES = {
    "split": "test",
    "clips": 2,
    "mean": {"pesq_wb": 2.5, "dnsmos": None},
    "noisy": {"pesq_wb": 1.5},
    "probes": {"abroad": {"pesq_wb": 2.25, "stoi": None}},
    "per_clip": [{"name": "a"}, {"name": "b"}],
}


@pytest.fixture(autouse=True)
def _on_its_own(monkeypatch):
    """No address from the environment; delivered in this process, but where a process of its own is the point."""
    with mock.patch.dict(os.environ):
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        prepare_environment()
        monkeypatch.setattr(model_runs, "start_delivery", DeliveryHere)
        monkeypatch.setattr(model_runs, "deliver_all", deliver_all_here)
        yield


@pytest.fixture
def by_a_process(monkeypatch):
    """Delivery as it is, with time for a machine that is busy with other tests."""
    monkeypatch.setattr(model_runs, "start_delivery", start_delivery)
    monkeypatch.setattr(model_runs, "deliver_all", deliver_all)
    monkeypatch.setattr(model_runs, "PATIENCE_S", 600.0)
    monkeypatch.setattr(model_runs, "wait_delivered", partial(wait_delivered, longest_s=3600.0))


def config(provenance=None):
    return {
        "seed": 3,
        "student": {"model": "dccrn", "width": 0.25},
        "data": {"corpus": "/data/demo"},
        "provenance": provenance or {},
    }


def train(out, provenance=None, epochs=(1, 2)):
    with tracked_training(out, config(provenance)) as told:
        for epoch in epochs:
            told.epoch(epoch, {"val/pesq_wb": 1.0 + epoch, "val/dnsmos": None}, ORIGIN)
        out.mkdir(exist_ok=True)
        (out / "config.yaml").write_text(dump_yaml(config(provenance)))


def run_of(out):
    uri, _, run_id = tracker_ids(out)
    assert uri and run_id, "nothing was delivered"
    return MlflowClient(uri).get_run(run_id)


def test_what_a_training_owes_is_delivered_by_the_same_command_that_finds_nothing_to_train(
    by_a_process, tmp_path, monkeypatch
):
    out = sweep_folder(tmp_path, "best")
    with monkeypatch.context() as impatient:
        impatient.setattr(model_runs, "PATIENCE_S", 0.0)
        train(out)
    assert undelivered(out) > 0
    train(out, epochs=[])
    assert undelivered(out) == 0 and run_of(out).info.status == "FINISHED"


def test_a_copied_model_folder_that_goes_on_leaves_the_run_of_the_original_alone(tmp_path):
    original, elsewhere = sweep_folder(tmp_path / "a", "best"), sweep_folder(tmp_path / "b", "best")
    beside = tmp_path / "a" / "copy"
    train(original)
    for copy in (beside, elsewhere):
        shutil.copytree(original, copy, dirs_exist_ok=True)
        train(copy, epochs=[3])
    assert run_of(original).data.metrics["val/pesq_wb"] == 3.0
    assert len({run_of(place).info.run_id for place in (original, beside, elsewhere)}) == 3
    assert tracker_ids(elsewhere)[0] == f"sqlite:///{tmp_path}/b/mlflow.db"
    shutil.move(original, tmp_path / "a" / "moved")
    before = run_of(tmp_path / "a" / "moved").info.run_id
    train(tmp_path / "a" / "moved", epochs=[3])
    moved = run_of(tmp_path / "a" / "moved")
    assert (moved.info.run_id, moved.data.metrics["val/pesq_wb"]) == (before, 4.0), "a moved one goes on in its run"


def test_a_training_is_a_run_with_its_whole_config_epochs_data_and_files(tmp_path):
    out = sweep_folder(tmp_path, "best")
    train(out)
    run = run_of(out)
    assert (run.info.run_name, run.info.status, run.data.tags["dfkd.kind"]) == ("best", "FINISHED", "final")
    assert run.data.params == {
        "seed": "3",
        "student.model": "dccrn",
        "student.width": "0.25",
        "data.corpus": "/data/demo",
        "provenance": "{}",
    }
    assert run.data.tags["dfkd.data_hash"] == "d" * 64
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    history = client.get_metric_history(run.info.run_id, "val/pesq_wb")
    assert [(point.step, point.value) for point in history] == [(1, 2.0), (2, 3.0)]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["config.yaml"]
    assert [read.dataset.name for read in run.inputs.dataset_inputs] == ["demo"]
    assert page_of(out).endswith(f"/runs/{run.info.run_id}")


def test_a_training_that_goes_on_is_the_same_run_and_one_that_fails_says_why(tmp_path):
    out = sweep_folder(tmp_path, "best")
    with pytest.raises(KeyboardInterrupt), tracked_training(out, config()) as told:
        told.epoch(1, {"val/pesq_wb": 2.0}, ORIGIN)
        raise KeyboardInterrupt
    with pytest.raises(RuntimeError), tracked_training(out, config()) as told:
        told.epoch(2, {"val/pesq_wb": 3.0}, ORIGIN)
        raise RuntimeError("the loss is not finite")
    run = run_of(out)
    assert (run.info.status, run.data.tags["dfkd.failure_reason"]) == ("FAILED", "the loss is not finite")
    train(out, epochs=[3])
    run = run_of(out)
    assert (run.info.status, run.data.metrics["val/pesq_wb"]) == ("FINISHED", 4.0)
    assert len(MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").search_runs([run.info.experiment_id])) == 1


@pytest.mark.parametrize("is_delivered", [False, True])
@pytest.mark.parametrize("noted", [1, 2])  # of two that were told: a call may be killed before it notes an epoch
def test_an_epoch_that_is_told_again_is_one_point_and_one_that_was_not_told_comes_late(tmp_path, noted, is_delivered):
    out = sweep_folder(tmp_path, "best")
    killed = model_runs.TrainingRun(out, config())
    for epoch in (1, 2):
        killed.epoch(epoch, {"val/pesq_wb": 1.0 + epoch}, ORIGIN)
    if is_delivered:
        killed._delivery.keep_alive()
    (out / SPOOL / model_runs.NOTED).write_text(json.dumps({"epochs": noted}))
    train(out, epochs=(1, 2, 3, 4))
    run = run_of(out)
    history = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").get_metric_history(run.info.run_id, "val/pesq_wb")
    assert [(point.step, point.value) for point in history] == [(1, 2.0), (2, 3.0), (3, 4.0), (4, 5.0)]
    train(out, epochs=(1, 2, 3, 4))
    assert run_of(out).info.end_time == run.info.end_time, "nothing was told"


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"epochs": "x"}', '{"epochs": null}', "[" * 5000])
def test_a_damaged_note_of_what_was_told_is_none(tmp_path, damage):
    (tmp_path / SPOOL).mkdir()
    (tmp_path / SPOOL / model_runs.NOTED).write_text(damage)
    assert model_runs._num_told(tmp_path) == 0


def test_an_exported_model_stands_below_its_sweep_however_often_it_is_trained(tmp_path):
    """And the sweep, delivered again after its ids were lost, takes none of them for a double."""
    sweep = sweep_folder(tmp_path / "runs")
    tell(sweep, 1).close()
    deliver(sweep)
    uri, _, parent = tracker_ids(sweep)
    provenance = {
        "sweep_id": "abc",
        "trial": 0,
        "tracking_uri": uri,
        "experiment": "acceptance",
        "parent_run_id": parent,
    }
    for name in ("one", "two"):
        train(tmp_path / "models" / name, provenance)
        run = run_of(tmp_path / "models" / name)
        assert {
            "dfkd.sweep_id": "abc",
            "dfkd.trial_number": "0",
            "mlflow.parentRunId": parent,
        }.items() <= run.data.tags.items()
    assert not (tmp_path / "models" / "mlflow.db").exists()
    (sweep / "spool" / "state.json").unlink()
    tell(sweep, 2).close()
    deliver(sweep)
    assert len(runs_of(uri, "final")) == 2


@pytest.mark.parametrize("named", ["http://127.0.0.1:9", "sqlite:///{}/notes.db", "sqlite:///{}/none.db", 7])
def test_no_other_place_that_a_config_names_is_written_to(tmp_path, named):
    """A config may come from anybody."""
    (tmp_path / "notes.db").write_text("no database of MLflow's")
    named = named.format(tmp_path) if isinstance(named, str) else named
    out = sweep_folder(tmp_path / "models", "best")
    train(out, {"tracking_uri": named, "sweep_id": "abc", "trial": 1})
    assert tracker_ids(out)[0] == f"sqlite:///{tmp_path}/models/mlflow.db"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models", "notes.db"]


def test_an_evaluation_is_a_run_below_the_training_and_nothing_is_owed_for_it(tmp_path):
    out = sweep_folder(tmp_path, "best")
    train(out)
    page = tell_evaluation(out, None, SCORES)
    found = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").get_run(page.rpartition("/")[2])
    assert found.info.run_name == "best/test"
    measured = {"test/pesq_wb": 2.5, "test/noisy/pesq_wb": 1.5, "test/probe/abroad/pesq_wb": 2.25}
    assert found.data.metrics == measured
    assert found.data.tags["mlflow.parentRunId"] == run_of(out).info.run_id
    assert undelivered(out) == 0


def test_a_trials_evaluation_is_told_to_its_sweeps_tracker(tmp_path):
    sweep = sweep_folder(tmp_path / "runs")
    tell(sweep, 1).close()
    deliver(sweep)
    trial = sweep / "trials" / "0000"
    trial.mkdir(parents=True)
    (trial / "config.yaml").write_text(dump_yaml(config()))
    (sweep / "sweep.yaml").write_text(
        "{name: first, experiment: acceptance, config: {}, space: {x: {values: [1]}}, budget: {trials: 1, "
        "epochs_per_trial: 1}, objectives: [{metric: m, goal: minimize}], reference_point: {m: 1}}"
    )
    (sweep / "ledger.json").write_text(json.dumps({"sweep_id": "abc", "workload": "a:B"}))
    tell_evaluation(trial, None, SCORES)
    (run,) = runs_of(tracker_ids(sweep)[0], "evaluation")
    assert (run.data.tags["dfkd.trial_number"], run.data.tags["mlflow.parentRunId"]) == ("0", tracker_ids(sweep)[2])


def test_without_mlflow_an_evaluation_says_so(by_a_process, tmp_path, monkeypatch):
    monkeypatch.setattr("sweeps.tracking.model_runs.PATIENCE_S", 0.5)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    (tmp_path / "config.yaml").write_text(dump_yaml(config()))
    assert tell_evaluation(tmp_path, None, SCORES).startswith("this evaluation is not told to MLflow: ")
