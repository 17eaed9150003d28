import numpy as np
import pytest

from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError, DataError
from dfkd_core.training.signals import Signals


class Gain:
    name, sha256 = "gain", "e" * 64

    def __call__(self, noisy, listed=()):
        return np.float32(0.5) * noisy


def signals(corpus, needs_teacher=False, **data):
    block = {"corpus": str(corpus.root), "segment_s": 0.5, "train_hours": 8 / 3600, "validation_clips": 4, **data}
    return Signals(ExperimentConfig.parse({"data": block}), needs_teacher=needs_teacher)


def test_a_batch_without_a_teacher_has_noisy_and_clean(corpus):
    batch = signals(corpus).shard(0).batch(np.array([1, 0]))
    assert batch.noisy.shape == batch.clean.shape == (2, 8000) and batch.taught is None


def test_the_teacher_hears_the_very_crops_of_the_batch(corpus):
    opened = signals(corpus)
    opened.teacher = Gain()
    batch = opened.shard(1).batch(np.array([3, 5]))
    np.testing.assert_allclose(batch.taught, 0.5 * batch.noisy, atol=1e-3)


def test_every_epoch_has_mixtures_of_its_own(corpus):
    opened = signals(corpus)
    assert opened.shard(0).mixtures.sha256 == opened.shard(0).mixtures.sha256 != opened.shard(1).mixtures.sha256


def test_hashes_follow_data_and_teacher(corpus):
    opened = signals(corpus)
    assert opened.hashes["teacher_hash"] is None
    assert opened.hashes["data_hash"] == signals(corpus).hashes["data_hash"]
    assert opened.hashes["data_hash"] != signals(corpus, seed=1).hashes["data_hash"]


def test_the_origin_names_the_licences_of_the_training_audio(corpus):
    assert signals(corpus).origin["licences"] == ["CC0-1.0"]


def test_a_teacher_that_is_needed_must_be_named(corpus):
    with pytest.raises(ConfigError, match=r"teacher: is required by distillation\.method dfkd"):
        signals(corpus, needs_teacher=True)


def test_a_corpus_that_is_not_there_is_told(tmp_path):
    config = ExperimentConfig.parse({"data": {"corpus": str(tmp_path / "absent")}})
    with pytest.raises(DataError, match="absent"):
        _ = Signals(config, needs_teacher=False).store
