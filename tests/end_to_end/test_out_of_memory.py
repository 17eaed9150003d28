"""Ray's memory monitor kills a worker: the trial fails with a remedy, and the sweep goes on."""

import json
import sys

import psutil
import pytest
import ray
from closed_form import Curve, sweep

from sweeps import SweepSpec, run_sweep
from sweeps.terminal.status import sweep_status

ROOM = 1 << 30


@pytest.fixture
def narrow_ray(monkeypatch):
    """A Ray that grants its workers a gigabyte more than this machine uses now."""
    memory = psutil.virtual_memory()
    share = (memory.total - memory.available + ROOM) / memory.total
    monkeypatch.setenv("RAY_memory_usage_threshold", f"{share:.4f}")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "50")
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)
    yield
    ray.shutdown()


@pytest.mark.skipif(sys.platform != "linux", reason="Ray's memory monitor needs Linux")
def test_a_trial_that_takes_all_memory_fails_with_a_remedy_and_the_sweep_goes_on(narrow_ray, tmp_path):
    log, folder = tmp_path / "log", tmp_path / "runs" / "hungry"
    log.mkdir()
    points = [{"x": 0.8, "size": 0.5}, {"x": 0.2, "size": 0.5}]
    faults = {"hungry": [0.5, 1]}
    spec = sweep(
        2,
        1,
        log,
        config={"faults": faults},
        evaluate_first=points,
        failures={"max_retries": 1, "max_failed_share": 1.0},
    )
    run_sweep(SweepSpec.model_validate(spec), out=folder, workload=Curve)
    told = json.loads((folder / "trials" / "0000" / "result.json").read_text())
    assert told["state"] == "FAILED"
    assert told["reason"].startswith("the worker was killed because the node ran out of memory; use a smaller batch")
    assert told["reason"].endswith("(attempt 2)")
    assert sweep_status(folder)["state"] == "finished"
