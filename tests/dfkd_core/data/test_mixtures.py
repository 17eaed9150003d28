import multiprocessing
import os
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.config import DataConfig
from dfkd_core.data.manifest import Clip, manifest_of, read_manifest
from dfkd_core.data.mixtures import (
    data_hash,
    evaluation_list,
    training_shard,
    validation_list,
)
from dfkd_core.data.mixtures import (
    test_list as listed_test,
)
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import write_audio

DATA = DataConfig(train_hours=0.05, validation_clips=12)


def crops(mixtures):
    return {row.tobytes() for row in mixtures.segments.pieces}


def test_a_shard_has_as_many_mixtures_as_the_hours_ask_for(store):
    assert len(training_shard(store, DATA, 0)) == 90
    assert len(training_shard(store, DataConfig(train_hours=0.01, segment_s=0.5), 0)) == 72


def test_mixtures_of_one_and_of_many_epochs_are_distinct(store):
    names = [name for epoch in range(20) for name in training_shard(store, DATA, epoch).names]
    hashes = {name.rpartition("-")[2] for name in names}
    assert len(hashes) == len(names) == 1800


def test_lists_depend_on_seed_and_epoch_alone(store, corpus):
    again = AudioStore.open(corpus)
    assert training_shard(store, DATA, 3).sha256 == training_shard(again, DATA, 3).sha256
    assert training_shard(store, DATA, 3).sha256 != training_shard(store, DATA, 4).sha256
    assert validation_list(store, DATA).sha256 == validation_list(again, DATA).sha256
    other = DATA.model_copy(update={"seed": 1})
    assert training_shard(store, other, 3).sha256 != training_shard(store, DATA, 3).sha256
    assert validation_list(store, other).sha256 != validation_list(store, DATA).sha256


def test_fields_of_training_leave_validation_alone(store):
    other = DATA.model_copy(update={"train_hours": 0.2, "segment_s": 1.0, "snr_db": (0.0, 5.0)})
    assert validation_list(store, other).sha256 == validation_list(store, DATA).sha256


def _hash(manifest, queue):
    queue.put(training_shard(AudioStore.open(manifest), DATA, 2).sha256)


def test_another_process_lists_the_same(store, corpus):
    queue = multiprocessing.get_context("spawn").Queue()
    process = multiprocessing.get_context("spawn").Process(target=_hash, args=(corpus, queue))
    process.start()
    assert queue.get(timeout=300) == training_shard(store, DATA, 2).sha256
    process.join()


def test_training_draws_snr_and_level_uniformly_in_their_ranges(store):
    data = DataConfig(train_hours=1.0, snr_db=(-5, 20), level_dbfs=(-35, -15))
    table = training_shard(store, data, 0).table
    for name, low, high in (("snr_db", -5, 20), ("level_dbfs", -35, -15)):
        drawn = np.sort((table[name] - low) / (high - low))
        assert np.abs(drawn - np.linspace(0, 1, len(drawn))).max() < 1.63 / np.sqrt(len(drawn))  # Kolmogorov, 1 %


def test_training_draws_noise_families_uniformly(store):
    counts = Counter(training_shard(store, DataConfig(train_hours=1.0), 0).noise_families)
    np.testing.assert_allclose([n / 1800 for n in counts.values()], 1 / 3, atol=0.04)


def test_training_crops_hold_speech(store):
    assert training_shard(store, DATA, 0).active_s.min() >= 0.8


def test_validation_has_four_snrs_and_all_families_in_equal_numbers(store):
    mixtures = validation_list(store, DATA)
    assert Counter(mixtures.snr_db.tolist()) == {0.0: 3, 5.0: 3, 10.0: 3, 15.0: 3}
    assert set(Counter(mixtures.noise_families).values()) == {4}


def test_validation_crops_are_four_seconds_with_enough_speech(store):
    mixtures = validation_list(store, DATA)
    assert mixtures.duration_s == 4.0
    assert mixtures.active_s.min() >= 3.2


def test_validation_speakers_take_turns_and_crops_do_not_overlap_while_speech_lasts(store):
    mixtures = evaluation_list(store, DATA, "valid", 6)
    assert set(Counter(mixtures.speakers).values()) == {2}
    assert len(crops(mixtures)) == len(mixtures.segments.pieces)


