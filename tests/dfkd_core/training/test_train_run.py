import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from tiny_corpus import write_corpus

from dfkd_core.data.manifest import manifest_of, read_manifest, write_manifest
from dfkd_core.errors import CheckpointError, ConfigError, DataError
from dfkd_core.metrics import METRICS
from dfkd_core.trained.checkpoint import load_state
from dfkd_core.trained.model_folder import load_model, shipped_weights
from dfkd_core.trained.model_record import read_record
from dfkd_core.training import train_run
from dfkd_core.training.train_run import train_model
from dfkd_core.training.trainer import Trainer

IN_MID_EPOCH = """
import json, sys, os, pathlib, signal
from dfkd_core.config import ExperimentConfig
from dfkd_core.training.train_run import train_model

def progress(what, done, total):
    if what == "epoch 2" and done == 2:
        os.kill(os.getpid(), signal.SIGKILL)

train_model(ExperimentConfig.parse(json.loads(sys.argv[1])), pathlib.Path(sys.argv[2]), progress=progress)
"""


@pytest.fixture
def finished(before, experiment, tmp_path):
    """A finished training of its own: config, folder and what it said."""
    folder, trained = before
    return experiment({"training.epochs": 1}), shutil.copytree(folder, tmp_path / "finished"), trained


def test_a_kill_in_mid_epoch_costs_that_epoch_and_changes_no_weight(experiment, tmp_path):
    config = experiment({"training.epochs": 2, "optimizer.weight_decay": 0.01})
    argument = json.dumps(config.model_dump(mode="json"))
    command = [sys.executable, "-c", IN_MID_EPOCH, argument, tmp_path / "killed"]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert load_state(tmp_path / "killed" / "checkpoint")["epoch"] == 1
    told = []
    train_model(config, tmp_path / "killed", report=told.append)
    train_model(config, tmp_path / "uncut")
    assert "goes on after epoch 1" in told[0]
    weights = [load_model(tmp_path / name)[0].state_dict() for name in ("killed", "uncut")]
    assert all(torch.equal(a, b) for a, b in zip(*(w.values() for w in weights), strict=True))


def test_a_finished_training_finds_nothing_to_do(finished, monkeypatch):
    config, folder, first = finished
    monkeypatch.setattr(Trainer, "train_epoch", None)
    assert train_model(config, folder) == first


def test_a_finished_training_opens_nothing_and_tells_what_differs(finished, monkeypatch):
    """Its corpus may be gone."""
    config, folder, first = finished
    monkeypatch.setattr(train_run, "Trainer", None)
    assert train_model(config, folder) == first
    with pytest.raises(CheckpointError, match=r"optimizer\.learning_rate"):
        slower = config.optimizer.model_copy(update={"learning_rate": 1e-5})
        train_model(config.model_copy(update={"optimizer": slower}), folder)


def test_a_finished_training_does_not_answer_for_another_corpus(finished, tmp_path):
    config, folder, first = finished
    there, gone, other = (
        config.data.model_copy(update={"corpus": str(place)})
        for place in (
            shutil.copytree(Path(config.data.corpus).parent, tmp_path / "moved") / Path(config.data.corpus).name,
            tmp_path / "gone",
            write_corpus(tmp_path / "other", first=50),
        )
    )
    assert train_model(config.model_copy(update={"data": there}), folder) == first
    with pytest.raises(DataError, match="there is no such place"):
        train_model(config.model_copy(update={"data": gone}), folder)
    with pytest.raises(CheckpointError, match="was trained with another data"):
        train_model(config.model_copy(update={"data": other}), folder)


def test_a_start_that_became_another_model_is_told_on_resume(experiment, tmp_path):
    parent = experiment({"training.epochs": 1, "student.width": 0.125})
    train_model(parent, tmp_path / "parent")
    child = {"training.epochs": 1, "training.start_from": str(tmp_path / "parent")}
    train_model(experiment(child), tmp_path / "child")
    shutil.rmtree(tmp_path / "parent")
    train_model(parent.model_copy(update={"seed": 9}), tmp_path / "parent")
    with pytest.raises(CheckpointError, match=r"was trained with another start \(start_hash differs\)"):
        train_model(experiment({**child, "training.epochs": 2}), tmp_path / "child")


def test_how_far_a_training_is_is_told_as_it_is(finished, tmp_path):
    config, folder, _ = finished
    told = []
    longer = config.training.model_copy(update={"epochs": 3})
    train_model(config.model_copy(update={"training": longer}), folder, report=told.append)
    assert told[0] == f"{folder}: goes on after epoch 1 of 3"
    train_model(config, folder, report=told.append)
    assert told[-1] == f"{folder}: is finished at epoch 3 and was asked for 1"


