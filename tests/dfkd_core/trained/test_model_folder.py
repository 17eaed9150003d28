import json

import pytest
import torch

from dfkd_core.errors import CheckpointError, ConfigError
from dfkd_core.models import build_student
from dfkd_core.trained.model_folder import (
    load_model,
    model_sha256,
    note_runtimes,
    publish_checkpoint,
    write_model_folder,
)
from dfkd_core.trained.model_record import read_record
from dfkd_core.training.trainer import Trainer

ORIGIN = {"data_hash": "d" * 64, "teacher_hash": None, "teacher": None, "licences": ["CC0-1.0", "unknown"]}
METRICS = {"val/pesq_wb": 1.5, "val/si_sdr_db": float("nan")}


@pytest.fixture
def model(experiment):
    torch.manual_seed(0)
    return build_student(experiment().student).eval()


@pytest.fixture
def folder(experiment, model, tmp_path):
    path = tmp_path / "model"
    write_model_folder(path, experiment(), model.state_dict(), METRICS, noisy={"pesq_wb": 1.2}, epochs=2, origin=ORIGIN)
    return path


def test_a_model_comes_back_as_it_was(folder, model, experiment):
    loaded, config = load_model(folder)
    noisy = torch.randn(2, 4000)
    assert config == experiment() and not loaded.training
    assert torch.equal(loaded(noisy), model(noisy))


def test_the_files_are_those_of_the_contract(folder):
    assert {path.name for path in folder.iterdir()} == {"config.yaml", "model.safetensors", "metrics.json", "README.md"}


def test_metrics_json_is_plain_json_with_null_for_what_is_not_finite(folder):
    told = json.loads((folder / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert told["metrics"] == {"val/pesq_wb": 1.5, "val/si_sdr_db": None} and told["sizes"]["params"] > 0


def test_the_card_names_data_licence_teacher_scores_and_sizes(folder):
    card = (folder / "README.md").read_text()
    for part in (
        "CC0-1.0, unknown",
        "Teacher: none",
        "| pesq_wb (MOS-LQO) | 1.5 | 1.2 |",
        "params:",
        "hours of mixtures",
    ):
        assert part in card


def test_intervals_that_are_known_stand_beside_their_scores(experiment, model, tmp_path):
    spans = {"val/pesq_wb": (1.25, 1.75)}
    write_model_folder(
        *(tmp_path, experiment(), model.state_dict(), METRICS),
        noisy={"pesq_wb": 1.2},
        epochs=2,
        origin=ORIGIN,
        intervals=spans,
    )
    card = (tmp_path / "README.md").read_text()
    assert "| metric | model | 95 % | noisy input |" in card
    assert "| pesq_wb (MOS-LQO) | 1.5 | 1.25 to 1.75 | 1.2 |" in card and "| si_sdr_db (dB) | - | - | - |" in card


def test_the_card_has_a_column_for_each_probe(experiment, model, tmp_path):
    probed = {"probe/street/pesq_wb": 1.25, "probe/abroad/pesq_wb": 1.75, "probe/abroad/stoi": float("nan")}
    provenance = {"sweep": "s", "trial": 7, "expected": {"val/pesq_wb": 1.4, "probe/abroad/pesq_wb": 1.7}}
    config = experiment({"provenance": provenance})
    for place, metrics in (("plain", METRICS), ("probed", METRICS | probed)):
        write_model_folder(
            tmp_path / place, config, model.state_dict(), metrics, noisy={"pesq_wb": 1.2}, epochs=2, origin=ORIGIN
        )
    assert "probe" not in (tmp_path / "plain/README.md").read_text()
    card = (tmp_path / "probed/README.md").read_text().splitlines()
    start = card.index("## Scores on the probes' validation mixtures")
    assert card[start + 4 : start + 9] == [
        "| metric | abroad | street |",
        "|---|---|---|",
        "| pesq_wb (MOS-LQO) | 1.75 | 1.25 |",
        "| stoi (1) | - | - |",
        "",
    ]
    assert "| probe/abroad/pesq_wb | 1.7 | - | 1.75 | - |" in card, "expected and reached"


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "Clips that this training did not train on."),
        ({"teacher": "dtln"}, "Clips that this training did not train on; its teacher may have."),
        (
            {"teacher": "dtln", "start_hash": "a" * 64},
            "Clips that this training did not train on; what it began with and its teacher may have.",
        ),
    ],
)
def test_of_probes_the_card_says_no_more_than_is_known(experiment, model, tmp_path, known, said):
    metrics = METRICS | {"probe/abroad/pesq_wb": 1.75}
    write_model_folder(
        tmp_path, experiment(), model.state_dict(), metrics, noisy={}, epochs=2, origin={**ORIGIN, **known}
    )
    assert said in (tmp_path / "README.md").read_text().splitlines()


def test_that_the_start_was_better_stands_on_the_card_and_stays_there(experiment, model, tmp_path):
    better = "the start was better (PESQ-WB 1.600 against 1.500); values and weights are the last epoch's"
    write_model_folder(
        tmp_path, experiment(), model.state_dict(), METRICS, noisy={}, epochs=2, origin=ORIGIN, better=better
    )
    assert read_record(tmp_path).better == better
    note_runtimes(tmp_path, {"onnx": {"bytes": 1.0}})
    assert f"- On the validation mixtures {better}" in (tmp_path / "README.md").read_text().splitlines()


