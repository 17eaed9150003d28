import numpy as np
import pytest

from dfkd_core.data.augmentation import TALKER
from dfkd_core.data.rendering import (
    PEAK,
    active_power,
    babble,
    clipped,
    in_room,
    levelled,
    looped,
    noise_gain,
    ratio_db,
    speech,
)
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


@pytest.fixture
def voice():
    return np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)


def taps(*places):
    response = np.zeros(4000, np.float32)
    for place, gain in places:
        response[place] = gain
    return response


def test_direct_sound_keeps_its_place_its_sign_and_its_level(voice):
    heard, clean = in_room(voice, taps((300, -0.25)), "dry")
    np.testing.assert_allclose(heard, voice, atol=1e-6)
    assert clean is voice


def test_an_early_target_has_the_reflections_of_50_ms_and_no_more(voice):
    heard, early = in_room(voice, taps((300, 1.0), (700, 0.5), (2000, 0.5)), "early")
    expected = voice.copy()
    expected[400:] += 0.5 * voice[:-400]
    np.testing.assert_allclose(early, expected, atol=1e-5)
    assert len(heard) == len(early) == len(voice)
    np.testing.assert_allclose(heard[1700:] - early[1700:], 0.5 * voice[:-1700], atol=1e-5)


def test_every_voice_of_babble_has_one_level(part):
    talkers = np.array([(0, 10), (3, 0)], TALKER)
    mixed = babble(part, talkers, 100)
    single = [babble(part, talkers[i : i + 1], 100) for i in range(2)]
    np.testing.assert_allclose(mixed, single[0] + single[1], atol=1e-5)
    assert [float(np.sqrt(np.mean(voice**2))) for voice in single] == pytest.approx([1, 1], abs=1e-3)


def test_what_is_not_clipped_stays_as_it_is(voice):
    assert clipped(voice, float("nan")) is voice
    cut = clipped(voice, 6.0)
    assert np.abs(cut).max() == pytest.approx(np.abs(voice).max() * 10 ** (-6 / 20), rel=1e-5)
    untouched = np.abs(voice) < np.abs(cut).max() * 0.99
    np.testing.assert_array_equal(cut[untouched], voice[untouched])


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
