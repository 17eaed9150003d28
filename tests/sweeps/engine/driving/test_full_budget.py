"""`dfkd front confirm --full-budget`: the front's points trained as long as their configs say, side by side."""

import json

import pytest
import ray
import tiny_corpus as tiny

from dfkd_core.trained.checkpoint import load_state
from sweeps import SweepSpec, load_front, run_sweep
from sweeps.cli import run
from sweeps.trust.full_budget import full_folder

STUDENT = {"model": "conv_tasnet", "width": 0.125, "num_blocks": 2, "num_repeats": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished sweep of trials of one epoch; its config's own training has two."""
    root = tmp_path_factory.mktemp("full")
    config = tiny.experiment(tiny.write_corpus(root / "corpus"), tiny.write_teacher(root / "gain.onnx"))
    config |= {"student": STUDENT, "training": config["training"] | {"epochs": 2}}
    given = {
        "name": "small",
        "experiment": "tests",
        "config": config,
        "space": {"student.width": {"values": [0.125, 0.0625]}},
        "objectives": [
            {"metric": "val/si_sdr_db", "goal": "maximize"},
            {"metric": "model/params", "goal": "minimize", "scale": "log"},
        ],
        "reference_point": {"val/si_sdr_db": -60.0, "model/params": 1e7},
        "evaluate_first": [{"student.width": 0.125}, {"student.width": 0.0625}],
        "budget": {"trials": 2, "epochs_per_trial": 1},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFKD_CACHE", str(root / "cache"))
        ray.init(
            address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20
        )
        run_sweep(SweepSpec.model_validate(given), out=root / "small")
        yield root / "small"
        ray.shutdown()


def test_every_point_is_trained_to_its_configs_end_and_the_front_tells_tau(folder, capfd):
    trials = [point.trial for point in load_front(folder).points]
    assert run(["front", "confirm", str(folder), "--full-budget"]) == 0
    told = capfd.readouterr().out
    assert f"{len(trials)} point" in told and f"{2 * len(trials)} epochs in all, {len(trials)} at once" in told
    front = load_front(folder)
    assert front.full_budget.sweep_epochs == 1 and front.full_budget.epochs == 2
    for trial in trials:
        assert load_state(full_folder(folder, trial) / "checkpoint")["epoch"] == 2
        reached = json.loads((full_folder(folder, trial) / "metrics.json").read_text())["metrics"]
        assert front.full_budget.reached[trial] == {"val/si_sdr_db": reached["val/si_sdr_db"]}
        card = (full_folder(folder, trial) / "README.md").read_text()
        assert "## Expected and reached" in card and "sweep, 1 epochs | 95 % | reached," in card
    assert f"{len(trials)} of {len(trials)} points trained for 2 epochs, trials of the sweep for 1" in told
    assert "points trained for 2 epochs" in (folder / "front" / "front.html").read_text()
    if len(trials) > 1:
        assert front.full_budget.agreement["val/si_sdr_db"].points == len(trials)


def test_a_second_call_trains_nothing(folder, capfd):
    before = {p: p.stat().st_mtime_ns for p in (folder / "confirm" / "full").rglob("model.safetensors")}
    assert run(["front", "confirm", str(folder), "--full-budget"]) == 0
    assert {p: p.stat().st_mtime_ns for p in (folder / "confirm" / "full").rglob("model.safetensors")} == before
    assert "epochs in all" not in capfd.readouterr().out


def test_seeds_and_full_budget_are_two_questions(folder, capfd):
    assert run(["front", "confirm", str(folder), "--full-budget", "--seeds", "3"]) == 2
    assert "--full-budget: goes with the config's own seed" in capfd.readouterr().err
