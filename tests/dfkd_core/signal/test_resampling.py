"""The resampler at any ratio, at once, in blocks and by position."""

import resource

import numpy as np
import pytest

from dfkd_core.signal import resampling
from dfkd_core.signal.resampling import resample, resampled_blocks


def sine(hz, seconds=1.0, rate=16_000):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 11_127, 22_050, 24_414, 44_100, 48_000])
def test_resampling_keeps_a_sine_in_frequency_amplitude_and_phase(rate):
    out = resample(sine(1000, rate=rate), rate, 16_000)
    assert len(out) == 16_000
    np.testing.assert_allclose(out[800:-800], sine(1000)[800:-800], atol=1e-3)


def test_resampling_removes_what_the_lower_rate_cannot_hold():
    aliased = resample(sine(11_000, rate=48_000), 48_000, 16_000)
    assert np.abs(aliased[800:-800]).max() < 1e-4


@pytest.mark.parametrize(("from_hz", "to_hz"), [(48_000, 16_000), (44_100, 16_000), (8_000, 16_000), (16_000, 44_100)])
def test_a_signal_resampled_in_blocks_is_the_same_bit_for_bit(monkeypatch, from_hz, to_hz):
    samples = np.random.default_rng(0).normal(0, 0.1, (2, 3 * from_hz + 7)).astype(np.float32)
    whole = resampling._resample_at_once(samples, from_hz, to_hz)
    monkeypatch.setattr(resampling, "BLOCK_FRAMES", 70)
    np.testing.assert_array_equal(resampling.resample(samples, from_hz, to_hz), whole)
    pieces = np.split(samples[0], [100, 40_000 * from_hz // 48_000, 41_000 * from_hz // 48_000])
    streamed = np.concatenate(list(resampling.resampled_blocks(pieces, from_hz, to_hz)))
    np.testing.assert_array_equal(streamed, whole[0])


def test_an_impulse_response_moves_and_scales_a_signal():
    samples = np.random.default_rng(0).normal(0, 0.1, 1000).astype(np.float32)
    heard = resampling.convolve(samples, np.array([0, 0, 0.5], np.float32))
    assert len(heard) == 1002
    np.testing.assert_allclose(heard[2:], 0.5 * samples, atol=1e-7)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44_100, 16_000), (8_000, 16_000), (16_000, 22_050)])
def test_the_filter_by_position_is_the_filter_by_phase(from_hz, to_hz):
    samples = np.random.default_rng(0).normal(0, 0.1, (2, 2000)).astype(np.float32)
    by_phase = resampling._resample_at_once(samples, from_hz, to_hz)
    np.testing.assert_allclose(resampling._resample_by_position(samples, from_hz, to_hz), by_phase, atol=1e-6)


@pytest.mark.parametrize("rates", [(24_414, 16_000), (16_000, 24_414), (11_127, 16_000)])
def test_a_ratio_of_large_numbers_in_blocks_is_the_same(rates):
    samples = np.random.default_rng(0).normal(0, 0.1, 5 * rates[0]).astype(np.float32)
    streamed = np.concatenate(list(resampled_blocks(np.split(samples, [100, 50_000, 50_001]), *rates)))
    np.testing.assert_array_equal(streamed, resample(samples, *rates))


@pytest.mark.parametrize("rate", [24_414, 191_999, 44_099, 1_000_003])
def test_no_ratio_fills_the_memory(rate):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(resample(np.ones(rate // 50, np.float32), rate, 16_000)) == -(-(rate // 50) * 16_000 // rate)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
