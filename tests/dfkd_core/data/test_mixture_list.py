import numpy as np
import pytest

from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.config import DataConfig
from dfkd_core.data.manifest import Clip, manifest_of
from dfkd_core.data.mixtures import training_shard, validation_list
from dfkd_core.data.rendering import PEAK, active_power, ratio_db
from dfkd_core.errors import ConfigError
from dfkd_core.signal.audio import read_audio, write_audio

DATA = DataConfig(train_hours=0.05, validation_clips=12)


@pytest.fixture
def shard(store):
    return training_shard(store, DATA, 0)


def test_a_batch_is_float32_with_one_row_a_mixture(shard):
    noisy, clean = shard.batch([3, 0, 3])
    assert noisy.shape == clean.shape == (3, shard.num_samples) == (3, 32_000)
    assert noisy.dtype == clean.dtype == np.float32
    np.testing.assert_array_equal(noisy[0], noisy[2])
    np.testing.assert_array_equal(noisy[1], shard.render(0)[0])


@pytest.mark.parametrize("which", ["train", "valid"])
def test_the_snr_over_active_speech_is_the_listed_one(store, which):
    mixtures = training_shard(store, DATA, 0) if which == "train" else validation_list(store, DATA)
    for index in range(len(mixtures)):
        noisy, clean = mixtures.render(index)
        first, last = mixtures.segments.first[index : index + 2]
        power = active_power(mixtures.part, mixtures.segments.pieces[first:last], clean)
        snr_db = ratio_db(power, float(np.mean((noisy.astype(np.float64) - clean) ** 2)))
        assert snr_db == pytest.approx(mixtures.snr_db[index], abs=0.01)


def test_the_level_is_the_listed_one_unless_it_would_clip(shard):
    noisy, clean = shard.batch(range(len(shard)))
    level_dbfs = 20 * np.log10(np.sqrt((noisy**2).mean(axis=1)))
    peak = np.maximum(np.abs(noisy).max(axis=1), np.abs(clean).max(axis=1))
    lowered = level_dbfs < shard.table["level_dbfs"] - 0.01
    np.testing.assert_allclose(level_dbfs[~lowered], shard.table["level_dbfs"][~lowered], atol=0.01)
    np.testing.assert_allclose(peak[lowered], PEAK, atol=1e-4)
    assert peak.max() < 1
    assert lowered.mean() < 0.2


def test_names_are_unique_and_belong_to_the_signals(store, shard):
    assert len(set(shard.names)) == len(shard)
    assert shard.names == training_shard(store, DATA, 0).names
    other = training_shard(store, DataConfig(train_hours=0.05, seed=1), 0)
    assert not set(other.names) & set(shard.names)


def test_metadata_names_speaker_family_clip_and_active_speech(shard):
    families = {c.label for c in shard.part.clips if c.kind == "noise"}
    speakers = {c.label for c in shard.part.clips if c.kind == "clean"}
    assert set(shard.noise_families) == families
    assert set(shard.speakers) == speakers
    assert all(name.startswith(speaker) for name, speaker in zip(shard.clip_names, shard.speakers, strict=True))
    assert ((shard.active_s >= 0.8) & (shard.active_s <= 2.0)).all()


@pytest.fixture
def paired(corpus):
    """The planted speech with noisy recordings of its own, at 6 dB."""
    clips = corpus.select("clean")
    for clip in corpus.select("clean"):
        clean = read_audio(corpus.path(clip))
        noise = np.random.default_rng(7).normal(size=len(clean)).astype(np.float32)
        path = clip.path.replace("clean/", "noisy/")
        write_audio(corpus.root / path, clean + noise * np.float32(np.sqrt(np.mean(clean**2)) / 2))
        clips.append(Clip(path, "noisy", clip.split, clip.label, clip.licence, clip.seconds))
    return AudioStore.open(manifest_of(corpus.root, clips))


def test_a_paired_corpus_is_heard_with_its_own_noise(paired):
    mixtures = validation_list(paired, DATA)
    assert set(mixtures.noise_families) == {"paired"}
    index = next(i for i in range(len(mixtures)) if np.diff(mixtures.segments.first)[i] == 1)
    clip, start, _, length = mixtures.segments.pieces[mixtures.segments.first[index]].tolist()
    noisy, clean = mixtures.render(index)
    partner = mixtures.part.noisy_of[clip]
    np.testing.assert_array_equal(clean, mixtures.part.read(clip, 160 * start, 160 * length))
    np.testing.assert_array_equal(noisy, mixtures.part.read(partner, 160 * start, 160 * length))
    np.testing.assert_allclose(mixtures.snr_db, 6.0, atol=2.0)


def test_a_paired_corpus_trains_at_the_listed_levels(paired):
    shard = training_shard(paired, DATA, 0)
    level_dbfs = [20 * np.log10(np.sqrt(np.mean(shard.render(i)[0] ** 2))) for i in range(20)]
    assert (np.array(level_dbfs) <= shard.table["level_dbfs"][:20] + 0.01).all()
    assert np.ptp(level_dbfs) > 5


def test_signals_in_place_of_the_noisy_files_are_cut_and_levelled_like_them(paired):
    shard = training_shard(paired, DATA, 0)
    noisy_files = {
        clip.path.rpartition(".")[0]: index for index, clip in enumerate(shard.part.clips) if clip.kind == "noisy"
    }

    def halved(name, num_samples):
        return 0.5 * shard.part.read(noisy_files[name], 0, num_samples)

    for index in range(3):
        np.testing.assert_allclose(shard.made_of(index, halved), 0.5 * shard.render(index)[0], atol=1e-6)


def test_mixtures_of_our_own_are_made_of_no_noisy_file(shard):
    assert shard.made_of(0, None) is None


@pytest.mark.parametrize("snr_db", [[-20, -15], {"values": [5]}, [0, 20]])
def test_an_snr_asked_of_pairs_is_refused_as_it_would_have_no_effect(paired, snr_db):
    data = DataConfig.parse({**DATA.model_dump(mode="json"), "snr_db": snr_db})
    with pytest.raises(ConfigError, match=r"data\.snr_db: has no effect on .*, whose noisy files are mixed already"):
        training_shard(paired, data, 0)
