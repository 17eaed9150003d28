"""A config that was exported gives its sweep's values again, to the last bit, at the sweep's budget."""

import pytest
import tiny_corpus as tiny

from dfkd_core.base.key_paths import with_overrides
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from sweeps.distillation.verify import Verified, verify
from sweeps.distillation.workload import DistillationWorkload


@pytest.fixture
def base(tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    corpus, teacher = tiny.write_corpus(tmp_path / "corpus"), tiny.write_teacher(tmp_path / "gain.onnx")
    return tiny.experiment(corpus, teacher)


def exported(base, epochs):
    """As a trial of `epochs` epochs measures it and `dfkd export` writes it, with the base config's length."""
    config = ExperimentConfig.parse(with_overrides(base, {"training.epochs": epochs})).model_dump(mode="json")
    trial = DistillationWorkload(config)
    for _ in range(epochs):
        metrics = trial.step()
    provenance = {"sweep": "s", "trial": 7, "epochs_per_trial": epochs, "expected": {**metrics, "model/params": 1.0}}
    changes = {"training.epochs": 9, "training.patience": 1, "provenance": provenance}
    return ExperimentConfig.parse(with_overrides(config, changes))


def test_the_sweeps_values_come_back_to_the_last_bit(base, tmp_path):
    config = exported(base, 2)
    found = verify(config, tmp_path / "again", lambda line: None)
    assert found.is_exact and found.holds(0.0) and found.differing == ()
    assert set(found.pairs) == {name for name in config.provenance["expected"] if name.startswith("val/")}
    assert "every value is the sweep's, to the last bit" in found.text()
    assert verify(config, tmp_path / "again", lambda line: None) == found, "what is trained is not trained again"


def test_another_value_is_told_with_its_difference(base, tmp_path):
    config = exported(base, 1)
    expected = {**config.provenance["expected"]}
    expected["val/stoi"] += 0.25
    changed = config.model_copy(
        update={"provenance": {**config.provenance, "expected": expected, "data_hash": "of another corpus"}}
    )
    found = verify(changed, tmp_path / "again", lambda line: None)
    assert not found.is_exact and not found.holds(0.2) and found.holds(0.3)
    assert "-0.25" in found.text() and "the data is not the sweep's" in found.text()


def test_a_probe_that_is_no_objective_comes_back_too(base, tmp_path):
    probe = tiny.write_corpus(tmp_path / "probe", first=30)
    config = exported(with_overrides(base, {"data.probes": {"abroad": str(probe)}}), 1)
    found = verify(config, tmp_path / "again", lambda line: None)
    assert found.is_exact and "probe/abroad/pesq_wb" in found.pairs
    longest = Verified({"probe/a-name-of-some-length/pesq_wb": (1.5, 1.25)}).text()
    assert "probe/a-name-of-some-length/pesq_wb  " in longest


def test_a_trial_without_distillation_is_not_asked_for_its_sweeps_teacher(base, tmp_path):
    config = exported(with_overrides(base, {"distillation.method": "none"}), 1)
    named = config.model_copy(update={"provenance": {**config.provenance, "teacher_hash": "of the sweep's teacher"}})
    assert verify(named, tmp_path / "again", lambda line: None).differing == ()


@pytest.mark.parametrize(
    ("provenance", "said"),
    [
        ({}, "write the config with `dfkd export`"),
        ({"expected": {"val/stoi": 1.0}}, "write the config with `dfkd export`"),
        ({"expected": {"model/params": 1.0}, "epochs_per_trial": 1}, "must hold scores"),
        ({"expected": [1.0], "epochs_per_trial": 1}, "write the config with `dfkd export`"),
        *(
            (
                {"expected": {"val/stoi": 0.5}, "epochs_per_trial": epochs},
                "^provenance.epochs_per_trial: must be a whole",
            )
            for epochs in (0, -1, 1.5, True, "2", [2])
        ),
        *(
            (
                {"expected": {"val/stoi": value}, "epochs_per_trial": 1},
                "^provenance.expected.val/stoi: must be a number",
            )
            for value in ("good", None, True, [0.5], float("inf"))
        ),
    ],
)
def test_a_config_that_promises_nothing_is_refused_before_anything_is_trained(base, tmp_path, provenance, said):
    config = ExperimentConfig.parse({**base, "provenance": provenance})
    with pytest.raises(ConfigError, match=said):
        verify(config, tmp_path / "again", lambda line: None)
    assert not (tmp_path / "again").exists()


def test_rounding_elsewhere_is_named_as_what_it_may_be():
    told = Verified({"val/stoi": (0.9, 0.9000001)}).text()
    assert "not the same to the last bit: another CPU" in told


def test_a_folder_of_a_longer_training_is_refused(base, tmp_path):
    config = exported(base, 1)
    verify(config, tmp_path / "again", lambda line: None)
    promised = {**config.provenance, "epochs_per_trial": 2}
    with pytest.raises(ConfigError, match="--out: holds a training of 1 epochs, but a trial of the sweep had 2"):
        verify(config.model_copy(update={"provenance": promised}), tmp_path / "again", lambda line: None)
