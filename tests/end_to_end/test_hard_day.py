"""A sweep's hard day: killed, interrupted, stopped, terminated, resumed each time; then extended."""

import json
import os
import signal
import socket
import time

import pytest
from closed_form import QUALITY, epochs_run, sweep
from drivers import begin, dfkd, epochs_by_trial, wait_for_epochs
from mlflow.tracking import MlflowClient
from one_story import disagreements, runs_by_number

from dfkd_core.errors import ConfigError
from sweeps import resume_sweep
from sweeps.record.sweep import Sweep
from sweeps.terminal.status import sweep_status

TRIALS, EPOCHS = 8, 6


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """The sweep's folder and its workload's log."""
    return tmp_path_factory.mktemp("runs") / "day", tmp_path_factory.mktemp("log")


def recorded(folder):
    """Finished epochs of all trials, as the ledger has them."""
    return sum(record.epochs for record in Sweep.open(folder).records())


def unfinished(folder):
    trials = sweep_status(folder)["trials"]
    return trials.get("WAITING", 0) + trials.get("RUNNING", 0)


def test_a_second_driver_is_refused_and_a_killed_one_does_not_block(day):
    folder, log = day
    with begin(sweep(TRIALS, EPOCHS, log, config={"epoch_s": 0.3}), folder) as driver:
        wait_for_epochs(log, 5, driver)
        with pytest.raises(ConfigError, match=f"is driven by process {driver.process.pid} on {socket.gethostname()}"):
            resume_sweep(folder)
        assert sweep_status(folder)["state"] == "running"
        assert sweep_status(folder)["trials"]["RUNNING"] >= 1
        driver.kill()
    assert sweep_status(folder)["state"] == "interrupted"
    deadline = time.monotonic() + 120
    while worker_pids(log) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not worker_pids(log), "workers end with their driver"


def worker_pids(log):
    """Workers of the sweep that still run."""
    return [pid for pid in {line["pid"] for line in epochs_run(log)} if os.path.exists(f"/proc/{pid}")]  # noqa: PTH110


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_finishes_the_epochs_in_flight_and_prints_how_to_go_on(day, number):
    folder, log = day
    with dfkd("sweep", "resume", folder) as driver:
        wait_for_epochs(log, 2, driver)
        driver.signal(number)
        begun = len(epochs_run(log))
        status, said = driver.end()
    assert status == 130
    assert f"interrupted by {signal.Signals(number).name}" in said
    assert f"dfkd sweep resume {folder}" in said
    assert "Traceback" not in said
    assert len(epochs_run(log)) <= begun + 2, "no trial goes on for long"
    assert sweep_status(folder)["state"] == "interrupted"
    assert recorded(folder) >= sum(len(epochs) for epochs in epochs_by_trial(log).values()) - 1


def test_a_stop_from_another_terminal_does_the_same(day):
    folder, log = day
    with dfkd("sweep", "resume", folder) as driver:
        wait_for_epochs(log, 2, driver)
        with dfkd("sweep", "stop", folder) as stop:
            assert stop.end() == (0, f"{folder}: stopped; go on with `dfkd sweep resume {folder}`\n")
        status, said = driver.end()
    assert status == 130
    assert "stopped by request" in said


def test_the_last_resume_ends_the_sweep_with_every_trial_once(day):
    folder, log = day
    assert unfinished(folder)
    with dfkd("sweep", "resume", folder) as driver:
        status, said = driver.end()
    assert status == 0, said
    assert disagreements(folder, TRIALS) == []
    trained = epochs_by_trial(log)
    assert len(trained) == TRIALS
    for epochs in trained.values():
        assert sorted(epochs) == list(range(1, EPOCHS + 1))
    assert sum(sum(epochs.values()) for epochs in trained.values()) <= TRIALS * EPOCHS + 4, "paid again after the kill"


def test_mlflow_holds_each_epoch_of_each_trial_once(day):
    status = sweep_status(day[0])
    client = MlflowClient(status["mlflow"]["tracking_uri"])
    for runs in runs_by_number(status).values():
        history = client.get_metric_history(runs[0].info.run_id, QUALITY)
        assert sorted(point.step for point in history) == list(range(1, EPOCHS + 1))


def test_a_resume_of_a_finished_sweep_finds_nothing_to_do(day):
    folder, log = day
    begun = len(epochs_run(log))
    with dfkd("sweep", "resume", folder, importable=False) as driver:
        assert driver.end()[0] == 0
    assert len(epochs_run(log)) == begun


def test_a_finished_sweep_is_extended(day):
    folder, log = day
    before = {p["trial"] for p in json.loads((folder / "front" / "front.json").read_text())["points"]}
    with dfkd("sweep", "resume", folder, "--set", f"budget.trials={TRIALS + 2}") as driver:
        status, said = driver.end()
    assert status == 0, said
    assert disagreements(folder, TRIALS + 2) == []
    assert len(epochs_by_trial(log)) == TRIALS + 2
    assert before


def test_a_workload_that_cannot_be_imported_here_is_refused_with_the_python_line(day, tmp_path):
    folder, _ = day
    command = ("sweep", "resume", folder, "--set", f"budget.trials={TRIALS + 4}")
    with dfkd(*command, importable=False, cwd=tmp_path) as driver:
        status, said = driver.end()
    assert status == 2
    assert "from sweeps import resume_sweep; resume_sweep(" in said
    assert len(said.splitlines()) == 1


def test_a_second_signal_ends_the_sweep_at_once(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    with begin(sweep(4, 2, log, config={"epoch_s": 3600}), tmp_path / "slow") as driver:
        wait_for_epochs(log, 1, driver)
        driver.signal(signal.SIGINT)
        time.sleep(1)
        assert driver.process.poll() is None, "the first one waits for the epoch"
        driver.signal(signal.SIGTERM)  # two of one kind, of which the first has not been seen yet, are one
        status, said = driver.end()  # an epoch takes an hour
    assert status == 130
    assert "go on with `dfkd sweep resume" in said
    assert "Traceback" not in said
    assert sweep_status(tmp_path / "slow")["state"] == "interrupted"