def test_the_record_holds_the_last_epoch_s_metrics_and_the_noisy_input_s(experiment, tmp_path):
    trained = train_model(experiment({"training.epochs": 2}), tmp_path)
    record = read_record(tmp_path)
    assert record.epochs == 2 and record.metrics == trained.metrics
    assert record.metrics["val/si_sdr_db"] is not None and record.noisy["si_sdr_db"] is not None
    assert record.origin["licences"] == ["CC0-1.0"] and record.origin["teacher"] == "gain"


def test_patience_stops_and_ships_the_best_epoch(experiment, tmp_path, monkeypatch):
    scores = iter([1.2, 1.5, 1.4, 1.3, 9.9])
    metrics = {"train_epoch": {"train/loss": 1.0}}
    original = Trainer.train_epoch

    def train_epoch(trainer):
        return original(trainer) | metrics["train_epoch"]

    class Scored:
        def metrics(self):
            return {"val/pesq_wb": next(scores)}

        def intervals(self):
            return {}

    monkeypatch.setattr(Trainer, "train_epoch", train_epoch)
    monkeypatch.setattr(Trainer, "evaluate", lambda trainer: Scored())
    trained = train_model(experiment({"training.epochs": 9, "training.patience": 2}), tmp_path)
    assert trained.stopped_early and trained.epochs == 4
    assert trained.metrics["val/pesq_wb"] == 1.5 and read_record(tmp_path).epochs == 2


@pytest.mark.parametrize("patience", [None, 1])
def test_a_start_that_training_only_harms_is_the_model(experiment, trained_folder, tmp_path, patience):
    harmful = {"training.start_from": str(trained_folder), "optimizer.learning_rate": 0.5, "training.epochs": 2}
    told = []
    trained = train_model(experiment(harmful | {"training.patience": patience}), tmp_path / "after", report=told.append)
    weights = [load_model(folder)[0].state_dict() for folder in (trained_folder, tmp_path / "after")]
    assert all(torch.equal(a, b) for a, b in zip(*(w.values() for w in weights), strict=True))
    assert "the start was better (PESQ-WB " in str(trained)
    assert told[0] == f"before the first epoch: {shown(trained.metrics)}"
    record = read_record(tmp_path / "after")
    assert record.epochs == 0 and record.metrics == trained.metrics
    card = (tmp_path / "after" / "README.md").read_text().splitlines()
    assert f"- On the validation mixtures {trained.better}, and it is the model" in card


def shown(metrics):
    keys = {"pesq_wb": "PESQ-WB", "stoi": "STOI", "si_sdr_db": "SI-SDR"}
    return ", ".join(f"{label} {metrics[f'val/{key}']:.3f}" for key, label in keys.items())


def test_a_start_that_training_betters_is_not_the_model(experiment, trained_folder, tmp_path):
    better = {"training.start_from": str(trained_folder), "training.epochs": 6}
    trained = train_model(experiment(better), tmp_path / "after")
    assert "start" not in trained.better and read_record(tmp_path / "after").epochs > 0


def test_a_folder_of_another_config_is_refused_and_stays(experiment, finished):
    _, folder, _ = finished
    before = (folder / "model.safetensors").read_bytes()
    with pytest.raises(CheckpointError, match=r"checkpoint: belongs to another config: seed"):
        train_model(experiment({"seed": 1, "training.epochs": 1}), folder)
    assert (folder / "model.safetensors").read_bytes() == before


def test_two_processes_cannot_train_into_one_folder(experiment, tmp_path):
    with FileLock(tmp_path / ".lock"), pytest.raises(ConfigError, match="another process"):
        train_model(experiment(), tmp_path)


def test_probes_are_scored_after_every_epoch_and_change_nothing_else(experiment, before, tmp_path, tiny_corpus):
    corpus = read_manifest(tiny_corpus)
    other = [c for c in corpus.select(split="test") if c.path != "clean/test1.wav"]  # its voice is train0's
    clips = [replace(c, path=str(corpus.path(c)), split="valid") for c in other]
    write_manifest(manifest_of(tmp_path, clips), tmp_path / "abroad.csv")
    _, plain = before
    changes = {"training.epochs": 1, "data.probes": {"abroad": str(tmp_path / "abroad.csv")}}
    probed = train_model(experiment(changes), tmp_path / "probed")
    extra = {name for name in probed.metrics if name not in plain.metrics}
    assert extra == {f"probe/abroad/{name}" for name in METRICS}
    assert {name: probed.metrics[name] for name in plain.metrics} == plain.metrics
    record = read_record(tmp_path / "probed")
    assert extra <= record.noisy.keys() and extra <= record.intervals.keys() | {"probe/abroad/estoi"}
    assert "| metric | abroad | abroad, 95 % | abroad, noisy input |" in (tmp_path / "probed/README.md").read_text()


