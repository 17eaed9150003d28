"""Training that begins with a trained model's weights."""

import re

import pytest
import torch

from dfkd_core.config import load_config
from dfkd_core.errors import CheckpointError, ConfigError
from dfkd_core.trained.model_folder import load_model, model_sha256, read_record
from dfkd_core.training.initial_student import initial_student
from dfkd_core.training.train_run import train_model
from dfkd_core.training.trainer import Trainer


@pytest.fixture
def trained_folder(experiment, tmp_path):
    train_model(experiment({"training.epochs": 1}), tmp_path / "before")
    return tmp_path / "before"


def test_the_student_and_its_average_begin_with_the_weights_named(experiment, trained_folder):
    weights = load_model(trained_folder)[0].state_dict()
    overrides = {"training.start_from": str(trained_folder), "training.ema_decay": 0.9, "seed": 5}
    trainer = Trainer(experiment(overrides))
    for model in (trainer.student, trainer.model):
        assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


def test_it_trains_on_from_there_and_the_card_tells_from_which(experiment, trained_folder, tmp_path):
    config = experiment({"training.start_from": str(trained_folder), "training.epochs": 1})
    begun = Trainer(config).evaluate().mean["si_sdr_db"]
    fresh = Trainer(experiment()).evaluate().mean["si_sdr_db"]
    train_model(config, tmp_path / "after")
    assert begun != fresh
    assert read_record(tmp_path / "after").origin["start_hash"] == model_sha256(trained_folder)
    assert (
        f"Begun with the weights of {model_sha256(trained_folder)[:12]}" in (tmp_path / "after/README.md").read_text()
    )


def test_another_student_is_refused_with_what_differs(experiment, trained_folder):
    config = experiment({"training.start_from": str(trained_folder), "student.width": 0.25})
    with pytest.raises(
        ConfigError,
        match=r"training\.start_from: must name a model of the same student, but .*before has width 0\.0625, not 0\.25",
    ):
        initial_student(config)


def test_what_is_no_model_folder_is_refused(experiment, tmp_path):
    with pytest.raises(CheckpointError, match=r"must be a model folder, but lacks config\.yaml"):
        initial_student(experiment({"training.start_from": str(tmp_path)}))


def test_the_path_is_seen_from_the_config(tmp_path):
    (tmp_path / "config.yaml").write_text("training: {start_from: models/before}\n")
    assert load_config(tmp_path / "config.yaml").training.start_from == str((tmp_path / "models/before").resolve())


def test_a_resumed_run_must_name_the_same_start(experiment, trained_folder, tmp_path):
    config = experiment({"training.start_from": str(trained_folder), "training.epochs": 1})
    train_model(config, tmp_path / "after")
    with pytest.raises(CheckpointError, match=re.escape("training.start_from was")):
        train_model(experiment({"training.epochs": 2}), tmp_path / "after")
