"""Training that begins with a trained model's weights."""

import re
import shutil

import pytest
import torch

from dfkd_core.config import load_config
from dfkd_core.errors import CheckpointError, ConfigError
from dfkd_core.losses.si_sdr import si_sdr_db
from dfkd_core.models import build_student
from dfkd_core.teachers.trained_model import FOLDER
from dfkd_core.trained.model_folder import load_model, model_sha256, write_model_folder
from dfkd_core.trained.model_record import read_record
from dfkd_core.training.parent import find_parent
from dfkd_core.training.slicing import scores_by_activation
from dfkd_core.training.train_run import train_model
from dfkd_core.training.trainer import Trainer


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
    told = f"Begun with the weights of before ({model_sha256(trained_folder)[:16]})"
    assert told in (tmp_path / "after/README.md").read_text()


@pytest.mark.parametrize("teacher", [{"pretrained": "gtcrn"}, {"checkpoint": "gtcrn"}])
@pytest.mark.parametrize("start", ["gtcrn", "teacher"])
def test_gtcrn_begins_with_its_published_weights_under_all_its_names(experiment, teacher, start):
    named = {"student": {"model": "gtcrn"}, "teacher": teacher, "training.start_from": start}
    trainer, weights = Trainer(experiment(named)), load_model(FOLDER / "gtcrn")[0].state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in trainer.student.state_dict().items())


@pytest.mark.parametrize("channels", [8, 12])
def test_a_narrower_gtcrn_begins_as_the_slice_that_hears_best(experiment, channels):
    config = experiment({"student": {"model": "gtcrn", "channels": channels}, "training.start_from": "gtcrn"})
    trainer = Trainer(config)
    state, trained = trainer.student.state_dict(), load_model(FOLDER / "gtcrn")[0]
    slices = [way() for way in trainer.student.slices(trained)]
    same = [all(torch.equal(s[n], state[n]) for n, _ in trainer.student.named_parameters()) for s in slices]
    assert sum(same) == 1
    crops = trainer.signals.shard(0).mixtures
    noisy, clean = map(torch.from_numpy, crops.batch(range(min(32, len(crops)))))
    heard = []
    for one in slices:
        student = build_student(config.student).eval()
        student.load_state_dict(one)
        with torch.no_grad():
            heard.append(float(si_sdr_db(student(noisy), clean).mean()))
    assert heard[same.index(True)] == max(heard)
    assert trainer.start.origin["start"] == "a slice by SI-SDR of gtcrn"


@pytest.mark.parametrize("channels", [20, 32])
def test_a_gtcrn_that_cannot_be_a_slice_is_refused_with_the_channels_that_can(experiment, channels):
    config = experiment({"student": {"model": "gtcrn", "channels": channels}, "training.start_from": "gtcrn"})
    rule = rf"training\.start_from: must name a GTCRN of which {channels} channels .* to 4, 8, 12, 16$"
    with pytest.raises(ConfigError, match=rule):
        find_parent(config)


@pytest.mark.parametrize("rule", ["activation", "weight", "first"])
def test_a_wider_start_is_sliced_and_its_norms_see_the_slice_s_own_signals(experiment, wide_folder, rule):
    config = experiment({"training.start_from": str(wide_folder), "training.slice_by": rule})
    student, wide = Trainer(config).student, load_model(wide_folder)[0].state_dict()
    names = ("encoder.0.convolution.bias_real", "encoder.1.norm.weight")
    for name in names:
        assert set(student.state_dict()[name].tolist()) < set(wide[name].tolist())
    assert not set(student.state_dict()["encoder.1.norm.running_var"].tolist()) & set(
        wide["encoder.1.norm.running_var"].tolist()
    )


def test_the_card_tells_of_what_a_student_is_a_slice(experiment, wide_folder, tmp_path):
    train_model(experiment({"training.start_from": str(wide_folder), "training.epochs": 1}), tmp_path / "after")
    told = f"Begun with a slice by weight of wide ({model_sha256(wide_folder)[:16]})"
    assert told in (tmp_path / "after/README.md").read_text()


def test_a_slice_is_the_same_whether_it_was_kept_or_is_cut_again(experiment, wide_folder, monkeypatch, tmp_path):
    config = experiment({"training.start_from": str(wide_folder)})
    cut, kept = Trainer(config).student.state_dict(), Trainer(config).student.state_dict()
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "empty"))
    again = Trainer(config).student.state_dict()
    for name, value in cut.items():
        assert torch.equal(value, kept[name]) and torch.equal(value, again[name])


