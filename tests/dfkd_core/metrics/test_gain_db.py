import numpy as np
import pytest

from dfkd_core.metrics.gain_db import Gain

gain_db = Gain()
SPEECH, NOISE = np.eye(2)


@pytest.mark.parametrize(("gain", "expected_db"), [(1.0, 0.0), (10.0, 20.0), (0.5, -6.0206)])
def test_the_gain_of_the_speech_is_told_in_db(gain, expected_db):
    assert gain_db(gain * SPEECH, SPEECH) == pytest.approx(expected_db, abs=1e-3)


def test_noise_that_is_orthogonal_to_speech_adds_no_gain():
    assert gain_db(SPEECH + 5 * NOISE, SPEECH) == pytest.approx(0.0)


def test_a_silent_estimate_has_lost_all_gain():
    assert gain_db(0 * SPEECH, SPEECH) == -100.0


@pytest.mark.parametrize("gain", [-1.0, -0.1])
def test_a_sign_that_is_turned_over_is_seen(gain):
    assert gain_db(gain * SPEECH + 0.01 * NOISE, SPEECH) == -100.0
