"""`dfkd train --workers`: one model by several processes on one Ray, with seeds, after losses, or refused."""

import json
import os
import threading
import time

import psutil
import pytest
import ray
import tiny_corpus as tiny
from drivers import dfkd
from filelock import FileLock
from mlflow import MlflowClient

from dfkd_core.base.documents import dump_yaml
from dfkd_core.trained.checkpoint import load_state
from dfkd_core.trained.model_folder import load_model
from sweeps.cli import run

STUDENT = {"model": "conv_tasnet", "width": 0.125, "num_blocks": 2, "num_repeats": 1}


@pytest.fixture(scope="module")
def cluster():
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    root = tmp_path_factory.mktemp("on-ray")
    os.environ["DFKD_CACHE"] = str(root / "cache")  # before Ray starts, whose workers have it, too
    mapping = tiny.experiment(tiny.write_corpus(root / "corpus"), tiny.write_teacher(root / "gain.onnx"))
    provenance = {"sweep_id": "abc", "trial": 7}
    (root / "c.yaml").write_text(dump_yaml({**mapping, "student": STUDENT, "provenance": provenance}))
    yield root / "c.yaml"
    del os.environ["DFKD_CACHE"]


def test_a_killed_driver_and_its_workers_leave_a_training_that_goes_on(config, tmp_path, capfd):
    """With another number of workers, into the same folder and the same run."""
    out = tmp_path / "m"
    words = ["train", str(config), "--out", str(out)]
    with dfkd(*words, "--workers", 2, "--set", "training.epochs=500") as driver:
        while not driver.process.stdout.readline().startswith("epoch 1/"):
            assert driver.process.poll() is None
        driver.kill()
    with FileLock(out / ".lock", timeout=120):  # until its workers have died, too
        pass
    done = len(load_state(out / "checkpoint")["history"])
    assert run([*words, "--set", f"training.epochs={done + 1}"]) == 0
    told = capfd.readouterr().out
    assert f"goes on after epoch {done} of {done + 1}" in told
    assert load_state(out / "checkpoint")["epoch"] == done + 1
    assert load_model(out)[1].training.epochs == done + 1


def test_two_seeds_by_two_workers_end_in_one_model_and_a_run_each(config, cluster, tmp_path, capfd):
    out = tmp_path / "m"
    words = ["train", str(config), "--out", str(out), "--set", "training.epochs=1", "--seeds", "2", "--workers", "2"]
    assert run(words) == 0
    told = capfd.readouterr().out
    assert told.count("2 workers train together") == 2 and told.count("epoch 1/1") == 2
    seeds = json.loads((out / "seeds.json").read_text())
    assert set(seeds["seeds"]) == {"0", "1"} and load_model(out)[1].seed == seeds["best"]
    assert sorted(p.name for p in (out / "seed-0").iterdir() if not p.name.startswith(".")) == [
        *("README.md", "best", "checkpoint", "config.yaml", "metrics.json", "model.safetensors", "spool")
    ]
    runs = MlflowClient(f"sqlite:///{tmp_path / 'm' / 'mlflow.db'}").search_runs(["1"])
    tags = [run_.data.tags for run_ in runs]
    assert [(t["dfkd.kind"], t["dfkd.sweep_id"], t["dfkd.trial_number"]) for t in tags] == [("final", "abc", "7")] * 2

    assert run(words) == 0  # finds it done
    assert capfd.readouterr().out.count("is finished at epoch 1 of 1") == 2


def test_a_worker_that_dies_costs_an_epoch_and_not_the_training(config, cluster, tmp_path, capfd):
    out = tmp_path / "m"

    def kill_one():
        while not (out / "checkpoint" / "manifest.json").exists():
            time.sleep(0.05)
        workers = [p for p in psutil.Process().children(recursive=True) if "RayTrainWorker" in " ".join(p.cmdline())]
        workers[-1].kill()

    killing = threading.Thread(target=kill_one, daemon=True)
    killing.start()
    words = ["train", str(config), "--out", str(out), "--no-track", "--set", "training.epochs=8", "--workers", "2"]
    assert run([*words, "--set", "training.patience=null"]) == 0
    told = capfd.readouterr().out
    assert "a worker was lost (" in told and "goes on after epoch" in told
    assert load_state(out / "checkpoint")["epoch"] == 8


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--workers", "3"], "training.batch_size: must deal a batch in equal shares, but batch_size 4"),
        (["--workers", "4"], "--workers: must be at most 2, since each worker takes 1 CPU"),
        (["--workers", "2", "--set", "data.corpus=/no/such"], "no/such"),
        (["--workers", "0"], "--workers"),
    ],
)
def test_what_workers_cannot_do_is_told_in_a_line(config, cluster, tmp_path, capfd, options, told):
    assert run(["train", str(config), "--out", str(tmp_path / "m"), "--no-track", *options]) == 2
    said = capfd.readouterr().err.strip().splitlines()
    assert len(said) == 1 and told in said[0], said