def test_trials_of_one_parent_measure_its_activation_once(experiment, wide_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "empty"))
    measured = []
    monkeypatch.setattr(
        "dfkd_core.training.initial_student.scores_by_activation",
        lambda *args: measured.append(1) or scores_by_activation(*args),
    )
    for seed, width in ((0, 0.0625), (1, 0.0625), (0, 0.09375)):
        start = {"training.start_from": str(wide_folder), "training.slice_by": "activation"}
        Trainer(experiment(start | {"seed": seed, "student.width": width}))
    assert measured == [1]


def test_activation_is_measured_again_on_other_mixtures(experiment, wide_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "empty"))
    measured = []
    monkeypatch.setattr(
        "dfkd_core.training.initial_student.scores_by_activation",
        lambda *args: measured.append(1) or scores_by_activation(*args),
    )
    start = {"training.start_from": str(wide_folder), "training.slice_by": "activation"}
    for seed in (0, 7, 0):
        Trainer(experiment(start | {"data.seed": seed}))
    assert measured == [1, 1]


def test_a_slice_of_the_teacher_begins_with_the_model_that_teaches(experiment, wide_folder):
    named = experiment({"training.start_from": str(wide_folder)})
    taught = experiment({"training.start_from": "teacher", "teacher.checkpoint": str(wide_folder)})
    assert find_parent(taught) == find_parent(named)


def test_a_shipped_model_is_a_parent_by_its_name(experiment):
    start = {"training.start_from": "own-dccrn", "student.num_layers": 6}
    assert find_parent(experiment(start)).student.width == 0.5


@pytest.mark.parametrize(
    ("teacher", "told"),
    [
        ({}, "there is no teacher"),
        ({"checkpoint": "gain.onnx"}, r"the teacher is an ONNX file \(gain\.onnx\)"),
        ({"estimates": "wavs"}, r"the teacher\'s estimates are wavs \(wavs\)"),
        ({"pretrained": "dtln"}, r"the teacher is no model of ours \(dtln\)"),
        ({"ensemble": {"members": [{"pretrained": "dtln"}, {"pretrained": "gtcrn"}]}}, "the teacher is an ensemble"),
    ],
)
def test_a_teacher_without_weights_to_take_is_refused_with_the_ways_that_remain(experiment, teacher, told):
    config = experiment({"training.start_from": "teacher", "teacher": teacher})
    ways = r"name a model folder or a shipped name \(.*own-dccrn.*\), or set it to null"
    with pytest.raises(ConfigError, match=rf"training\.start_from: must be a model .*, but {told}; {ways}"):
        find_parent(config)


def test_a_student_of_another_kind_is_refused_with_what_differs(experiment, trained_folder):
    config = experiment({"training.start_from": str(trained_folder), "student.hop_samples": 128})
    rule = "must name a model of the same student, or a wider one, but .*before has hop_samples 100, not 128"
    with pytest.raises(ConfigError, match=rf"training\.start_from: {rule}"):
        find_parent(config)


def test_a_field_that_differs_is_told_by_its_value_also_where_no_dump_names_it(experiment):
    config = experiment({"training.start_from": "own-dccrn", "student": {"model": "dccrn", "causal": True}})
    with pytest.raises(
        ConfigError, match=r"own-dccrn has causal False, not True; name another, or set student\.causal"
    ):
        find_parent(config)


def test_another_architecture_is_refused(experiment):
    config = experiment({"training.start_from": "own-dccrn", "student": {"model": "dptnet"}})
    with pytest.raises(ConfigError, match="own-dccrn has model dccrn, not dptnet"):
        find_parent(config)


def test_a_narrower_model_is_refused_with_what_is_too_narrow(experiment, trained_folder):
    config = experiment({"training.start_from": str(trained_folder), "student.width": 0.25})
    rule = "must name a model at least as wide as the student, but encoder.0 of .*before has 1 channels, not 4"
    with pytest.raises(ConfigError, match=rf"training\.start_from: {rule}; name a wider one, or lower student.width"):
        find_parent(config)


def test_a_shallower_model_is_refused_with_what_it_lacks(experiment, tmp_path):
    student = {"model": "dptnet", "width": 0.0625, "num_blocks": 1}
    config = experiment({"student": student})
    write_model_folder(tmp_path, config, build_student(config.student).state_dict(), {}, noisy={}, epochs=1, origin={})
    deeper = experiment({"student": student | {"num_blocks": 2}, "training.start_from": str(tmp_path)})
    with pytest.raises(ConfigError, match=r"at least as deep as the student, but .* has nothing for its blocks\.1"):
        find_parent(deeper)


