import numpy as np
import pytest

from dfkd_core.signal.level import REFERENCE_DBFS, at_reference_level, without_offset


def noise(seed=0, count=8000):
    return np.random.default_rng(seed).normal(0, 0.1, (2, count)).astype(np.float32)


def compressed(signal):
    """A model that hears levels."""
    return np.sign(signal) * np.abs(signal) ** np.float32(0.7)


@pytest.mark.parametrize("db", [-60, -40, -20, 6, 90])
def test_a_model_gives_the_same_at_every_level(db):
    gain = np.float32(10 ** (db / 20))
    expected = at_reference_level(compressed, noise())
    np.testing.assert_allclose(at_reference_level(compressed, gain * noise()) / gain, expected, rtol=1e-4, atol=1e-6)


def test_what_the_model_hears_is_at_the_reference():
    heard = []
    at_reference_level(lambda x: heard.append(x) or x, 1e-3 * noise())
    rms_dbfs = 20 * np.log10(np.sqrt(np.mean(heard[0] ** 2, axis=1)))
    np.testing.assert_allclose(rms_dbfs, REFERENCE_DBFS, atol=0.01)


def test_a_peak_stays_within_full_scale():
    click = 1e-4 * noise()
    click[:, 100] = 0.5
    heard = []
    at_reference_level(lambda x: heard.append(x) or x, click)
    assert np.abs(heard[0]).max() == pytest.approx(0.99)


def test_each_row_has_a_level_of_its_own_and_silence_stays():
    signal = noise()
    signal[1] = 0
    out = at_reference_level(compressed, signal)
    assert np.abs(out[1]).max() == 0 and np.isfinite(out).all()


@pytest.mark.parametrize("offset", [0.05, -0.3, 2.0])
def test_an_offset_is_taken_out_before_the_level_is_measured(offset):
    plain = noise() - noise().mean(axis=1, keepdims=True)
    np.testing.assert_allclose(without_offset(plain + np.float32(offset)), plain, atol=1e-6)
    shifted = at_reference_level(compressed, plain + np.float32(offset))
    np.testing.assert_allclose(shifted, at_reference_level(compressed, plain), atol=1e-4)


def test_a_mean_by_chance_is_no_offset():
    signal = noise()
    assert without_offset(signal) is signal


def test_a_constant_is_silence():
    assert not without_offset(np.full((1, 100), 0.25, np.float32)).any()


@pytest.mark.parametrize("length", [1, 3, 320])  # samples: a click, a thump of 20 ms
@pytest.mark.parametrize("db", [-20, -40])
def test_a_click_does_not_keep_a_quiet_recording_quiet(length, db):
    quiet = np.float32(10 ** (db / 20)) * noise(count=16_000)  # of -20 dBFS
    disturbed = quiet.copy()
    disturbed[:, 8_100 : 8_100 + length] = 0.9
    heard = []
    out = at_reference_level(lambda x: heard.append(x) or compressed(x), disturbed)
    expected = at_reference_level(compressed, quiet)
    away = np.r_[0:7_600, 9_000:16_000]
    gain = np.linalg.norm(out[:, away]) / np.linalg.norm(expected[:, away])
    assert abs(20 * np.log10(gain)) < 0.5 and np.abs(heard[0]).max() <= 0.99
    assert np.corrcoef(out[0, away], expected[0, away])[0, 1] > 0.999


def test_a_word_in_silence_is_no_click():
    """0.1 s that stand 40 dB out of what surrounds them: the peak stays within full scale."""
    signal = np.float32(1e-3) * noise(count=32_000)
    signal[:, 16_000:17_600] *= 1000
    heard = []
    at_reference_level(lambda x: heard.append(x) or x, signal)
    for row, original in zip(heard[0], signal, strict=True):
        np.testing.assert_allclose(row / np.abs(row).max(), original / np.abs(original).max(), atol=1e-5)
