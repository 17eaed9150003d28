"""Recordings without clean speech: what they are compared with, and that no number comes from nothing."""

import numpy as np
import pytest

from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.config import DataConfig
from dfkd_core.data.manifest import Clip, manifest_of
from dfkd_core.data.mixtures import training_shard, validation_list
from dfkd_core.errors import ConfigError, DataError
from dfkd_core.scoring.evaluation import evaluate, evaluate_noisy
from dfkd_core.teachers.taught_list import judged

DATA = DataConfig(train_hours=0.01, validation_clips=4)


class Halver:
    name, sha256 = "halver", "a" * 64

    def __call__(self, noisy, listed=()):
        return np.float32(0.5) * noisy


@pytest.fixture
def recordings(corpus):
    """The planted speech as recordings of which nothing is known."""
    recorded = [Clip(c.path, "noisy", c.split, c.label, "", c.seconds) for c in corpus.select("clean")]
    return AudioStore.open(manifest_of(corpus.root, recorded))


def test_a_recording_is_heard_as_it_is_and_its_clean_speech_is_not_a_number(recordings):
    mixtures = validation_list(recordings, DATA)
    noisy, clean = mixtures.batch([0, 1])
    clip, start, _, length = mixtures.segments.pieces[mixtures.segments.first[0]].tolist()
    np.testing.assert_array_equal(noisy[0], mixtures.part.read(clip, 160 * start, 160 * length))
    assert np.isnan(clean).all() and np.isnan(mixtures.snr_db).all()
    assert not mixtures.has_clean and set(mixtures.noise_families) == {"recorded"}


def test_training_crops_of_recordings_have_the_listed_levels(recordings):
    shard = training_shard(recordings, DATA, 0)
    level_dbfs = [20 * np.log10(np.sqrt(np.mean(shard.render(i)[0] ** 2))) for i in range(len(shard))]
    assert (np.array(level_dbfs) <= shard.table["level_dbfs"] + 0.01).all()


def test_estimates_of_the_recordings_by_name_can_teach(recordings):
    shard = training_shard(recordings, DATA, 0)
    files = {clip.path.rpartition(".")[0]: index for index, clip in enumerate(shard.part.clips)}
    made = shard.made_of(0, lambda name, num_samples: 0.5 * shard.part.read(files[name], 0, num_samples))
    np.testing.assert_allclose(made, 0.5 * shard.render(0)[0], atol=1e-6)


def test_the_teacher_s_estimate_takes_the_place_of_clean_speech(recordings):
    taught = judged(validation_list(recordings, DATA), Halver())
    noisy, reference = taught.batch([1, 3])
    np.testing.assert_allclose(reference, 0.5 * noisy, atol=1e-3)
    assert taught.reference == "teacher"
    assert taught.sha256 != taught.listed.sha256 == validation_list(recordings, DATA).sha256


def test_a_teacher_that_shifts_recordings_is_refused_and_one_that_takes_noise_away_is_not_called_quiet(
    recordings, caplog
):
    class Late(Halver):
        sha256 = "b" * 64

        def __call__(self, noisy, listed=()):
            return np.roll(noisy, 80, axis=1)

    class Quiet(Halver):
        sha256 = "c" * 64

        def __call__(self, noisy, listed=()):
            return np.float32(0.2) * noisy

    with pytest.raises(DataError, match="lags by 80 samples"):
        judged(validation_list(recordings, DATA), Late())
    judged(validation_list(recordings, DATA), Quiet())
    assert not caplog.records


def test_scores_against_the_teacher_have_a_name_of_their_own(recordings):
    taught = judged(validation_list(recordings, DATA), Halver())
    metrics = evaluate(lambda noisy, listed: 0.5 * noisy, taught).metrics()
    assert set(metrics) == {f"val_teacher/{name}" for name in ("pesq_wb", "stoi", "estoi", "si_sdr_db", "gain_db")}
    assert metrics["val_teacher/gain_db"] == pytest.approx(0, abs=0.01)
    first, again = evaluate_noisy(taught), evaluate_noisy(taught)
    assert first.reference == again.reference == "teacher"
    assert np.isnan([clip.snr_db for clip in again.clips]).all()


def test_a_list_with_clean_speech_stays_as_it_is(store):
    mixtures = validation_list(store, DATA)
    assert judged(mixtures, Halver()) is mixtures


def test_recordings_need_a_teacher_to_be_judged(recordings):
    with pytest.raises(
        ConfigError, match=r"teacher: is needed to judge .*no clean speech, but there is none; name one"
    ):
        judged(validation_list(recordings, DATA), None)