def test_what_is_no_model_folder_is_refused(experiment, tmp_path):
    with pytest.raises(CheckpointError, match=r"must be a model folder, but lacks config\.yaml"):
        find_parent(experiment({"training.start_from": str(tmp_path)}))


def test_a_missing_parent_is_named_with_the_way_to_get_one(experiment):
    with pytest.raises(
        ConfigError, match=r"\(.*own-dccrn.*\), but there is no own; bring it back .*; `dfkd train` makes"
    ):
        find_parent(experiment({"training.start_from": "own"}))


def test_a_teacher_that_is_gone_is_named_by_its_place(experiment):
    with pytest.raises(ConfigError, match=r"training\.start_from: must be teacher, .* but there is no /gone/teacher; "):
        find_parent(experiment({"training.start_from": "teacher", "teacher.checkpoint": "/gone/teacher"}))


def test_a_damaged_parent_is_refused(experiment, trained_folder, tmp_path):
    damaged = shutil.copytree(trained_folder, tmp_path / "damaged")
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(CheckpointError, match=r"must have sha256 .*; restore the file"):
        Trainer(experiment({"training.start_from": str(damaged)}))


def test_the_path_is_seen_from_the_config(tmp_path):
    (tmp_path / "config.yaml").write_text("training: {start_from: models/before}\n")
    assert load_config(tmp_path / "config.yaml").training.start_from == str((tmp_path / "models/before").resolve())


@pytest.mark.parametrize("name", ["teacher", "own-dccrn"])
def test_a_name_stays_a_name(tmp_path, name):
    (tmp_path / "config.yaml").write_text(f"training: {{start_from: {name}}}\n")
    (tmp_path / "teacher").mkdir()
    assert load_config(tmp_path / "config.yaml").training.start_from == name


def test_a_resumed_run_must_name_the_same_start(experiment, trained_folder, tmp_path):
    config = experiment({"training.start_from": str(trained_folder), "training.epochs": 1})
    train_model(config, tmp_path / "after")
    with pytest.raises(CheckpointError, match=re.escape("training.start_from was")):
        train_model(experiment({"training.epochs": 2}), tmp_path / "after")


def statistics(trainer):
    return {name: value.clone() for name, value in trainer.student.state_dict().items() if "running" in name}


@pytest.mark.parametrize(
    ("parent", "norms", "kept"),
    [("same", None, True), ("same", "train", False), ("wide", None, False), ("wide", "freeze", True)],
)
def test_norms_keep_the_start_s_statistics_or_train_them(experiment, trained_folder, wide_folder, parent, norms, kept):
    folder = trained_folder if parent == "same" else wide_folder
    trainer = Trainer(experiment({"training.start_from": str(folder), "training.norms": norms}))
    before, gain = statistics(trainer), trainer.student.encoder[0].norm.weight.clone()
    trainer.train_epoch()
    assert all(torch.equal(value, before[name]) == kept for name, value in statistics(trainer).items())
    assert not torch.equal(gain, trainer.student.encoder[0].norm.weight)  # weights train all the same


def test_from_a_random_start_norms_train_and_freezing_them_is_refused(experiment):
    trainer = Trainer(experiment())
    before = statistics(trainer)
    trainer.train_epoch()
    assert not any(torch.equal(value, before[name]) for name, value in statistics(trainer).items())
    with pytest.raises(ConfigError, match=r"training\.norms: must be train or null where weights are drawn"):
        find_parent(experiment({"training.norms": "freeze"}))


def test_the_average_does_not_forget_a_whole_start_in_its_first_steps(experiment, trained_folder):
    changes = {"training.start_from": str(trained_folder), "training.ema_decay": 0.999}
    for start, keeps in ((changes, True), ({"training.ema_decay": 0.999}, False)):
        trainer = Trainer(experiment(start))
        before = trainer.model.encoder[0].convolution.weight_real.clone()
        trainer.train_epoch()
        now, trained = (m.encoder[0].convolution.weight_real for m in (trainer.model, trainer.student))
        assert ((now - before).norm() < 0.1 * (trained - before).norm()) == keeps


def test_a_slice_s_score_before_training_is_told_and_kept_over_a_resume(experiment, wide_folder, tmp_path):
    config = experiment({"training.start_from": str(wide_folder)})
    first = Trainer(config)
    scored = first.evaluate().metrics("val")
    assert first.score_start() == scored
    first.train_epoch()
    first.save(tmp_path / "state")
    resumed = Trainer(config)
    resumed.load(tmp_path / "state")
    assert resumed.start_scores == scored


def test_a_random_start_is_not_scored(experiment):
    assert Trainer(experiment()).score_start() == {}
