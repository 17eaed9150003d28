"""Our own teachers come by name, in half precision, with what there is to know of them."""

from __future__ import annotations

import json

import pytest
import torch

from dfkd_core.base import shipped
from dfkd_core.config import TeacherConfig, absolute_paths, load_config
from dfkd_core.data import mixtures
from dfkd_core.errors import ConfigError
from dfkd_core.models import build_student
from dfkd_core.scoring import shipping
from dfkd_core.scoring.shipped_card import num_steps
from dfkd_core.scoring.teacher_scores import teacher_named, teacher_sizes
from dfkd_core.teachers import open_network, open_teacher, trained_model
from dfkd_core.trained.model_folder import load_model, write_model_folder

ORIGIN = {"data_hash": "d" * 64, "teacher_hash": None, "teacher": None, "licences": ["CC0-1.0"]}


@pytest.fixture
def model(experiment, tmp_path):
    torch.manual_seed(0)
    student, folder = build_student(experiment().student), tmp_path / "trained"
    weights = student.state_dict()
    write_model_folder(folder, experiment(), weights, {"val/pesq_wb": 1.5}, noisy={}, epochs=2, origin=ORIGIN)
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty place for shipped teachers, whose cards are scored on few mixtures."""
    monkeypatch.setattr(mixtures, "NUM_TEST", 4)
    for module in (shipped, trained_model, shipping):
        monkeypatch.setattr(module, "FOLDER", tmp_path / "shipped")
    return tmp_path / "shipped"


def test_a_shipped_model_is_half_as_large_and_computes_nearly_the_same(model, place):
    folder = shipping.ship(model, "ours", "speech")
    sizes = [(where / "model.safetensors").stat().st_size for where in (folder, model)]
    noisy = torch.randn(1, 4000)
    outputs = [load_model(where)[0](noisy) for where in (folder, model)]
    assert sizes[0] < 0.62 * sizes[1]
    torch.testing.assert_close(*outputs, rtol=0.01, atol=0.01)


def test_what_is_shipped_names_no_place_of_the_machine_it_was_trained_on(model, place, tmp_path):
    folder = shipping.ship(model, "ours", "speech")
    told = [file.read_text() for file in folder.iterdir() if file.suffix != ".safetensors"]
    assert load_model(folder)[1].data.corpus == "speech"
    assert json.loads((folder / "metrics.json").read_text())["metrics"] == {"val/pesq_wb": 1.5}
    assert not [text for text in told if "corpus: /" in text or "`/" in text]


def test_its_card_tells_commands_steps_and_scores_by_snr(model, place, experiment):
    corpus = experiment().data.corpus
    card = (shipping.ship(model, "ours", "speech", [corpus]) / "README.md").read_text()
    assert "    dfkd train config.yaml --out MODEL --set data.corpus=SPEECH\n" in card
    assert f"- config.yaml: {num_steps(experiment()):,} steps, seed 0" in card
    rows = [line.split(" | ")[:2] for line in card[card.index("## Scores by SNR") :].splitlines()[4:]]
    snrs = ["0", "5", "10", "15", "all"]
    assert rows == [
        [f"| {place}", snr] for place in ("speech, valid", "speech, test", f"{corpus}, valid") for snr in snrs
    ]


def test_a_model_of_two_stages_is_shipped_with_both_configs(model, place, experiment, tmp_path):
    config = experiment({"training.start_from": str(model), "optimizer.learning_rate": 1e-4})
    write_model_folder(
        tmp_path / "second", config, load_model(model)[0].state_dict(), {}, noisy={}, epochs=2, origin=ORIGIN
    )
    folder = shipping.ship(tmp_path / "second", "ours", "speech")
    assert load_config(folder / "first.yaml").optimizer == experiment().optimizer
    assert load_model(folder)[1].training.start_from is None
    card = (folder / "README.md").read_text()
    assert "dfkd train first.yaml --out FIRST" in card and "--set training.start_from=FIRST" in card
    assert not [file for file in folder.iterdir() if file.suffix == ".yaml" and str(tmp_path) in file.read_text()]


@pytest.mark.parametrize("name", trained_model.shipped_names())
def test_what_comes_with_the_package_is_whole_and_known(name):
    folder = trained_model.FOLDER / name
    student, config = load_model(folder)
    assert sum(file.stat().st_size for file in folder.iterdir()) < 5_000_000
    assert open_teacher(TeacherConfig(checkpoint=name)).name == name
    assert build_student(config.student).state_dict().keys() == student.state_dict().keys()
    assert "## How it was made" in (folder / "README.md").read_text() and (folder / "SOURCES.md").is_file()


def test_a_shipped_teacher_is_named_like_a_checkpoint(model, place, experiment, tmp_path):
    shipping.ship(model, "ours", "speech")
    config = experiment({"teacher": {"checkpoint": "ours"}})
    assert absolute_paths(config, tmp_path).teacher.checkpoint == "ours"
    assert open_teacher(config.teacher).name == "ours"
    assert teacher_named("ours") == TeacherConfig(checkpoint="ours")
    assert teacher_sizes(config.teacher)["model/params"] > 0


def test_a_folder_of_that_name_comes_first(model, place, tmp_path, monkeypatch):
    shipping.ship(model, "trained", "speech")
    monkeypatch.chdir(tmp_path)
    assert trained_model.model_place("trained") == model.relative_to(tmp_path)


def test_a_name_that_is_not_shipped_is_refused_with_those_that_are(model, place):
    shipping.ship(model, "ours", "speech")
    with pytest.raises(ConfigError, match=r"a shipped name \(shipped: ours\)"):
        open_network(trained_model.FOLDER.parent / "absent")


def test_a_model_over_five_megabytes_is_not_shipped(model, place, monkeypatch):
    monkeypatch.setattr(shipping, "LARGEST_BYTES", 1000)
    with pytest.raises(ConfigError, match="must take at most 1,000 bytes"):
        shipping.ship(model, "ours", "speech")
    assert not place.exists()
