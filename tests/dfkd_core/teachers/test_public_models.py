"""The real public models: what they return lies where the speech was, and holds less noise."""

import numpy as np
import pytest
from public_models import require_public

from dfkd_core.config import TeacherConfig
from dfkd_core.data.pretrained import PUBLIC_MODELS
from dfkd_core.teachers import open_teacher
from dfkd_core.teachers.fitness import measure, require_estimates


def speech(seconds):
    """A gliding voice with formants, in syllables, (time,): near enough to speech for models that know speech."""
    rate = 16_000
    time_s = np.arange(round(seconds * rate)) / rate
    pitch_hz = 130 + 25 * np.sin(2 * np.pi * 0.7 * time_s)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate
    formants = [(600 + 200 * np.sin(2 * np.pi * 1.1 * time_s), 90), (1500 + 500 * np.sin(2 * np.pi * time_s), 120)]
    voice = np.zeros_like(time_s)
    for k in range(1, 40):
        gain = sum(1 / (1 + ((k * pitch_hz - centre) / width) ** 2) for centre, width in formants) + 0.02
        voice += gain * np.sin(k * phase) * (k * pitch_hz < 7000)
    return (0.06 * voice * np.clip(np.sin(2 * np.pi * 2.5 * time_s), 0, None)).astype(np.float32)


CLEAN = np.stack([speech(3.0), speech(3.0)[::-1]])
NOISY = CLEAN + np.random.default_rng(0).normal(0, 0.01, CLEAN.shape).astype(np.float32)


@pytest.fixture(scope="module", params=PUBLIC_MODELS)
def teacher(request):
    require_public(request.param)
    return open_teacher(TeacherConfig(pretrained=request.param))


@pytest.fixture(scope="module")
def estimate(teacher):
    return teacher(NOISY)


def test_estimates_are_whole(teacher, estimate):
    assert estimate.dtype == np.float32
    require_estimates(teacher.name, estimate, NOISY)


def test_cross_correlation_finds_no_delay_and_the_right_sign(estimate):
    found = measure(estimate, CLEAN)
    assert (found.delay_samples, found.is_alike, found.correlation > 0) == (0, True, True)


def test_pauses_are_quieter_than_before(estimate):
    pauses = CLEAN == 0
    before, after = (np.mean(np.square(signal[pauses])) for signal in (NOISY, estimate))
    assert 10 * np.log10(after / before) < -3


def test_a_clip_s_estimate_does_not_depend_on_its_batch(teacher, estimate):
    np.testing.assert_allclose(teacher(NOISY[1:])[0], estimate[1], atol=1e-5)


def test_its_name_is_the_one_it_is_asked_for_by_and_its_identity_stays(teacher):
    again = open_teacher(TeacherConfig(pretrained=teacher.name))
    assert again.sha256 == teacher.sha256


@pytest.mark.parametrize("num_samples", [1, 500])
def test_short_clips_keep_their_length(teacher, num_samples):
    assert teacher(NOISY[:, :num_samples]).shape == (2, num_samples)
