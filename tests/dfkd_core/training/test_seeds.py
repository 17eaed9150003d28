"""Several seeds: each as a training of its own, their mean and spread, and the best as the model."""

import json
import statistics
from contextlib import contextmanager

import pytest
import torch

from dfkd_core.errors import ConfigError
from dfkd_core.trained.model_folder import load_model
from dfkd_core.training.seeds import train_seeds, trained_in
from dfkd_core.training.train_run import train_model
from dfkd_core.training.trainer import Trainer


def test_the_best_of_several_seeds_is_the_model_and_their_spread_is_told(experiment, tmp_path, monkeypatch):
    config, heard, told = experiment({"training.epochs": 1, "seed": 4}), [], []

    @contextmanager
    def hears(place, seeded):
        yield lambda epoch, metrics, origin: heard.append((place.name, seeded.seed, epoch))

    def train(seeded, place, on_epoch):
        return train_model(seeded, place, on_epoch=on_epoch)

    trained = train_seeds(config, tmp_path / "m", 2, train=train, report=told.append, tracked=hears)
    assert heard == [("seed-4", 4, 1), ("seed-5", 5, 1)]
    scores = {seed: model.metrics["val/pesq_wb"] for seed, model in trained.models.items()}
    assert trained.best == max(scores, key=scores.get)
    assert trained.spread()["val/pesq_wb"] == (statistics.fmean(scores.values()), statistics.stdev(scores.values()))
    written = json.loads((tmp_path / "m" / "seeds.json").read_text())
    assert written["best"] == trained.best and set(written["seeds"]) == {"4", "5"}

    assert trained_in(tmp_path / "m") == tmp_path / "m" / f"seed-{trained.best}"
    assert trained_in(trained_in(tmp_path / "m")) == trained_in(tmp_path / "m")

    model, shipped = load_model(tmp_path / "m")
    assert shipped.seed == trained.best
    train_model(config.model_copy(update={"seed": trained.best}), tmp_path / "alone")
    alone = load_model(tmp_path / "alone")[0].state_dict()
    assert all(torch.equal(weight, alone[name]) for name, weight in model.state_dict().items())

    monkeypatch.setattr(Trainer, "train_epoch", None)
    again = train_seeds(config, tmp_path / "m", 2, train=train, report=told.append, tracked=hears)
    assert str(again) == str(trained) and "2 seeds: " in str(again)


@pytest.mark.parametrize("name", ["config.yaml", "README.md", "model.safetensors", "metrics.json", "checkpoint"])
def test_what_no_training_with_seeds_wrote_is_not_overwritten(experiment, tmp_path, name):
    (tmp_path / name).write_text("the user's own")
    with pytest.raises(ConfigError, match=f"--out: holds a {name} that no training with --seeds wrote"):
        train_seeds(experiment({}), tmp_path, 2, train=None, report=print, tracked=None)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "the user's own")]
