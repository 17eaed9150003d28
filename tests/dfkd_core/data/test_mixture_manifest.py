"""A list of mixtures written out and read back is the same list."""

import json

import numpy as np
import pytest

from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.config import DataConfig
from dfkd_core.data.manifest import Clip, manifest_of
from dfkd_core.data.mixture_manifest import read_mixtures, render_mixtures, write_mixtures
from dfkd_core.data.mixtures import training_shard, validation_list
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import read_audio

DATA = DataConfig(train_hours=0.02, validation_clips=4)
ALL = {"clipping": 0.5, "babble": 0.5, "noise_variation": 0.5, "impulse_responses": 0.5, "target_reflections": "early"}


@pytest.fixture
def in_rooms(corpus):
    """The planted corpus; two clips of noise stand for impulse responses."""
    extra = [
        Clip(c.path, "impulse_response", "train", c.label, "", c.seconds) for c in corpus.select("noise", "train")[:2]
    ]
    rest = [c for c in corpus.clips if c.path not in {clip.path for clip in extra}]
    return AudioStore.open(manifest_of(corpus.root, [*rest, *extra]))


@pytest.mark.parametrize("fields", [{}, {"clipping": 0.5}, {"babble": 1.0}, {"noise_variation": 0.3}, ALL])
def test_a_list_reads_back_as_it_was_written(in_rooms, tmp_path, fields):
    listed = training_shard(in_rooms, DataConfig(train_hours=0.02, **fields), 2)
    write_mixtures(listed, tmp_path / "list.jsonl")
    again = read_mixtures(tmp_path / "list.jsonl", AudioStore.open(in_rooms.manifest))
    assert again.sha256 == listed.sha256 and again.names == listed.names
    np.testing.assert_array_equal(again.batch([0, 7])[0], listed.batch([0, 7])[0])


def test_every_augmentation_is_in_the_file(in_rooms, tmp_path):
    listed = training_shard(in_rooms, DataConfig(train_hours=0.02, **{**ALL, "clipping": 1.0, "babble": 1.0}), 0)
    write_mixtures(listed, tmp_path / "list.jsonl")
    head, *rows = [json.loads(line) for line in (tmp_path / "list.jsonl").read_text().splitlines()]
    assert head["target_reflections"] == "early"
    assert rows[0]["name"] == listed.name(0)
    assert all(row["noise"] == "babble" and len(row["talkers"]) >= 4 and row["clip_db"] >= 1 for row in rows)
    assert {row["impulse_response"] for row in rows} > {None}
    assert {row["noise_speed"] for row in rows} > {1.0} and all(len(row["noise_filter"]) == 4 for row in rows)
    assert all(-35 <= row["level_dbfs"] <= -15 and -5 <= row["snr_db"] <= 20 for row in rows)


def test_recordings_read_back_too(corpus, tmp_path):
    recorded = [Clip(c.path, "noisy", c.split, c.label, "", c.seconds) for c in corpus.select("clean")]
    store = AudioStore.open(manifest_of(corpus.root, recorded))
    listed = validation_list(store, DATA)
    write_mixtures(listed, tmp_path / "list.jsonl")
    assert read_mixtures(tmp_path / "list.jsonl", store).sha256 == listed.sha256


def test_a_list_of_other_signals_is_refused(in_rooms, store, tmp_path):
    write_mixtures(training_shard(in_rooms, DATA, 0), tmp_path / "list.jsonl")
    with pytest.raises(DataError, match=r"list\.jsonl: was listed for other signals than those of"):
        read_mixtures(tmp_path / "list.jsonl", store)


@pytest.mark.parametrize("text", ["", "{}\n", "no json\n", '{"format": 9}\n'])
def test_what_is_no_list_is_refused_in_one_line(store, tmp_path, text):
    (tmp_path / "list.jsonl").write_text(text)
    with pytest.raises(DataError, match=r"list\.jsonl: must be a list of mixtures") as caught:
        read_mixtures(tmp_path / "list.jsonl", store)
    assert "\n" not in str(caught.value)


def test_a_clip_that_the_corpus_lacks_is_named(store, tmp_path):
    write_mixtures(training_shard(store, DATA, 0), tmp_path / "list.jsonl")
    text = (tmp_path / "list.jsonl").read_text()
    (tmp_path / "list.jsonl").write_text(text.replace("train-speaker0_0.flac", "gone.flac"))
    with pytest.raises(DataError, match=r"names a clip that .*train split lacks: .*gone\.flac"):
        read_mixtures(tmp_path / "list.jsonl", store)


def test_mixtures_are_rendered_under_their_names(store, tmp_path):
    listed = validation_list(store, DATA)
    render_mixtures(listed, tmp_path / "audio")
    for kind, signal in zip(("noisy", "clean"), listed.render(2), strict=True):
        np.testing.assert_array_equal(read_audio(tmp_path / "audio" / kind / f"{listed.name(2)}.wav"), signal)
