"""Augmentation in the list: drawn from the data seed, off by default, and heard as listed."""

import numpy as np
import pytest

from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.augmentation import CLIP_DB, NUM_TALKERS
from dfkd_core.data.config import DataConfig
from dfkd_core.data.manifest import Clip, manifest_of
from dfkd_core.data.mixture_list import BABBLE
from dfkd_core.data.mixtures import data_hash, training_shard, validation_list
from dfkd_core.errors import ConfigError, DataError
from dfkd_core.signal.audio import write_audio

DATA = DataConfig(train_hours=0.05, validation_clips=12)
ROOMS = {"impulse_responses": 0.5}


def augmented(**fields):
    return DataConfig(train_hours=0.05, validation_clips=12, **fields)


@pytest.fixture
def in_rooms(corpus):
    """The planted corpus with three impulse responses of two rooms to train with."""
    clips = list(corpus.clips)
    for number in range(3):
        path = f"impulse_responses/room{number // 2}/{number}.wav"
        taps = np.random.default_rng(number).normal(0, 0.05, 3200).astype(np.float32) * np.linspace(1, 0, 3200)
        taps[80] = -1.0
        write_audio(corpus.root / path, taps.astype(np.float32), subtype="FLOAT")
        clips.append(Clip(path, "impulse_response", "train", f"room{number // 2}", "", 0.2))
    return AudioStore.open(manifest_of(corpus.root, clips))


@pytest.mark.parametrize("fields", [ROOMS, {"clipping": 0.5}, {"babble": 0.5}, {"noise_variation": 0.5}])
def test_what_is_off_leaves_lists_and_hashes_as_they_were(in_rooms, store, fields):
    assert training_shard(in_rooms, DATA, 0).augmentation is None
    assert training_shard(in_rooms, DATA, 0).sha256 == training_shard(store, DATA, 0).sha256
    assert data_hash(DATA, in_rooms) == data_hash(DATA, store) != data_hash(augmented(**fields), in_rooms)


def test_config_keys_that_are_off_play_no_part_in_the_data_hash():
    assert set(DataConfig().of_the_signals()) == {
        "segment_s",
        "snr_db",
        "level_dbfs",
        "train_hours",
        "validation_clips",
        "seed",
    }
    assert "babble" in DataConfig(babble=0.1).of_the_signals()


@pytest.mark.parametrize("fields", [ROOMS, {"clipping": 0.5}, {"babble": 0.5}, {"noise_variation": 0.5}])
def test_one_augmentation_changes_nothing_else_of_the_list(in_rooms, fields):
    plain, changed = training_shard(in_rooms, DATA, 1), training_shard(in_rooms, augmented(**fields), 1)
    np.testing.assert_array_equal(plain.segments.pieces, changed.segments.pieces)
    for name in ("snr_db", "level_dbfs"):
        np.testing.assert_array_equal(plain.table[name], changed.table[name])
    kept = changed.table["noise"] != BABBLE
    np.testing.assert_array_equal(plain.table[kept], changed.table[kept])
    assert plain.sha256 != changed.sha256


def test_augmented_lists_depend_on_seed_and_epoch_alone(in_rooms):
    data = augmented(clipping=0.3, babble=0.3, **ROOMS)
    again = AudioStore.open(in_rooms.manifest)
    assert training_shard(in_rooms, data, 3).sha256 == training_shard(again, data, 3).sha256
    assert training_shard(in_rooms, data, 3).sha256 != training_shard(in_rooms, data, 4).sha256
    assert len(set(training_shard(in_rooms, data, 3).names)) == 90


def test_a_greater_share_keeps_the_mixtures_of_a_smaller_one(in_rooms):
    few = training_shard(in_rooms, augmented(clipping=0.2), 0).augmentation.effects["clip_db"]
    more = training_shard(in_rooms, augmented(clipping=0.6), 0).augmentation.effects["clip_db"]
    has = ~np.isnan(few)
    np.testing.assert_array_equal(few[has], more[has])
    assert 5 <= has.sum() < (~np.isnan(more)).sum()


def test_validation_has_none_of_it(in_rooms):
    data = augmented(clipping=1.0, babble=1.0, impulse_responses=1.0, noise_variation=1.0)
    assert validation_list(in_rooms, data).sha256 == validation_list(in_rooms, DATA).sha256


def test_clipping_cuts_the_listed_decibels_off_the_peak_of_the_noisy_signal_alone(store):
    plain, cut = training_shard(store, DATA, 0), training_shard(store, augmented(clipping=1.0), 0)
    low, high = CLIP_DB
    for index in range(20):
        (noisy, clean), (before, same) = cut.render(index), plain.render(index)
        clip_db = float(cut.augmentation.effects["clip_db"][index])
        assert low <= clip_db <= high
        assert 20 * np.log10(np.abs(before).max() / np.abs(noisy).max()) == pytest.approx(clip_db, abs=0.01)
        np.testing.assert_array_equal(clean, same)


