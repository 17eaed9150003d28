"""Sweeps told to a tracker and brought to a real MLflow store, for tests."""

from __future__ import annotations

import functools
import tempfile
from collections import Counter
from pathlib import Path

from mlflow.tracking import MlflowClient

from sweeps.tracking.deliverer import Deliverer
from sweeps.tracking.delivery import undelivered
from sweeps.tracking.mlflow_runs import MlflowRuns
from sweeps.tracking.retrying import Patience
from sweeps.tracking.tracker import Tracker

QUICK = Patience(first_retry_s=0.01, longest_retry_s=0.1, round_s=0.01, poll_s=0.01, save_s=0.0, alone_s=600.0)


@functools.cache
def _empty_database() -> bytes:
    """MLflow needs two seconds to create its tables: done once, copied for every test."""
    with tempfile.TemporaryDirectory() as folder:
        MlflowRuns(f"sqlite:///{folder}/mlflow.db", "none").flush()
        return Path(folder, "mlflow.db").read_bytes()


def sweep_folder(runs: Path, name: str = "first", *, database: bool = True) -> Path:
    """Return a new sweep folder, beside it a database with tables and no runs."""
    folder = runs / name
    folder.mkdir(parents=True)
    if database and not (runs / "mlflow.db").exists():
        (runs / "mlflow.db").write_bytes(_empty_database())
    return folder


def tell(folder: Path, num_trials: int, *, uri: str | None = None, sweep_id: str = "abc", end: bool = True) -> Tracker:
    """Tell a sweep of `num_trials` complete trials of two epochs."""
    tracker = Tracker(folder, uri)
    tracker.sweep_started(folder.name, "acceptance", sweep_id, {"dfkd.data_hash": "d"})
    for number in range(num_trials):
        tell_trial(tracker, number)
    if end:
        tracker.sweep_finished("finished")
    return tracker


def tell_trial(tracker: Tracker, number: int) -> None:
    """Tell one trial from start to end."""
    tracker.trial_started(number, {"x": 0.1 * number, "student.width": 0.25}, {"dfkd.node": "n1"})
    for epoch in (1, 2):
        tracker.trial_epoch(number, epoch, {"val/quality": 0.1 * epoch, "model/params": 100.0})
    tracker.trial_finished(number, "COMPLETE", 1.0, None, {"val/quality": 0.2, "model/params": 100.0})
    tracker.front(number + 1, 0.5, 1)


def deliver(folder: Path, *, alone: bool = True, patience: Patience = QUICK) -> None:
    """Deliver in this process: alone, so that it ends when nothing is left."""
    Deliverer(folder, lambda: alone, patience).run()


class DeliveryHere:
    """A delivery in this process, which has MLflow loaded already, in place of one that would load it first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep_alive(self) -> None:
        """Deliver all that there is."""
        deliver(self._folder)

    is_setting_up = False

    def trouble_age_s(self) -> float:
        """It never fails."""
        return 0.0

    def stop(self) -> None:
        """Nothing runs."""


def deliver_all_here(folder: Path, timeout_s: float = 0.0) -> int:
    """Deliver what is owed in this process; return what is left."""
    if undelivered(folder):
        deliver(folder)
    return undelivered(folder)


def runs_of(uri: str, kind: str = "trial", sweep_id: str = "abc", experiment: str = "acceptance") -> list:
    """Return MLflow's runs of a kind, by trial number."""
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    query = f"tags.`dfkd.kind` = '{kind}' and tags.`dfkd.sweep_id` = '{sweep_id}'"
    runs = client.search_runs([found.experiment_id], query, max_results=1000) if found else []
    return sorted(runs, key=lambda run: int(run.data.tags.get("dfkd.trial_number", -1)))


def assert_whole(uri: str, num_trials: int, sweep_id: str = "abc") -> None:
    """Assert that MLflow has every trial of `tell` once and complete, and one finished sweep."""
    runs = runs_of(uri, "trial", sweep_id)
    numbers = Counter(run.data.tags["dfkd.trial_number"] for run in runs)
    assert numbers == {str(number): 1 for number in range(num_trials)}
    (parent,) = runs_of(uri, "sweep", sweep_id)
    for run in runs:
        assert run.info.status == "FINISHED"
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.data.tags["dfkd.trial_state"] == "COMPLETE"
        assert set(run.data.params) == {"x", "student.width"}
        history = MlflowClient(uri).get_metric_history(run.info.run_id, "val/quality")
        assert [(point.step, point.value) for point in history] == [(1, 0.1), (2, 0.2)]
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["front/hypervolume"] == 0.5
