"""How RNNoise's library is fed, on a stand-in for the library; the real one is in test_public_models."""

import numpy as np
import pytest

from dfkd_core.errors import ConfigError
from dfkd_core.teachers.rnnoise import FRAME_SAMPLES, RNNoiseTeacher


class Delaying:
    """A library that halves what it hears, two frames late."""

    def __init__(self):
        self.alive, self.loudest = {}, 0.0

    def rnnoise_create(self, model):
        self.alive[len(self.alive)] = [np.zeros(FRAME_SAMPLES, np.float32)] * 2
        return len(self.alive) - 1

    def rnnoise_destroy(self, state):
        self.alive[state] = None

    def rnnoise_process_frame(self, state, out, noisy):
        samples = np.ctypeslib.as_array(out, (FRAME_SAMPLES,))
        self.loudest = max(self.loudest, float(np.abs(samples).max()))
        queue = self.alive[state]
        queue.append(samples / 2)
        samples[:] = queue.pop(0)
        return 1.0


@pytest.fixture
def teacher(tmp_path):
    teacher = RNNoiseTeacher(tmp_path / "librnnoise.so")
    teacher.__dict__["library"] = Delaying()
    return teacher


@pytest.mark.parametrize("num_samples", [1, 1600, 4001])
def test_the_delay_is_taken_off_and_the_length_kept(teacher, num_samples):
    noisy = np.sin(2 * np.pi * 300 * np.arange(num_samples) / 16000).astype(np.float32)[None].repeat(2, axis=0)
    estimate = teacher(noisy)
    assert estimate.shape == noisy.shape
    np.testing.assert_allclose(estimate[:, 200:-200], noisy[:, 200:-200] / 2, atol=1e-3)


def test_samples_reach_the_library_in_the_range_of_integers(teacher):
    teacher(np.full((1, 1600), 0.5, np.float32))
    assert 0.5 * 32768 <= teacher.library.loudest < 32768


def test_every_clip_has_a_state_of_its_own_that_is_given_back(teacher):
    teacher(np.zeros((3, 1600), np.float32))
    assert teacher.library.alive == {0: None, 1: None, 2: None}


def test_what_is_no_library_is_told_in_one_line(tmp_path):
    (tmp_path / "x.so").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="must be a library for this machine") as caught:
        _ = RNNoiseTeacher(tmp_path / "x.so").library
    assert "\n" not in str(caught.value)
