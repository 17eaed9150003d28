import numpy as np
import pytest

from dfkd_core.data.rendering import PEAK, active_power, levelled, looped, noise_gain, ratio_db, speech
from dfkd_core.data.segments import PIECE


@pytest.fixture
def part(store):
    return store.part("train")


def pieces(*rows):
    return np.array(list(rows), PIECE)


def test_pieces_lie_at_their_places_with_silence_between(part):
    signal = speech(part, pieces((0, 10, 0, 30), (1, 0, 50, 40)), 100)
    np.testing.assert_array_equal(signal[:4800], part.read(0, 1600, 4800))
    assert not signal[4800:8000].any()
    np.testing.assert_array_equal(signal[8000:14400], part.read(1, 0, 6400))
    assert not signal[14400:].any()


def test_short_noise_starts_again_and_long_noise_is_cropped(part):
    index = int(part.of_kind("noise")[0])
    whole = part.read(index, 0, 10**9)
    turned = looped(part, index, 20, 400)
    np.testing.assert_array_equal(turned[: len(whole) - 3200], whole[3200:])
    np.testing.assert_array_equal(turned[len(whole) - 3200 :][: len(whole)], whole)
    np.testing.assert_array_equal(looped(part, index, 20, 30), whole[3200:8000])


def test_pauses_do_not_lower_the_level_of_speech(part):
    row = pieces((8, 0, 0, 900))
    clean = speech(part, row, 900)
    longer = speech(part, row, 1800)
    assert active_power(part, row, longer) == pytest.approx(active_power(part, row, clean))
    assert active_power(part, row, clean) > 1.1 * np.mean(clean**2)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 20.0])
def test_noise_is_scaled_to_the_snr(snr_db):
    noise = np.random.default_rng(0).normal(0, 0.3, 16_000).astype(np.float32)
    scaled = noise_gain(0.04, noise, snr_db) * noise
    assert ratio_db(0.04, float(np.mean(scaled**2))) == pytest.approx(snr_db, abs=1e-4)


def test_silent_noise_gives_a_finite_gain():
    assert np.isfinite(noise_gain(0.04, np.zeros(100, np.float32), 0.0))
    assert np.isfinite(ratio_db(0.0, 0.0))


def test_the_mixture_gets_its_level_and_both_signals_the_same_gain():
    rng = np.random.default_rng(0)
    noisy, clean = rng.uniform(-1, 1, (2, 16_000)).astype(np.float32)
    scaled_noisy, scaled_clean = levelled(noisy, clean, -30.0)
    assert 20 * np.log10(np.sqrt(np.mean(scaled_noisy**2))) == pytest.approx(-30.0, abs=1e-3)
    np.testing.assert_allclose(scaled_clean / clean, (scaled_noisy / noisy)[0], rtol=1e-5)


@pytest.mark.parametrize("loud", [0, 1])
def test_a_peak_in_either_signal_lowers_both_instead_of_clipping(loud):
    signals = np.full((2, 1000), 0.01, np.float32)
    signals[loud, 500] = -1.0
    noisy, clean = levelled(*signals, -15.0)
    assert max(np.abs(noisy).max(), np.abs(clean).max()) == pytest.approx(PEAK, abs=1e-6)
    np.testing.assert_allclose(noisy[0] / clean[0], 1.0, rtol=1e-6)


def test_no_level_keeps_the_recordings_own():
    noisy = np.full(100, 0.25, np.float32)
    np.testing.assert_array_equal(levelled(noisy, noisy, float("nan"))[0], noisy)


def test_silence_is_not_amplified_into_nan():
    noisy, clean = levelled(np.zeros(100, np.float32), np.zeros(100, np.float32), -20.0)
    assert not noisy.any() and not clean.any()