def test_more_clips_than_the_speech_holds_are_other_mixtures(store):
    mixtures = evaluation_list(store, DATA, "valid", 200)
    assert len(set(mixtures.names)) == 200


def test_the_test_list_uses_the_test_split_only(store):
    mixtures = listed_test(store, DATA)
    assert {clip.split for clip in mixtures.part.clips} == {"test"}
    assert len(mixtures) == 160


def test_no_speaker_and_no_family_is_in_two_lists(store):
    lists = [training_shard(store, DATA, 0), validation_list(store, DATA), listed_test(store, DATA)]
    for labels in ([set(m.speakers) for m in lists], [set(m.noise_families) for m in lists]):
        assert len(set.union(*labels)) == sum(map(len, labels))


def test_many_hours_are_listed_in_the_memory_of_one_shard(store):
    data = DataConfig(train_hours=1.0, segment_s=1.0)
    training_shard(store, data, 0)
    tracemalloc.start()
    for epoch in range(20):
        training_shard(store, data, epoch)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 10e6


def test_the_data_hash_knows_signals_and_fields_and_not_the_place(corpus, tmp_path):
    data = DataConfig(corpus=str(corpus.root))
    before = data_hash(data)
    assert data_hash(data.model_copy(update={"segment_s": 1.0})) != before
    corpus.root.rename(tmp_path / "moved")
    assert data_hash(data.model_copy(update={"corpus": str(tmp_path / "moved")})) == before
    clip = corpus.select("noise", "valid")[0]
    write_audio(tmp_path / "moved" / clip.path, np.full(16_000, 0.1, np.float32))
    assert data_hash(data.model_copy(update={"corpus": str(tmp_path / "moved")})) != before


@pytest.mark.parametrize("kind", ["clean", "noise"])
def test_a_split_that_lacks_a_kind_is_named(corpus, kind):
    left = [clip for clip in corpus.clips if clip.kind != kind]
    with pytest.raises(DataError, match=f"train split: .*{kind}"):
        training_shard(AudioStore.open(manifest_of(corpus.root, left)), DATA, 0)


def test_clips_too_short_to_fill_a_crop_are_refused_with_what_is_needed(tmp_path):
    clips = [Clip(f"{kind}.wav", kind, "valid", "x", "", 1.0) for kind in ("clean", "noise")]
    for clip in clips:
        write_audio(tmp_path / clip.path, np.full(16_000, 0.1, np.float32))
    with pytest.raises(DataError, match=r"no clean audio gives a crop of 4 s with 3\.2 s of speech"):
        validation_list(AudioStore.open(manifest_of(tmp_path, clips)), DATA)


@pytest.mark.skipif("DFKD_BENCH" not in os.environ, reason="DFKD_BENCH does not name the bench corpus")
def test_lists_of_the_bench_corpus_are_those_of_the_first_release_but_for_the_offsets_of_seven_clips():
    store = AudioStore.open(read_manifest(Path(os.environ["DFKD_BENCH"], "manifest.csv")))
    data = DataConfig()
    assert data_hash(data, store) == "d0744f3b387e5aac34f192ddfe952e6c75cd3a2f559326d87ba738831e6e65a4"
    assert training_shard(store, data, 0).sha256 == "4c7549be63da838b6a6601f99779aefb4d5147d6c8300c5173b10cb5b827bd2b"
    assert validation_list(store, data).sha256 == "c4813678717a848a4ad925850a37f21de28adc48f3d661cc2d8a7fddd8c7ba7f"


@pytest.mark.skipif("DFKD_BENCH" not in os.environ, reason="DFKD_BENCH does not name the bench corpus")
def test_the_bench_corpus_gives_varied_and_level_mixtures():
    store = AudioStore.open(read_manifest(Path(os.environ["DFKD_BENCH"], "manifest.csv")))
    mixtures = validation_list(store, DataConfig())
    noisy, clean = mixtures.batch(range(len(mixtures)))
    assert len(set(mixtures.speakers)) >= 20
    assert len(set(mixtures.noise_families)) == 6
    assert np.abs(noisy).max() < 1
    whole_db = 10 * np.log10((clean**2).mean(1) / ((noisy - clean) ** 2).mean(1))
    np.testing.assert_allclose(whole_db, mixtures.snr_db, atol=1.0)  # pauses are at most a fifth of a crop
