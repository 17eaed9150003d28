"""Speed and filter of noise: what is drawn, and what they do to a signal."""

import numpy as np
import pytest

from dfkd_core.data.noise_variation import COEFFICIENT, SPEED, UNVARIED, at_speed, draw_variations, filtered

TONE = np.sin(2 * np.pi * 500 * np.arange(16000) / 16000).astype(np.float32)


def strongest_hz(signal):
    return float(np.argmax(np.abs(np.fft.rfft(signal))) * 16000 / len(signal))


def test_chosen_mixtures_are_varied_and_the_others_are_not():
    chosen = np.arange(2000) % 2 == 0
    drawn = draw_variations(chosen, np.random.default_rng(0))
    assert (drawn[~chosen] == UNVARIED).all()
    speed = drawn[chosen]["speed"]
    assert speed.min() >= SPEED[0] and speed.max() <= SPEED[1] and abs(np.median(np.log(speed))) < 0.1
    assert np.abs(drawn["filter"]).max() <= COEFFICIENT
    np.testing.assert_allclose(drawn[chosen]["filter"].std(0), COEFFICIENT / np.sqrt(3), rtol=0.1)


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.6, 2.0])
def test_a_speed_moves_a_tone_by_as_much(speed):
    played = at_speed(TONE, round(len(TONE) / speed))
    assert played.dtype == np.float32
    assert strongest_hz(played) == pytest.approx(500 * speed, rel=0.01)


def test_its_own_speed_leaves_noise_as_it_is():
    assert at_speed(TONE, len(TONE)) is TONE


def test_a_filter_is_its_difference_equation():
    a, b, c, d = coefficients = np.array([0.3, -0.2, 0.25, -0.35], np.float32)
    noise = np.random.default_rng(0).normal(size=400).astype(np.float32)
    noise[200:] = 0.0  # what the filter leaves behind has died away before the end
    expected = np.zeros(400)
    for n in range(400):
        x = [noise[n - k] if n >= k else 0.0 for k in range(3)]
        y = [expected[n - k] if n >= k else 0.0 for k in (1, 2)]
        expected[n] = x[0] + a * x[1] + b * x[2] - c * y[0] - d * y[1]
    np.testing.assert_allclose(filtered(noise, coefficients), expected, atol=1e-5)


def test_no_filter_leaves_noise_as_it_is():
    np.testing.assert_allclose(filtered(TONE, UNVARIED["filter"]), TONE, atol=1e-6)
