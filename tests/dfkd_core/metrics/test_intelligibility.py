import numpy as np
import pytest
from pystoi import stoi as reference
from pystoi.utils import resample_oct

from dfkd_core.metrics.estoi import ESTOI
from dfkd_core.metrics.intelligibility import band_matrix, framed, resample, segments, shared_segments
from dfkd_core.metrics.stoi import STOI
from dfkd_core.signal.overlap_add import overlap_add_halves


@pytest.mark.parametrize(("metric", "extended"), [(STOI(), False), (ESTOI(), True)])
def test_values_are_those_of_the_reference_implementation(metric, extended, clean, noise):
    expected = reference(clean.astype(np.float64), (clean + noise).astype(np.float64), 16000, extended=extended)
    assert metric(clean + noise, clean) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("metric", [STOI(), ESTOI()])
def test_too_few_active_frames_are_undefined_instead_of_almost_zero(metric, clean):
    assert np.isnan(metric(clean[:4000], clean[:4000]))


def test_bands_are_disjoint_and_rise_from_150_hz():
    bands = band_matrix()
    assert bands.shape == (15, 257) and bands.sum(axis=0).max() == 1
    assert np.flatnonzero(bands[0])[0] == round(150 * 2 ** (-1 / 6) / (10000 / 512))


@pytest.mark.parametrize("num_samples", [513, 16000, 16001, 16007])
def test_resampling_is_the_reference_s(num_samples):
    signal = np.random.default_rng(0).standard_normal(num_samples)
    np.testing.assert_allclose(resample(signal), resample_oct(signal, 10000, 16000), atol=1e-12)


def test_frames_of_a_hann_window_add_up_to_the_signal():
    signal = np.random.default_rng(0).standard_normal(256 * 8)
    frames = framed(signal) * np.hanning(257)[:-1]
    np.testing.assert_allclose(overlap_add_halves(frames)[128:-128], signal[128 : 128 * len(frames)])


def test_inside_shared_segments_a_pair_is_cut_once_and_scores_stay_the_same(clean, noise):
    noisy = clean + noise
    apart = [metric(noisy, clean) for metric in (STOI(), ESTOI())]
    with shared_segments():
        assert [metric(noisy, clean) for metric in (STOI(), ESTOI())] == apart
        assert segments(noisy, clean) is segments(noisy, clean)
        assert segments(noisy.copy(), clean) is not segments(noisy, clean)
    assert segments(noisy, clean) is not segments(noisy, clean)
