"""The driver's side: every call is one record on disk, and no secret is in it."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sweeps.record.trials import TrialState
from sweeps.tracking.delivery import recorded_states
from sweeps.tracking.run_key import RunKey
from sweeps.tracking.spool import SPOOL, SpoolReader
from sweeps.tracking.spool_state import DeliveryState
from sweeps.tracking.tracker import Tracker


@pytest.fixture(autouse=True)
def _no_uri_in_the_environment(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def told(folder):
    return SpoolReader(folder / SPOOL, 0).read(10**6)


def test_every_call_is_one_record(tmp_path):
    tracker = Tracker(tmp_path)
    tracker.sweep_started("first", "dfkd", "abc", {"dfkd.data_hash": "d"})
    tracker.trial_started(7, {"student.width": np.float64(0.25)}, {})
    tracker.trial_epoch(7, 1, {"train/loss": 2.0}, time_s=12.5)
    tracker.trial_tags(7, {"dfkd.node": "n1"})
    tracker.trial_finished(7, TrialState.COMPLETE, 1.0, None, {"train/loss": 2.0, "model/params": 10})
    tracker.trial_rank(7, True, 0)
    tracker.front(1, 2.5, 1)
    tracker.artifact("front/front.json")
    tracker.artifact("sweep.yaml")
    tracker.sweep_finished("finished")
    records = told(tmp_path)
    assert [record.event for record in records] == [
        "sweep_started", "trial_started", "trial_epoch", "trial_tags", "trial_finished",
        "trial_rank", "front", "artifact", "artifact", "sweep_finished",
    ]  # fmt: skip
    assert records[0].fields["uri"] == f"sqlite:///{tmp_path.parent}/mlflow.db"
    assert records[2].time_s == 12.5
    assert [record.fields["artifact_dir"] for record in records[7:9]] == ["front", ""]


def test_the_end_tells_only_what_the_last_epoch_has_not_told(tmp_path):
    tracker = Tracker(tmp_path)
    tracker.trial_epoch(7, 3, {"train/loss": 2.0})
    tracker.trial_finished(7, "COMPLETE", 1.0, None, {"train/loss": 2.0, "model/params": 10})
    end = told(tmp_path)[-1].fields
    assert (end["epoch"], end["metrics"]) == (3, {"model/params": 10})


def test_many_threads_write_whole_records_with_numbers_of_their_own(tmp_path):
    tracker = Tracker(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: tracker.trial_tags(n, {"text": "a" * 500}), range(400)))
    records = told(tmp_path)
    assert [record.sequence for record in records] == list(range(1, 401))
    assert {record.fields["run"] for record in records} == {f"trial/{n}" for n in range(400)}


def test_a_secret_of_the_environment_is_masked_wherever_it_stands(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:hunter2x@127.0.0.1:1")
    monkeypatch.setenv("PGPASSWORD", 'quote"d\\pass')
    tracker = Tracker(tmp_path)
    tracker.sweep_started("first", "dfkd", "abc", {"command": "x --uri http://ann:hunter2x@127.0.0.1:1"})
    tracker.trial_finished(0, "FAILED", 0.0, 'login with quote"d\\pass failed', {})
    text = "".join(path.read_text() for path in (tmp_path / SPOOL).iterdir())
    assert "hunter2x" not in text
    assert "pass failed" not in text.replace("*** failed", "")
    assert told(tmp_path)[1].fields["reason"] == "login with *** failed"


def test_recorded_states_are_delivered_ones_and_those_on_the_way(tmp_path):
    tracker = Tracker(tmp_path)
    for number in (0, 1, 2):
        tracker.trial_started(number, {}, {})
    tracker.trial_finished(0, "COMPLETE", 1.0, None, {})
    tracker.trial_finished(1, "FAILED", 0.0, "nan", {})
    tracker.trial_started(RunKey("confirm", 0, 1), {}, {})
    DeliveryState(
        cursor=4, states={"sweep": "RUNNING", "trial/0": "COMPLETE", "trial/1": "RUNNING", "trial/2": "RUNNING"}
    ).save(tmp_path)
    assert recorded_states(tmp_path) == {0: "COMPLETE", 1: "FAILED", 2: "RUNNING"}


def test_closing_removes_a_delivered_spool(tmp_path):
    tracker = Tracker(tmp_path)
    tracker.trial_started(0, {}, {})
    DeliveryState(cursor=1).save(tmp_path)
    tracker.close()
    assert [path.name for path in (tmp_path / SPOOL).iterdir()] == ["state.json"]


def test_not_a_number_survives_the_way_to_disk(tmp_path):
    Tracker(tmp_path).trial_epoch(0, 1, {"train/loss": float("nan")})
    assert np.isnan(told(tmp_path)[0].fields["metrics"]["train/loss"])


def test_the_driver_imports_no_mlflow():
    imports = "sys, json, sweeps.tracking.tracker, sweeps.tracking.delivery"
    code = f"import {imports}; print(json.dumps(sorted(sys.modules)))"
    modules = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert not {"mlflow", "sqlalchemy", "ray", "optuna"} & set(modules)