def test_a_training_goes_on_when_its_start_and_its_probe_lie_elsewhere_and_not_with_others(
    experiment, trained_folder, one_epoch, tmp_path
):
    shutil.copytree(trained_folder, tmp_path / "before")
    one_epoch(tmp_path / "other", {"seed": 1})
    write_corpus(tmp_path / "far", first=30)
    write_corpus(tmp_path / "near", first=13)

    def config(epochs, start, probe):
        places = {"training.start_from": str(tmp_path / start), "data.probes": {"far": str(tmp_path / probe)}}
        return experiment({"training.epochs": epochs, **places})

    train_model(config(1, "before", "far"), tmp_path / "after")
    shutil.copytree(tmp_path / "before", tmp_path / "before2")
    shutil.copytree(tmp_path / "far", tmp_path / "far2")
    assert train_model(config(2, "before2", "far2"), tmp_path / "after").epochs == 2
    with pytest.raises(CheckpointError, match=r"training\.start_from was"):
        train_model(config(3, "other", "far"), tmp_path / "after")
    with pytest.raises(CheckpointError, match=r"another data \(data_hash differs\)"):
        train_model(config(3, "before", "near"), tmp_path / "after")


@pytest.fixture
def scores_in_turn(experiment, monkeypatch):
    """Has validation say one score after another, whatever the weights: `scores_in_turn(2.0, 1.9)`."""

    def say(*scores):
        measured, turn = Trainer(experiment()).evaluate(), iter(scores)

        def told(_):
            evaluation = replace(measured)
            evaluation.mean["pesq_wb"] = next(turn)
            return evaluation

        monkeypatch.setattr(Trainer, "evaluate", told)

    return say


@pytest.mark.parametrize(
    ("earlier", "later", "best", "epochs"),
    [
        ([2.0], [], 1, 1),  # finished before patience was asked for
        ([2.0], [1.9, 1.8], 1, 3),  # none better: what there was
        ([2.0], [2.1, 1.8, 1.7], 2, 4),
        ([2.5, 2.0], [1.9], 1, 3),
    ],
)
def test_patience_may_be_added_by_a_resume(experiment, tmp_path, scores_in_turn, earlier, later, best, epochs):
    scores_in_turn(*earlier, *later)
    train_model(experiment({"training.epochs": len(earlier)}), tmp_path)
    total = len(earlier) + (len(later) or 0)
    done = train_model(experiment({"training.epochs": total, "training.patience": 2}), tmp_path)
    assert (done.epochs, load_state(tmp_path / "best")["epoch"]) == (epochs, best)
    assert done.metrics["val/pesq_wb"] == [*earlier, *later][best - 1]
    assert read_record(tmp_path).epochs == best


def test_only_kept_weights_are_named_where_those_of_a_better_epoch_are_gone(experiment, tmp_path, scores_in_turn):
    scores_in_turn(2.5, 2.0, 1.9, 1.8)
    train_model(experiment({"training.epochs": 2}), tmp_path)
    shutil.rmtree(tmp_path / "best")
    done = train_model(experiment({"training.epochs": 4, "training.patience": 2}), tmp_path)
    assert load_state(tmp_path / "best")["epoch"] == 2 and (done.epochs, done.metrics["val/pesq_wb"]) == (4, 2.0)


def test_the_best_epoch_is_the_model_where_the_last_is_worse_and_that_is_told(experiment, tmp_path, scores_in_turn):
    scores_in_turn(2.0, 2.4, 2.2)
    config = experiment({"training.epochs": 3})
    done = train_model(config, tmp_path)
    assert (done.epochs, done.metrics["val/pesq_wb"], read_record(tmp_path).epochs) == (3, 2.4, 2)
    assert "epoch 2 was better than the last (PESQ-WB 2.400 against 2.200), and it is the model" in str(done)
    kept = shipped_weights(load_state(tmp_path / "best"))
    assert all(torch.equal(weight, kept[name]) for name, weight in load_model(tmp_path)[0].state_dict().items())
    assert train_model(config, tmp_path) == done


def test_a_finished_model_whose_checkpoint_is_gone_is_not_trained_over(finished):
    config, folder, _ = finished
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "checkpoint" / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match=r"holds a trained model, but no whole checkpoint/ to go on from"):
        train_model(config, folder)
    assert (folder / "model.safetensors").read_bytes() == weights


@pytest.mark.parametrize("name", ["README.md", "config.yaml"])
def test_a_folder_with_files_of_somebody_s_own_is_not_written_over(experiment, tmp_path, name):
    config = experiment({"training.epochs": 1})
    (tmp_path / name).write_text("precious")
    with pytest.raises(ConfigError, match=f"holds a {name} that no training wrote and this one would overwrite"):
        train_model(config, tmp_path)
    assert (tmp_path / name).read_text() == "precious"
