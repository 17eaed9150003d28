import logging

import numpy as np
import pytest
import torch

from dfkd_core.errors import CheckpointError, ConfigError, TrainingDiverged
from dfkd_core.training.trainer import Trainer, prepare

STORED_TRACE = [0.7664, -0.4216, -0.2865]


def trained(config, epochs):
    trainer = Trainer(config)
    for _ in range(epochs):
        trainer.train_epoch()
    return trainer


def assert_same_weights(left, right):
    pairs = zip(left.model.state_dict().items(), right.model.state_dict().items(), strict=True)
    assert all(name == other and torch.equal(a, b) for (name, a), (other, b) in pairs)


def test_two_runs_of_one_config_hold_bit_identical_weights(experiment):
    assert_same_weights(trained(experiment(), 2), trained(experiment(), 2))


def test_another_seed_gives_other_weights(experiment):
    with pytest.raises(AssertionError):
        assert_same_weights(trained(experiment(), 1), trained(experiment({"seed": 1}), 1))


@pytest.mark.parametrize("method", ["dfkd", "none"])
def test_a_resumed_run_equals_an_uncut_one_bit_for_bit(experiment, tmp_path, method):
    config = experiment({"distillation.method": method, "optimizer.weight_decay": 0.01})
    uncut, first = Trainer(config), Trainer(config)
    for trainer in (uncut, first):
        trainer.train_epoch()
    first.save(tmp_path)
    resumed = Trainer(config)
    resumed.load(tmp_path)
    torch.manual_seed(99)  # what happens elsewhere in the process must not matter
    assert resumed.epoch == 1
    for _ in range(2):
        assert resumed.train_epoch() == uncut.train_epoch()
    assert_same_weights(resumed, uncut)


def test_a_seeded_run_follows_the_stored_trace(experiment):
    trainer = Trainer(experiment())
    trace = [trainer.train_epoch()["train/loss"] for _ in range(3)]
    np.testing.assert_allclose(trace, STORED_TRACE, rtol=1e-2)


def test_training_brings_the_loss_down_and_validation_up(experiment):
    trainer = Trainer(experiment({"training.epochs": 6}))
    before = trainer.evaluate().mean["si_sdr_db"]
    losses = [trainer.train_epoch()["train/snr"] for _ in range(6)]
    assert losses[-1] < losses[0] and trainer.evaluate().mean["si_sdr_db"] > before


def test_an_epoch_tells_its_losses_diagnostics_and_gradient_norms(experiment):
    metrics = Trainer(experiment()).train_epoch()
    expected = {"train/loss", "train/snr", "train/compressed_spectrum", "train/gradient_norm", "distillation/loss"}
    expected |= {"distillation/split_hz_p50", "gradient_norm/snr", "gradient_norm/distillation"}
    expected |= {"gradient_drift/snr", "gradient_drift/compressed_spectrum", "gradient_drift/distillation"}
    expected |= {"distillation/pull"}
    assert expected <= set(metrics) and all(np.isfinite(value) for value in metrics.values())


def test_validation_metrics_have_the_contract_s_names(experiment):
    assert set(Trainer(experiment()).evaluate().metrics()) == {
        f"val/{name}" for name in ("pesq_wb", "stoi", "estoi", "si_sdr_db", "gain_db")
    }


@pytest.mark.parametrize("off", [{"distillation.method": "none"}, {"distillation.weight": 0.0}])
def test_without_distillation_no_teacher_is_opened(experiment, off):
    trainer = Trainer(experiment({**off, "teacher.checkpoint": "/absent.onnx"}))
    assert not any(name.startswith("distillation/") for name in trainer.train_epoch())


def test_a_method_that_needs_a_teacher_says_so_when_there_is_none(experiment):
    with pytest.raises(ConfigError, match=r"teacher: is required by distillation.method dfkd"):
        Trainer(experiment({"teacher": {}}))


def test_clean_speech_as_target_needs_no_teacher(experiment):
    assert Trainer(experiment({"teacher": {}, "distillation.target": "clean"})).train_epoch()["distillation/loss"] > 0


def test_a_loss_that_is_not_finite_stops_training_with_epoch_step_and_term(experiment):
    trainer = Trainer(experiment({"distillation.method": "none"}))
    trainer.train_epoch()
    with torch.no_grad():
        next(trainer.student.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match=r"epoch 2, step 1: train/\w+ must be finite, but is nan; lower"):
        trainer.train_epoch()