def test_of_a_start_that_was_no_better_nothing_is_said(folder):
    assert "better" not in json.loads((folder / "metrics.json").read_text())
    assert "the start was better" not in (folder / "README.md").read_text()


def test_a_probe_s_scores_have_intervals_and_the_noisy_input_s_beside_them_where_these_are_known(
    experiment, model, tmp_path
):
    metrics = {**METRICS, "probe/abroad/pesq_wb": 1.75, "probe/street/pesq_wb": 1.25}
    known = {"noisy": {"pesq_wb": 1.2, "probe/abroad/pesq_wb": 1.5}, "intervals": {"probe/abroad/pesq_wb": (1.5, 2.0)}}
    write_model_folder(tmp_path, experiment(), model.state_dict(), metrics, epochs=2, origin=ORIGIN, **known)
    card = (tmp_path / "README.md").read_text()
    assert "| metric | abroad | abroad, 95 % | abroad, noisy input | street |" in card
    assert "| pesq_wb (MOS-LQO) | 1.75 | 1.5 to 2 | 1.5 | 1.25 |" in card


@pytest.mark.parametrize("damaged", [[1.0], "x", {"val/pesq_wb": [1.0]}, {"val/pesq_wb": {"mean": "x", "interval": 1}}])
def test_what_an_edited_config_says_of_its_sweep_ends_no_training(experiment, model, tmp_path, damaged):
    edited = {"sweep": 1, "expected": {"val/pesq_wb": 1.4}, "expected_interval": damaged, "repeated": damaged}
    config = experiment({"provenance": edited})
    write_model_folder(tmp_path, config, model.state_dict(), METRICS, noisy={}, epochs=2, origin=ORIGIN)
    assert "## Expected and reached" in (tmp_path / "README.md").read_text()


def test_changed_weights_are_refused(folder):
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model.safetensors: must have sha256 .*; restore") as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


def test_a_folder_of_a_newer_version_is_told_as_one(folder):
    told = json.loads((folder / "metrics.json").read_text()) | {"schema_version": 2, "unheard_of": 1}
    (folder / "metrics.json").write_text(json.dumps(told))
    with (folder / "config.yaml").open("a") as config:
        config.write("unheard_of: 1\n")
    rule = (
        r"metrics\.json: must have schema_version 1 or less, but has 2: a newer dfkd-sweeps wrote it; update this one"
    )
    with pytest.raises(CheckpointError, match=rule):
        load_model(folder)


def test_weights_of_another_shape_are_told_in_one_line(folder):
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(config.replace("width: 0.0625", "width: 0.125"))
    with pytest.raises(CheckpointError, match=r"must fit config.yaml") as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spoilt", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(experiment, model, tmp_path, spoilt):
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    weights["encoder.0.norm.weight"][0] = spoilt
    write_model_folder(tmp_path, experiment(), weights, METRICS, noisy={}, epochs=2, origin=ORIGIN)
    rule = r"model\.safetensors: must hold finite weights, but encoder\.0\.norm\.weight has NaN or infinity; restore"
    with pytest.raises(CheckpointError, match=rule):
        load_model(tmp_path)


def test_a_pickle_is_no_model(folder):
    torch.save({"weight": torch.ones(3)}, folder / "model.safetensors")
    (folder / "metrics.json").unlink()
    with pytest.raises(CheckpointError, match="must be a safetensors file"):
        load_model(folder)


def test_a_folder_that_is_no_model_is_told(tmp_path):
    with pytest.raises(CheckpointError, match=r"must be a model folder, but lacks config.yaml"):
        load_model(tmp_path)


def test_a_damaged_record_is_told(folder):
    (folder / "metrics.json").write_text("{}")
    with pytest.raises(CheckpointError, match="missing or damaged"):
        read_record(folder)


def test_an_unknown_key_of_the_config_is_told(folder):
    (folder / "config.yaml").write_text("sed: 1\n")
    with pytest.raises(ConfigError, match="seed"):
        load_model(folder)


def test_identity_follows_the_weights_and_the_student_not_the_place(folder, tmp_path):
    before = model_sha256(folder)
    moved = folder.rename(tmp_path / "moved")
    assert model_sha256(moved) == before
    (moved / "model.safetensors").write_bytes(b"other")
    assert model_sha256(moved) != before


def test_a_trainer_s_checkpoint_becomes_the_model_that_was_evaluated(experiment, tmp_path):
    trainer = Trainer(experiment())
    trainer.train_epoch()
    trainer.save(tmp_path / "checkpoint")
    metrics = trainer.evaluate().metrics()
    publish_checkpoint(tmp_path / "checkpoint", tmp_path / "model", trainer.config, metrics)
    noisy = torch.randn(1, 4000)
    torch.testing.assert_close(load_model(tmp_path / "model")[0](noisy), trainer.model.eval()(noisy))
    assert read_record(tmp_path / "model").epochs == 1


def test_the_card_tells_the_licence_of_a_public_teacher(experiment, tmp_path):
    model = build_student(experiment().student)
    origin = {**ORIGIN, "teacher": "mean of dtln, gtcrn"}
    write_model_folder(tmp_path, experiment(), model.state_dict(), METRICS, noisy={}, epochs=1, origin=origin)
    card = (tmp_path / "README.md").read_text()
    assert "Teacher: mean of dtln, gtcrn (dtln: MIT; gtcrn: MIT" in card
