import numpy as np
import pytest

from dfkd_core.teachers.half_overlap import HalfOverlap, vorbis

SIGNAL = np.random.default_rng(0).normal(size=3000).astype(np.float32)


def test_squares_of_a_window_and_its_shifted_self_add_to_one():
    window = vorbis(960)
    half = len(window) // 2
    np.testing.assert_allclose(window[:half] ** 2 + window[half:] ** 2, 1, atol=1e-6)


@pytest.mark.parametrize("num_samples", [1, 479, 480, 481, 3000])
def test_frames_go_back_to_the_signal_without_delay(num_samples):
    frames, signal = HalfOverlap(vorbis(960)), SIGNAL[:num_samples]
    np.testing.assert_allclose(frames.signal(frames.spectra(signal), num_samples), signal, atol=1e-5)


def test_a_frame_is_centred_on_its_hop():
    click = np.zeros(2000, np.float32)
    click[480] = 1
    energy = np.square(np.abs(HalfOverlap(vorbis(960)).spectra(click))).sum(axis=1)
    assert np.argmax(energy) == 1
