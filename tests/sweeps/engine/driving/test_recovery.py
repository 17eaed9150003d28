"""After a death between ledger and spool, MLflow hears what it missed, once and with its own times."""

import shutil
import time

import pytest
from closed_form import PARAMS, QUALITY, Curve, sweep
from mlflow.tracking import MlflowClient
from tracked_sweeps import deliver, runs_of, sweep_folder

from sweeps.definition.spec import SweepSpec
from sweeps.engine.driving.recovery import retell, with_own_id
from sweeps.record.ledger import Ledger
from sweeps.record.sweep import Sweep
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.trials import TrialState
from sweeps.tracking.delivery import recorded_states
from sweeps.tracking.tracker import Tracker


@pytest.fixture
def begun(tmp_path):
    folder = sweep_folder(tmp_path / "runs", "closed")
    ledger = Ledger.create(folder, SweepSpec.model_validate(sweep(4, 2)), "id")
    return folder, ledger


def same(number):
    return number


def open_tracker(folder):
    tracker = Tracker(folder)
    tracker.sweep_started("closed", "acceptance", "abc", {})
    return tracker


def work(ledger, tracker=None, until="end", tags=None):
    """A trial in the ledger, told to the tracker up to some point."""
    number, params = ledger.ask()
    ledger.start(number, "session")
    ledger.note_tags(number, tags or {})
    if tracker and until != "nothing":
        tracker.trial_started(number, params, {})
    for epoch in (1, 2):
        metrics = {QUALITY: 0.1 * epoch, PARAMS: 2e6 * params["size"]}
        time_s = ledger.record_epoch(number, epoch, metrics)
        if tracker and until in ("epochs", "end"):
            tracker.trial_epoch(number, epoch, metrics, time_s)
            time.sleep(0.002)  # MLflow's times are whole milliseconds: told again later must be seen to be told again
    ledger.finish(number, TrialState.COMPLETE)
    if tracker and until == "end":
        record = ledger.record(number)
        tracker.trial_finished(number, record.state, 1.0, None, record.metrics)
    return number


@pytest.mark.parametrize("until", ["nothing", "start", "epochs", "end"])
def test_wherever_the_driver_died_mlflow_ends_with_each_epoch_once(begun, until):
    folder, ledger = begun
    tracker = open_tracker(folder)
    work(ledger, tracker, until)
    tracker.close()
    tracker = open_tracker(folder)
    retell(ledger, tracker, recorded_states(folder), same)
    tracker.sweep_finished("finished")
    tracker.close()
    deliver(folder)
    uri = f"sqlite:///{folder.parent}/mlflow.db"
    (run,) = runs_of(uri)
    assert run.info.status == "FINISHED"
    assert run.data.tags["dfkd.trial_state"] == "COMPLETE"
    history = MlflowClient(uri).get_metric_history(run.info.run_id, QUALITY)
    assert [(point.step, point.value) for point in history] == [(1, 0.1), (2, 0.2)]


class Notes:
    def __init__(self):
        self.told = []

    def __getattr__(self, name):
        return lambda *arguments, **named: self.told.append((name, arguments[0], named.get("time_s")))


def test_where_a_trial_was_trained_is_told_to_another_tracker_too(begun):
    folder, ledger = begun
    work(ledger, tags={"node": "n1"})
    tracker = open_tracker(folder)
    retell(ledger, tracker, {}, same)
    tracker.close()
    deliver(folder)
    (run,) = runs_of(f"sqlite:///{folder.parent}/mlflow.db")
    assert run.data.tags["dfkd.node"] == "n1"


def test_what_was_told_is_not_told_again_and_what_is_unfinished_is_left(begun):
    _, ledger = begun
    told, untold = work(ledger), work(ledger)
    ledger.ask()
    tracker = Notes()
    retell(ledger, tracker, {told: "COMPLETE", untold: "RUNNING"}, same)
    assert {number for _, number, _ in tracker.told} == {untold}
    record = ledger.record(untold)
    assert tracker.told[0] == ("trial_started", untold, record.started)
    assert tracker.told[-1] == ("trial_finished", untold, record.finished)


@pytest.fixture
def whole(tmp_path):
    """A sweep whose two trials MLflow has, as its folder."""
    folder = SweepFolder(sweep_folder(tmp_path / "runs", "closed"))
    spec = SweepSpec.model_validate(sweep(4, 2))
    folder.write_note("id", Curve)
    folder.write_spec(spec)
    sweep_of = Sweep(folder, spec, Ledger.create(folder.path, spec, "id"))
    tell_whole(sweep_of, 2)
    return sweep_of


def tell_whole(sweep_of, num_new=0):
    """A driver's work: what is not told yet, then new trials."""
    tracker = Tracker(sweep_of.path)
    tracker.sweep_started("closed", "acceptance", sweep_of.ledger.sweep_id, {})
    retell(sweep_of.ledger, tracker, recorded_states(sweep_of.path), same)
    for _ in range(num_new):
        work(sweep_of.ledger, tracker)
    tracker.close()
    deliver(sweep_of.path)


def numbers(sweep_id, uri):
    return [run.data.tags["dfkd.trial_number"] for run in runs_of(uri, "trial", sweep_id)]


def test_a_copy_that_goes_on_has_an_id_and_runs_of_its_own(whole, tmp_path, caplog):
    uri = f"sqlite:///{tmp_path}/runs/mlflow.db"
    shutil.copytree(whole.path, tmp_path / "runs" / "copy")
    copied = with_own_id(Sweep.open(tmp_path / "runs" / "copy"))
    assert copied.ledger.sweep_id != "id"
    assert f"is a copy of {whole.path}" in caplog.text
    assert [(r.number, r.state, r.params, r.metrics) for r in copied.records()] == [
        (r.number, r.state, r.params, r.metrics) for r in whole.records()
    ]
    tell_whole(copied, 1)
    tell_whole(whole, 2)
    assert numbers("id", uri) == ["0", "1", "2", "3"]
    assert numbers(copied.ledger.sweep_id, uri) == ["0", "1", "2"]
    assert with_own_id(Sweep.open(copied.path)).ledger.sweep_id == copied.ledger.sweep_id


def test_a_folder_that_was_moved_or_copied_with_its_tracker_goes_on_as_what_it_is(whole, tmp_path):
    shutil.copytree(tmp_path / "runs", tmp_path / "other")
    assert with_own_id(Sweep.open(tmp_path / "other" / "closed")).ledger.sweep_id == "id"
    whole.path.rename(tmp_path / "runs" / "moved")
    moved = with_own_id(Sweep.open(tmp_path / "runs" / "moved"))
    assert moved.ledger.sweep_id == "id"
    assert moved.folder.note()["folder"] == str(tmp_path / "runs" / "moved")
