"""`dfkd train --seeds 2 --workers 2` through Ray Train, of which a worker dies, then the driver with all workers."""

import contextlib
import io
import json

import psutil
import pytest
import tiny_corpus as tiny
from drivers import dfkd
from filelock import FileLock
from mlflow import MlflowClient

from dfkd_core.base.documents import dump_yaml
from dfkd_core.trained.checkpoint import load_state
from dfkd_core.trained.model_folder import load_model
from sweeps.cli import run

STUDENT = {"model": "conv_tasnet", "width": 0.125, "num_blocks": 2, "num_repeats": 1}
EPOCHS = 12


def heard_until(driver, words):
    """What the driver says, up to the line that holds the words."""
    heard = []
    for line in driver.process.stdout:
        heard.append(line)
        if words in line:
            return "".join(heard)
    raise AssertionError("".join(heard))


def a_worker_of(driver):
    for child in psutil.Process(driver.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # others come and go meanwhile
            if "RayTrainWorker" in " ".join(child.cmdline()):
                return child
    raise AssertionError("no worker of Ray Train is among the driver's processes")


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """One training, once through both losses: the model folder, and what each of its two drivers said."""
    root = tmp_path_factory.mktemp("on-ray")
    out, seeds = root / "m", ["--seeds", "2", "--set", f"training.epochs={EPOCHS}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFKD_CACHE", str(root / "cache"))
        patch.chdir(root)
        mapping = tiny.experiment(tiny.write_corpus(root / "corpus"), tiny.write_teacher(root / "gain.onnx"))
        provenance = {"sweep_id": "abc", "trial": 7}
        (root / "c.yaml").write_text(dump_yaml({**mapping, "student": STUDENT, "provenance": provenance}))
        words = ["train", str(root / "c.yaml"), "--out", str(out), *seeds]
        with dfkd(*words, "--workers", 2, cwd=root) as driver:
            first = heard_until(driver, "epoch 1/")
            a_worker_of(driver).kill()
            first += heard_until(driver, "seed 0: ")
            first += heard_until(driver, "epoch 1/")
            driver.kill()
        with FileLock(out / "seed-1" / ".lock", timeout=300):  # until its workers have died, too
            done = len(load_state(out / "seed-1" / "checkpoint")["history"])
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            assert run(words) == 0  # by one process
        yield out, first, done, told.getvalue()


def test_a_worker_that_dies_costs_the_epoch_in_flight_and_not_the_training(story):
    _, first, _, _ = story
    assert first.count("a worker was lost (") == 1
    lost = first.index("a worker was lost (")
    begun = [line for line in first[:lost].splitlines() if line.startswith("epoch ")]
    assert f"goes on after epoch {len(begun)} of {EPOCHS}" in first[lost:]
    numbers = [line.split("/")[0] for line in first[: first.index("seed 0: ")].splitlines() if line.startswith("epoch")]
    assert numbers == [f"epoch {number}" for number in range(1, EPOCHS + 1)]


def test_a_killed_driver_and_its_workers_leave_a_training_that_one_process_ends(story):
    out, _, done, then = story
    assert f"seed-0: is finished at epoch {EPOCHS} of {EPOCHS}" in then
    assert 1 <= done < EPOCHS and f"seed-1: goes on after epoch {done} of {EPOCHS}" in then
    assert load_state(out / "seed-1" / "checkpoint")["epoch"] == EPOCHS
    folder = sorted(path.name for path in (out / "seed-1").iterdir() if not path.name.startswith("."))
    assert folder == ["README.md", "best", "checkpoint", "config.yaml", "metrics.json", "model.safetensors", "spool"]


def test_both_seeds_end_in_one_model_and_a_run_each_of_the_sweeps_trial(story):
    out, first, _, _ = story
    assert first.count("2 workers train together") == 3  # one more for the lost worker
    seeds = json.loads((out / "seeds.json").read_text())
    assert set(seeds["seeds"]) == {"0", "1"} and load_model(out)[1].seed == seeds["best"]
    client = MlflowClient(f"sqlite:///{out}/mlflow.db")
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    tags = [one.data.tags for one in runs]
    assert [(t["dfkd.kind"], t["dfkd.sweep_id"], t["dfkd.trial_number"]) for t in tags] == [("final", "abc", "7")] * 2
    for one in runs:
        history = client.get_metric_history(one.info.run_id, "val/pesq_wb")
        assert sorted(point.step for point in history) == list(range(1, EPOCHS + 1))
        assert one.info.status == "FINISHED"
