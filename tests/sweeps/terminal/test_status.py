"""Status is read from the folder alone, whoever drives it or died driving it."""

import json
import os
import socket
from dataclasses import asdict

import pytest
from closed_form import PARAMS, QUALITY, Curve, sweep

from dfkd_core.errors import ConfigError, DFKDError
from sweeps.definition.spec import SweepSpec
from sweeps.engine.driving.stopping import stop_sweep
from sweeps.record.driver_lock import NAME, Holder
from sweeps.record.ledger import Ledger
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.trials import TrialState
from sweeps.terminal.status import sweep_facts, sweep_status
from sweeps.terminal.status_view import status_text


@pytest.fixture
def begun(tmp_path):
    """A sweep of four trials: one complete, one failed, one at work, one queued."""
    spec = SweepSpec.model_validate(sweep(4, 2))
    folder = SweepFolder(tmp_path / "closed")
    folder.create()
    folder.write_note("id", Curve)
    ledger = Ledger.create(folder.path, spec, "id")
    ledger.set_attr("data_hash", "d1")
    for state in (TrialState.COMPLETE, TrialState.FAILED):
        number, params = ledger.ask()
        for epoch in (1, 2):
            ledger.record_epoch(number, epoch, {QUALITY: 0.5, PARAMS: 2e6 * params["size"]})
        ledger.finish(number, state)
    ledger.start(ledger.ask()[0], "session")
    ledger.ask()
    folder.write_spec(spec)
    return folder.path, ledger


def counts(path):
    return {state: num for state, num in sweep_status(path)["trials"].items() if num}


def drive(path):
    """A driver's lock, held by this very process."""
    holder = Holder.this_process()
    (path / NAME).write_text(json.dumps({**asdict(holder), "session": "session"}))


def test_a_dead_drivers_sweep_is_interrupted_and_its_trials_wait(begun):
    path, _ = begun
    status = sweep_status(path)
    assert status["state"] == "interrupted"
    assert counts(path) == {"COMPLETE": 1, "FAILED": 1, "WAITING": 2}
    assert status["hypervolume"] > 0
    assert status["budget"]["trials"] == 4
    assert status["mlflow"] == {"tracking_uri": None, "experiment_id": None, "parent_run_id": None, "undelivered": 0}
    json.dumps(status)


def test_a_live_drivers_sweep_is_running(begun):
    path, _ = begun
    drive(path)
    assert sweep_status(path)["state"] == "running"
    assert counts(path) == {"COMPLETE": 1, "FAILED": 1, "RUNNING": 1, "WAITING": 1}


@pytest.mark.parametrize("state", ["finished", "failed", "interrupted"])
def test_a_driver_that_ended_has_said_how(begun, state):
    path, ledger = begun
    ledger.set_attr("state", state)
    assert sweep_status(path)["state"] == state


def test_reading_changes_no_file(begun):
    path, _ = begun
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file() and "lock" not in file.name}
    sweep_status(path)
    after = {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file() and "lock" not in file.name}
    assert after == before


def test_what_the_results_depend_on_is_told(begun):
    assert sweep_facts(begun[0])["data_hash"] == "d1"


def test_a_folder_without_a_sweep_is_refused_in_one_line(tmp_path):
    for act in (sweep_status, stop_sweep):
        with pytest.raises(ConfigError, match="holds no sweep"):
            act(tmp_path)


def test_a_damaged_note_is_told_in_one_line(begun):
    path, _ = begun
    (path / "ledger.json").write_text("{")
    with pytest.raises(DFKDError, match=r"ledger\.json"):
        sweep_status(path)


def test_stopping_a_sweep_that_nobody_drives_says_so(begun):
    assert stop_sweep(begun[0]) == f"{begun[0]}: no driver is running"


def test_a_stop_that_takes_long_names_the_driver(begun, monkeypatch):
    path, _ = begun
    drive(path)
    monkeypatch.setattr("sweeps.engine.driving.stopping.WAIT_S", 0.3)
    assert f"asked process {os.getpid()} on {socket.gethostname()} to stop" in stop_sweep(path)
    assert (path / "stop.request").exists()


def test_a_running_sweep_says_what_is_left_and_what_is_best_so_far(begun):
    path, ledger = begun
    ledger.set_attr("spent_s", 600.0)
    assert "left_s" not in sweep_status(path)["budget"]
    drive(path)
    status = sweep_status(path)
    assert status["budget"]["left_s"] == 600.0  # two of four trials took as long
    assert status["best"][QUALITY] == {"trial": 0, "value": 0.5}
    assert set(status["best"]) == {QUALITY, PARAMS}
    told = status_text(status)
    assert "about 10 min left" in told and f"{QUALITY} 0.5 (trial 0)" in told


def test_a_sweep_without_a_complete_trial_has_no_best(tmp_path):
    folder = SweepFolder(tmp_path / "new")
    folder.create()
    folder.write_note("id", Curve)
    spec = SweepSpec.model_validate(sweep(4, 2))
    Ledger.create(folder.path, spec, "id")
    folder.write_spec(spec)
    assert sweep_status(folder.path)["best"] == {}
    assert "no complete trial yet" in status_text(sweep_status(folder.path))


def test_a_price_is_what_the_trials_hours_cost(begun):
    path, ledger = begun
    spec = SweepSpec.model_validate({**sweep(4, 2), "resources": {"price_per_hour": 3600.0}})
    SweepFolder(path).write_spec(spec)
    worked_s = sum(r.finished - r.started for r in ledger.records() if r.started and r.finished)
    status = sweep_status(path)
    assert status["budget"]["cost"] == pytest.approx(worked_s)
    assert "spent at resources.price_per_hour" in status_text(status)


def test_nodes_that_get_no_trials_are_counted_with_their_reasons(begun):
    path, ledger = begun
    assert "kept_out" not in sweep_status(path)
    ledger.set_attr("kept_out", {"1a2b": "box (node 1a2b) lacks the corpus"})
    assert sweep_status(path)["kept_out"] == ["box (node 1a2b) lacks the corpus"]
    assert "kept out     1 node gets no trials: box (node 1a2b) lacks the corpus" in status_text(sweep_status(path))


def test_what_nodes_were_given_is_summed_up(begun):
    path, ledger = begun
    assert "served" not in sweep_status(path)
    for ticket, node, num_bytes in (("a", "n1", 131_000_000), ("b", "n2", 131_000_000), ("c", "n1", 500_000)):
        facts = {"node": node, "what": "speech", "num_bytes": num_bytes, "total_bytes": num_bytes, "seconds": 12.2}
        ledger.set_attr(f"served/{ticket}", {**facts, "is_over": True})
    assert [one["node"] for one in sweep_status(path)["served"]] == ["n1", "n2", "n1"]
    told = "sent         262.5 MB that 2 nodes lacked, in 37 s of theirs"
    assert told in status_text(sweep_status(path)).splitlines()
