"""Sweeps of real students, by what they cost on a device: measured speed as objective and as constraint."""

import json
import math
import os

import pytest
import ray
import tiny_corpus as tiny

from sweeps import SweepSpec, load_front, run_sweep

PESQ, SPEED, SPREAD = "val/pesq_wb", "model/rtf_cpu", "model/rtf_cpu_spread"
SIZES = ("model/params", "model/bytes", "model/state_bytes", "model/look_ahead_ms", "model/macs_per_s")


@pytest.fixture(scope="module")
def sweep_of(tmp_path_factory):
    """Runs a sweep over two widths with the given blocks changed; returns its folder."""
    root = tmp_path_factory.mktemp("device_cost")
    config = tiny.experiment(tiny.write_corpus(root), tiny.write_teacher(root / "gain.onnx"))
    spec = {
        "name": "device-cost",
        "config": config | {"distillation": {"method": "none"}},
        "space": {"student.width": {"values": [0.0625, 0.25]}},
        "evaluate_first": [{"student.width": 0.25}, {"student.width": 0.0625}],
        "objectives": [{"metric": PESQ, "goal": "maximize"}, {"metric": SPEED, "goal": "minimize", "scale": "log"}],
        "reference_point": {PESQ: 1.0, SPEED: 100.0},
        "budget": {"trials": 2, "epochs_per_trial": 1},
        "resources": {"max_concurrent": 1},
    }
    os.environ["DFKD_CACHE"] = str(root / "cache")
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)

    def run(name, **changes):
        run_sweep(SweepSpec.model_validate({**spec, **changes}), out=root / name)
        return root / name

    yield run
    ray.shutdown()
    del os.environ["DFKD_CACHE"]


def results(folder):
    return [json.loads(path.read_text()) for path in sorted(folder.glob("trials/*/result.json"))]


def test_measured_speed_is_an_objective_with_its_spread_beside_it(sweep_of):
    folder = sweep_of("objective")
    wide, narrow = results(folder)
    assert wide["state"] == narrow["state"] == "COMPLETE"
    assert 0 < narrow["metrics"][SPEED] < wide["metrics"][SPEED] < 100
    for trial in (wide, narrow):
        assert 0 <= trial["metrics"][SPREAD] < math.inf
        assert all(trial["metrics"][size] > 0 for size in SIZES)
    points = load_front(folder).points
    assert points[0].trial == 1  # the narrow one is the faster
    assert points[0].values[SPEED] == narrow["metrics"][SPEED]


def test_a_student_slower_than_the_constraint_allows_is_infeasible_with_the_reason(sweep_of):
    folder = sweep_of("constraint", constraints=[f"{SPEED} <= 1.0e-9"])
    assert {trial["state"] for trial in results(folder)} == {"INFEASIBLE"}
    assert all(SPEED in trial["reason"] for trial in results(folder))
    assert not load_front(folder).points