def test_babble_is_of_other_speakers_of_the_split(store):
    mixtures = training_shard(store, augmented(babble=1.0), 0)
    assert set(mixtures.noise_families) == {"babble"}
    for index, speaker in enumerate(mixtures.speakers):
        talkers = mixtures.augmentation.talkers_of(index)
        assert NUM_TALKERS[0] <= len(talkers) <= NUM_TALKERS[1]
        assert speaker not in {mixtures.part.clips[clip].label for clip in talkers["clip"]}


def test_babble_has_the_listed_snr(store):
    mixtures = training_shard(store, augmented(babble=1.0, snr_db={"values": [3]}), 0)
    noisy, clean = mixtures.render(0)
    assert mixtures.snr_db[0] == 3
    whole_db = 10 * np.log10(np.mean(clean**2) / np.mean((noisy - clean) ** 2))
    assert 3 - 4 < whole_db <= 3.01  # pauses of the clean speech lower its mean


@pytest.mark.parametrize("share", [{}, {"babble": 0.5}])
def test_varied_noise_is_other_noise_at_the_listed_snr_behind_the_same_speech(store, share):
    level = {"snr_db": {"values": [3]}, "level_dbfs": (-25.0, -25.0), **share}
    plain = training_shard(store, augmented(**level), 0)
    varied = training_shard(store, augmented(noise_variation=0.5, **level), 0)
    speeds = varied.augmentation.variations["speed"]
    assert 30 < (speeds != 1).sum() < 60
    for index in range(12):
        (noisy, clean), (other, same) = plain.render(index), varied.render(index)
        noise, changed = (mixture / np.linalg.norm(speech) for mixture, speech in ((noisy, clean), (other, same)))
        assert np.allclose(noise, changed, atol=1e-5) == (speeds[index] == 1)
        assert np.vdot(clean, same) == pytest.approx(np.linalg.norm(clean) * np.linalg.norm(same), rel=1e-5)
        ratio = np.sum((noisy - clean) ** 2) / np.sum(clean**2) / (np.sum((other - same) ** 2) / np.sum(same**2))
        assert ratio == pytest.approx(1, rel=1e-3)


def test_a_dry_target_is_the_speech_itself_and_an_early_one_has_its_first_reflections(in_rooms):
    dry = training_shard(in_rooms, augmented(impulse_responses=1.0), 0)
    early = training_shard(in_rooms, augmented(impulse_responses=1.0, target_reflections="early"), 0)
    plain = training_shard(in_rooms, DATA, 0)

    def likeness(one, other):
        return np.vdot(one, other) / np.sqrt(np.vdot(one, one) * np.vdot(other, other))

    assert likeness(dry.render(3)[1], plain.render(3)[1]) == pytest.approx(1, abs=1e-6)
    assert 0.3 < likeness(early.render(3)[1], plain.render(3)[1]) < 0.99
    assert dry.sha256 != early.sha256


def test_rooms_are_drawn_before_their_impulse_responses(in_rooms):
    data = DataConfig(train_hours=1.0, impulse_responses=1.0)
    shard = training_shard(in_rooms, data, 0)
    labels = [shard.augmentation.responses.clips[i].label for i in shard.augmentation.effects["response"]]
    assert labels.count("room0") / len(labels) == pytest.approx(0.5, abs=0.05)


def test_a_set_of_snrs_gives_each_as_often(store):
    table = training_shard(store, DataConfig(train_hours=1.0, snr_db={"values": [0, 5, 10]}), 0).table
    values, counts = np.unique(table["snr_db"], return_counts=True)
    assert values.tolist() == [0, 5, 10]
    np.testing.assert_allclose(counts / counts.sum(), 1 / 3, atol=0.05)


def test_a_corpus_without_impulse_responses_says_so(store):
    with pytest.raises(DataError, match=r"train split has no impulse responses; .*data\.impulse_responses: 0"):
        training_shard(store, augmented(**ROOMS), 0)


def test_babble_of_too_few_speakers_is_refused(corpus):
    few = [c for c in corpus.clips if c.kind == "noise" or c.label != "train-speaker2"]
    with pytest.raises(DataError, match=r"babble needs 3 speakers, but there are 2; .*data\.babble: 0"):
        training_shard(AudioStore.open(manifest_of(corpus.root, few)), augmented(babble=0.5), 0)


def test_recordings_cannot_be_put_into_rooms(corpus):
    recorded = [
        Clip(c.path, "noisy", c.split, c.label, "", c.seconds) for c in corpus.clips if c.path.startswith("clean")
    ]
    store = AudioStore.open(manifest_of(corpus.root, recorded))
    with pytest.raises(ConfigError, match=r"data\.babble: must be 0 for .*mixed already"):
        training_shard(store, augmented(babble=0.5), 0)
    assert not np.isnan(training_shard(store, augmented(clipping=1.0), 0).render(0)[0]).any()
