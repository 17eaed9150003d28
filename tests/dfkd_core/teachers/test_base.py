"""A network at another rate hears every utterance there, and its estimates come back in time and length."""

import numpy as np

from dfkd_core.teachers.base import enhanced_at


def test_utterances_are_enhanced_at_the_networks_rate_and_come_back():
    time_s = np.arange(8_001) / 16_000
    noisy = np.stack([np.sin(2 * np.pi * f * time_s) for f in (300, 1_000)]).astype(np.float32)
    heard = []

    def halve(signal):
        heard.append(len(signal))
        return 0.5 * signal

    estimate = enhanced_at(48_000, halve, noisy)
    assert heard == [24_003, 24_003]
    assert estimate.shape == noisy.shape
    middle = slice(500, -500)  # the filters ring at the edges
    np.testing.assert_allclose(estimate[:, middle], 0.5 * noisy[:, middle], atol=2e-3)
