import numpy as np
import pytest

from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.by_label import ClipsByLabel
from dfkd_core.data.manifest import Clip, manifest_of
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import write_audio


@pytest.fixture
def part(store):
    return store.part("train")


def rng():
    return np.random.default_rng(0)


def families_of(part, clips):
    return [part.clips[i].label for i in clips]


def test_the_family_is_drawn_first_however_many_clips_it_has(part):
    noises = ClipsByLabel(part)
    clips = noises.draw_clips(noises.draw_labels(6000, rng()), rng())
    labels, counts = np.unique(families_of(part, clips), return_counts=True)
    assert labels.tolist() == noises.names.tolist()
    assert np.bincount([c.kind == "noise" and c.label.endswith("family0") for c in part.clips])[1] == 4
    np.testing.assert_allclose(counts / 6000, 1 / 3, atol=0.03)


def test_every_clip_of_a_family_is_drawn(part):
    noises = ClipsByLabel(part)
    clips = noises.draw_clips(np.zeros(400, np.int64), rng())
    assert len(np.unique(clips)) == 4


def test_dealt_families_are_equally_frequent(part):
    counts = np.bincount(ClipsByLabel(part).deal_labels(40, rng()))
    assert counts.max() - counts.min() <= 1


def test_long_clips_are_cropped_inside_and_short_ones_start_anywhere(part):
    noises = ClipsByLabel(part)
    clips = noises.draw_clips(noises.draw_labels(500, rng()), rng())
    starts, frames = noises.draw_starts(clips, 300, rng()), part.num_frames[clips]
    assert (starts >= 0).all() and (starts < frames).all()
    assert (starts + 300 <= frames)[frames >= 300].all()
    assert len(np.unique(starts)) > 100


def test_a_crop_of_a_clip_that_is_mostly_silent_has_sound(tmp_path):
    samples = np.zeros(160_000, np.float32)
    samples[80_000:96_000] = np.random.default_rng(0).normal(0, 0.1, 16_000)
    write_audio(tmp_path / "bark.wav", samples)
    part = AudioStore.open(manifest_of(tmp_path, [Clip("bark.wav", "noise", "train", "bark", "", 10.0)])).part("train")
    clips = np.zeros(300, np.int64)
    starts = ClipsByLabel(part).draw_starts(clips, 200, rng())
    silent = part.num_active(clips, starts, 200) == 0
    assert silent.mean() < 0.1  # a blind draw leaves 64 %


def test_a_split_without_noise_is_named(store, corpus):
    only = manifest_of(corpus.root, corpus.select("clean"))
    with pytest.raises(DataError, match="train split: holds no noise"):
        ClipsByLabel(AudioStore.open(only).part("train"))
