import shutil
from dataclasses import replace

import numpy as np
import pytest

from dfkd_core.config import ExperimentConfig
from dfkd_core.data.manifest import manifest_of, write_manifest
from dfkd_core.errors import ConfigError, DataError
from dfkd_core.training.signals import Signals, require_distillation_alone


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


def elsewhere(place, corpus, split="valid"):
    """Another corpus whose valid split is the planted corpus's split of that name."""
    clips = [replace(c, path=str(corpus.path(c)), split="valid") for c in corpus.select(split=split)]
    write_manifest(manifest_of(place, clips), place / "manifest.csv")
    return str(place / "manifest.csv")


def test_a_probe_is_the_valid_split_of_its_corpus_and_changes_no_mixture_of_the_others(corpus, tmp_path):
    plain, probed = signals(corpus), signals(corpus, probes={"abroad": elsewhere(tmp_path, corpus, "test")})
    assert len(probed.probes["abroad"]) == 4 and set(probed.probes["abroad"].speakers) <= {
        f"test-speaker{n}" for n in range(3)
    }
    assert probed.validation.sha256 == plain.validation.sha256
    assert probed.shard(0).mixtures.sha256 == plain.shard(0).mixtures.sha256
    probed.require_unheard_probes()


def test_a_folder_with_validation_alone_is_a_probe_and_no_corpus_to_train_on(corpus, tmp_path):
    for kind in ("clean", "noise"):
        shutil.copytree(corpus.root / kind / "test", tmp_path / "abroad" / "valid" / kind)
    probed = signals(corpus, probes={"abroad": str(tmp_path / "abroad")})
    assert len(probed.probes["abroad"]) == 4 and probed.hashes["data_hash"] != signals(corpus).hashes["data_hash"]
    probed.require_unheard_probes()
    with pytest.raises(DataError, match="abroad: the train split has no clean audio"):
        _ = signals(replace(corpus, root=tmp_path / "abroad")).store


def test_the_data_hash_knows_a_probes_signals_and_not_their_place(corpus, tmp_path):
    places = [elsewhere(tmp_path / name, corpus, "test") for name in ("a", "b")]
    here, there = (signals(corpus, probes={"abroad": place}).hashes["data_hash"] for place in places)
    assert here != signals(corpus).hashes["data_hash"]
    other = signals(corpus, probes={"abroad": elsewhere(tmp_path / "c", corpus, "valid")}).hashes["data_hash"]
    assert other not in (here, there)


def test_a_probe_that_shares_a_clip_with_training_is_refused_by_name(corpus, tmp_path):
    shared = signals(corpus, probes={"abroad": elsewhere(tmp_path, corpus, "train")})
    with pytest.raises(ConfigError, match=r"data\.probes\.abroad: must share no clip with training, but .*train-"):
        shared.require_unheard_probes()


def test_a_probe_of_recordings_alone_is_refused(corpus, tmp_path):
    clips = [replace(c, path=str(corpus.path(c)), kind="noisy") for c in corpus.select("clean", "valid")]
    write_manifest(manifest_of(tmp_path, clips), tmp_path / "manifest.csv")
    with pytest.raises(ConfigError, match=r"data\.probes\.rooms: must be a corpus whose valid split has clean speech"):
        _ = signals(corpus, probes={"rooms": str(tmp_path / "manifest.csv")}).probes


ALONE = {"snr": 0, "compressed_spectrum": 0}


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ({}, r"loss\.snr: needs clean speech, which corpus does not have .*set loss\.snr, loss\.compressed_spectrum"),
        ({"loss": ALONE, "distillation": {"target": "clean"}}, r"distillation\.target: needs .*set it to teacher"),
        ({"loss": ALONE, "distillation": {"split_from": "clean"}}, r"distillation\.split_from: .*set it to teacher"),
        ({"loss": ALONE, "distillation": {"method": "dispatch"}}, r"distillation\.method: .*dispatch; choose another"),
    ],
)
def test_a_setting_that_needs_clean_speech_is_named(blocks, said):
    with pytest.raises(ConfigError, match=said) as caught:
        require_distillation_alone(ExperimentConfig.parse(blocks), "corpus")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "distillation", [{}, {"method": "output_mse"}, {"split": "fixed", "split_from": "clean"}, {"split": "literal"}]
)
def test_distillation_alone_is_accepted(distillation):
    config = ExperimentConfig.parse({"loss": ALONE, "distillation": distillation})
    assert require_distillation_alone(config, "corpus") is None
