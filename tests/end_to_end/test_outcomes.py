"""One sweep over real workers in which every planted fault happens: each trial ends in its one state."""

import json
import os

import pytest
import ray
from closed_form import Curve, epochs_run, sweep
from one_story import disagreements, texts_below

from sweeps import SweepSpec, load_front, run_sweep
from sweeps.terminal.status import sweep_status

PASSWORD = "hunter2-of-the-database"
FAULTS = [
    "raise",
    "diverge",
    "once",
    "die_once",
    "die",
    "hang",
    "leak",
    "nan",
    "infinite",
    "missing",
    "text",
    "nothing",
]
REGIONS = {name: [0.05 * k, 0.05 * (k + 1)] for k, name in enumerate(FAULTS)}
POINTS = [{"x": low + 0.02, "size": 0.5} for low, _ in REGIONS.values()]
FEW = [{"x": 0.8, "size": 0.9}, {"x": 0.9, "size": 0.2}, {"x": 0.7, "size": 0.2}]


@pytest.fixture(scope="module")
def own_ray():
    os.environ["DFKD_TEST_PASSWORD"] = PASSWORD
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)
    yield
    ray.shutdown()
    del os.environ["DFKD_TEST_PASSWORD"]


@pytest.fixture(scope="module")
def ended(own_ray, tmp_path_factory):
    """The sweep's folder and its workload's own log."""
    log = tmp_path_factory.mktemp("log")
    spec = sweep(
        len(POINTS) + len(FEW),
        2,
        log,
        config={"faults": REGIONS, "epoch_s": 0.01},
        evaluate_first=POINTS + FEW,
        constraints=["model/params <= 1.5e6"],
        failures={"max_retries": 1, "max_failed_share": 1.0, "trial_timeout_s": 8},
    )
    folder = tmp_path_factory.mktemp("runs") / "faults"
    run_sweep(SweepSpec.model_validate(spec), out=folder, workload=Curve)
    return folder, log


def result(ended, fault):
    return json.loads((ended[0] / "trials" / f"{FAULTS.index(fault):04d}" / "result.json").read_text())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("raise", "RuntimeError: planted at x"),
        ("diverge", "TrainingDiverged: the loss is no longer finite"),
        ("die", "the worker or its node went away"),
        ("hang", "took longer than failures.trial_timeout_s 8"),
        ("leak", "ConnectionError: postgresql://u:***@db refused the connection"),
        ("nan", "val/quality must be finite"),
        ("infinite", "val/quality must be finite"),
        ("missing", "val/quality is missing from the report"),
        ("text", "val/quality must be a number"),
        ("nothing", "TypeError: step() must return a mapping of metrics, but returned None"),
    ],
)
def test_a_fault_ends_the_trial_failed_with_a_reason(ended, fault, reason):
    told = result(ended, fault)
    assert told["state"] == "FAILED"
    assert reason in told["reason"]


@pytest.mark.parametrize("fault", ["once", "die_once"])
def test_what_goes_wrong_once_is_tried_again(ended, fault):
    assert result(ended, fault)["state"] == "COMPLETE"


@pytest.mark.parametrize(("fault", "times"), [("raise", 2), ("diverge", 1), ("nan", 1), ("die", 3), ("hang", 1)])
def test_a_fault_is_retried_as_often_as_its_kind_allows(ended, fault, times):
    x = POINTS[FAULTS.index(fault)]["x"]
    assert len([epoch for epoch in epochs_run(ended[1]) if epoch["x"] == x]) == times


def test_a_worker_that_died_goes_on_from_its_last_epoch(ended):
    x = POINTS[FAULTS.index("die_once")]["x"]
    assert [epoch["epoch"] for epoch in epochs_run(ended[1]) if epoch["x"] == x] == [1, 2, 2]


@pytest.mark.parametrize("fault", ["raise", "diverge", "leak"])
def test_the_trials_log_holds_the_whole_traceback(ended, fault):
    log = (ended[0] / "trials" / f"{FAULTS.index(fault):04d}" / "log.txt").read_text()
    assert "Traceback" in log
    assert "closed_form.py" in log


def test_a_static_constraint_costs_no_epoch(ended):
    assert 0.8 not in {epoch["x"] for epoch in epochs_run(ended[1])}
    assert sweep_status(ended[0])["trials"]["INFEASIBLE"] == 1


def test_ledger_mlflow_front_and_folders_tell_one_story(ended):
    assert disagreements(ended[0], len(POINTS) + len(FEW)) == []
    status = sweep_status(ended[0])
    assert (status["state"], status["mlflow"]["undelivered"]) == ("finished", 0)
    assert {point.trial for point in load_front(ended[0]).points} <= {2, 3, 13, 14}


def test_a_planted_password_is_in_no_file(ended):
    """Not in logs, results, ledger, spool, Tune's own files, the front, nor in MLflow's database."""
    leaks = [path for path, text in texts_below(ended[0].parent).items() if PASSWORD in text]
    assert leaks == []


def test_a_second_run_into_the_folder_is_refused(ended):
    with pytest.raises(Exception, match="already holds a sweep; go on with `dfkd sweep resume"):
        run_sweep(SweepSpec.model_validate(sweep()), out=ended[0], workload=Curve)


def test_a_trial_that_no_node_can_hold_is_refused_before_anything_is_written(own_ray, tmp_path):
    spec = SweepSpec.model_validate(sweep(resources={"cpus_per_trial": 64}))
    with pytest.raises(Exception, match="no node can hold a trial: it asks for 64 CPU"):
        run_sweep(spec, out=tmp_path / "large", workload=Curve)
    assert list(tmp_path.iterdir()) == []


def test_too_many_failures_end_the_sweep_failed(own_ray, tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    spec = sweep(30, 1, log, config={"faults": {"raise": [0, 1]}}, failures={"max_retries": 0})
    with pytest.raises(Exception, match=r"5 of 5 trials failed, more than failures.max_failed_share 0.5"):
        run_sweep(SweepSpec.model_validate(spec), out=tmp_path / "bad", workload=Curve)
    status = sweep_status(tmp_path / "bad")
    assert status["state"] == "failed"
    assert status["trials"]["FAILED"] <= 7, "those at work may end"
    assert disagreements(tmp_path / "bad") == []
