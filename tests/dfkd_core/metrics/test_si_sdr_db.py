import numpy as np
import pytest

from dfkd_core.metrics.si_sdr_db import SISDR

si_sdr_db = SISDR()
SPEECH, NOISE = np.eye(2)


@pytest.mark.parametrize(("noise_gain", "expected_db"), [(1.0, 0.0), (0.1, 20.0), (10.0, -20.0)])
def test_orthogonal_noise_sets_the_ratio(noise_gain, expected_db):
    assert si_sdr_db(SPEECH + noise_gain * NOISE, SPEECH) == pytest.approx(expected_db)


def test_gain_and_sign_of_the_estimate_do_not_matter():
    assert si_sdr_db(-7 * (SPEECH + NOISE), SPEECH) == pytest.approx(si_sdr_db(SPEECH + NOISE, SPEECH))


def test_values_stay_within_the_limits():
    assert si_sdr_db(SPEECH, SPEECH) == 100.0
    assert si_sdr_db(NOISE, SPEECH) == si_sdr_db(0 * NOISE, SPEECH) == -100.0