def test_an_estimate_that_is_not_finite_has_no_scores(experiment):
    trainer = Trainer(experiment({"training.ema_decay": None}))
    with torch.no_grad():
        next(trainer.student.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="estimate of valid-000000"):
        trainer.evaluate()


@pytest.mark.parametrize(
    ("key", "value"), [("student.width", 0.125), ("optimizer.learning_rate", 1e-4), ("data.seed", 1), ("seed", 5)]
)
def test_a_checkpoint_of_another_config_is_refused_by_the_key_that_differs(experiment, key, value):
    state = Trainer(experiment()).state_dict()
    with pytest.raises(CheckpointError, match=f"another config: {key} was .* but is {value}"):
        Trainer(experiment({key: value})).load_state_dict(state)


def test_a_run_may_be_extended_and_moved(experiment):
    state = trained(experiment(), 1).state_dict()
    extended = Trainer(experiment({"training.epochs": 9, "training.threads": 2, "provenance": {"x": 1}}))
    extended.load_state_dict(state)
    assert extended.epoch == 1 and extended.config.training.epochs == 9


@pytest.mark.parametrize("what", ["data", "teacher"])
def test_a_checkpoint_from_other_signals_is_refused(experiment, what):
    state = Trainer(experiment()).state_dict()
    state["origin"] = {**state["origin"], f"{what}_hash": "0" * 64}
    with pytest.raises(CheckpointError, match=f"another {what} "):
        Trainer(experiment()).load_state_dict(state)


def test_averaged_weights_are_what_is_evaluated_and_shipped(experiment):
    trainer = trained(experiment(), 1)
    assert trainer.model is not trainer.student
    assert trained(experiment({"training.ema_decay": None}), 1).model is not None
    with torch.no_grad():
        for parameter in trainer.student.parameters():
            parameter.zero_()
    assert trainer.evaluate().mean["gain_db"] > -100


def test_a_lost_level_is_warned_of(experiment, caplog):
    with caplog.at_level(logging.WARNING):
        Trainer(experiment()).evaluate()
    assert "loss.snr" in caplog.text


def test_what_every_epoch_would_warn_of_is_said_once(experiment, caplog):
    trainer = Trainer(experiment())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            trainer.evaluate()
    assert caplog.text.count("returns speech at") == 1


def test_a_split_that_sticks_to_its_bound_is_warned_of(experiment, caplog):
    config = experiment({"distillation.min_cutoff_hz": 3900, "distillation.max_cutoff_hz": 3990})
    with caplog.at_level(logging.WARNING):
        Trainer(config).train_epoch()
    assert "split at a bound" in caplog.text


def test_two_step_distils_first_and_supervises_then(experiment):
    trainer = Trainer(experiment({"distillation.schedule": "two_step", "training.epochs": 2}))
    first, second = trainer.train_epoch(), trainer.train_epoch()
    assert "distillation/loss" in first and "train/snr" not in first
    assert "train/snr" in second and "distillation/loss" not in second


def test_bfloat16_trains_to_finite_losses(experiment):
    assert np.isfinite(Trainer(experiment({"training.precision": "bfloat16"})).train_epoch()["train/loss"])


def test_a_compiled_student_is_trained_in_place(experiment, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda model: model)
    trainer = Trainer(experiment({"training.compile": True}))
    before = next(trainer.student.parameters()).clone()
    trainer.train_epoch()
    assert not torch.equal(before, next(trainer.student.parameters()))


def test_progress_is_told_step_by_step(experiment):
    told = []
    Trainer(experiment(), progress=lambda *args: told.append(args)).train_epoch()
    assert ("epoch 1", 3, 3) in told


def test_prepare_builds_everything_and_a_second_call_finds_it(experiment):
    config = experiment({"data.seed": 12})
    first, second = [], []
    hashes = prepare(config, lambda what, done, total: first.append(what))
    assert prepare(config, lambda what, done, total: second.append(what)) == hashes
    assert any("estimates" in what for what in first) and not any("estimates" in what for what in second)
    assert set(hashes) == {"data_hash", "teacher_hash"} and all(hashes.values())


def test_without_a_teacher_the_teacher_s_hash_is_none(experiment):
    assert prepare(experiment({"distillation.method": "none"}))["teacher_hash"] is None
