"""The front end of DeepFilterNet3, on stand-ins for its graphs; the real ones are in test_public_models."""

import io
import tarfile
from types import SimpleNamespace

import numpy as np
import pytest

from dfkd_core.errors import ConfigError
from dfkd_core.teachers.deepfilternet3 import (
    LOOK_AHEAD,
    NUM_BANDS,
    NUM_FILTERED,
    ORDER,
    DeepFilterNet3Teacher,
    band_features,
    band_matrix,
    bin_features,
    filtered,
    running_mean,
)

RNG = np.random.default_rng(0)


class Graph:
    """Answers with what `answer` makes of its inputs."""

    def __init__(self, inputs, outputs, answer):
        self.inputs, self.outputs, self.answer = inputs, outputs, answer

    def get_inputs(self):
        return [SimpleNamespace(name=name) for name in self.inputs]

    def get_outputs(self):
        return [SimpleNamespace(name=name) for name in self.outputs]

    def run(self, names, inputs):
        return self.answer(inputs)


def passing(inputs):
    """Taps that take each frame as it is."""
    taps = np.zeros((inputs["emb"].shape[1], NUM_FILTERED, ORDER, 2), np.float32)
    taps[:, :, ORDER - 1 - LOOK_AHEAD, 0] = 1
    return [taps.reshape(1, -1, NUM_FILTERED, 2 * ORDER)]


@pytest.fixture
def passing_teacher(tmp_path):
    teacher = DeepFilterNet3Teacher(tmp_path)
    teacher.__dict__["sessions"] = {
        "enc": Graph(["feat_erb", "feat_spec"], ["emb"], lambda i: [np.zeros((1, i["feat_erb"].shape[2], 1))]),
        "erb_dec": Graph(["emb"], ["m"], lambda i: [np.ones((1, 1, i["emb"].shape[1], NUM_BANDS), np.float32)]),
        "df_dec": Graph(["emb"], ["coefs"], passing),
    }
    return teacher


@pytest.mark.parametrize("num_samples", [1, 1600, 4001])
def test_a_mask_of_ones_and_filters_of_one_tap_give_the_signal_back_without_delay(passing_teacher, num_samples):
    time_s = np.arange(num_samples) / 16000
    noisy = np.stack([np.sin(2 * np.pi * f * time_s) for f in (300, 5000)]).astype(np.float32)
    estimate = passing_teacher(noisy)
    assert estimate.shape == noisy.shape
    middle = slice(200, -200)  # a resampler rings at the ends of a cut tone
    np.testing.assert_allclose(estimate[:, middle], noisy[:, middle], atol=2e-3)


def test_bands_part_the_spectrum_and_widen():
    widths = band_matrix().sum(axis=1)
    assert (band_matrix().sum(axis=0) == 1).all()
    assert widths.min() == 2 and (np.diff(widths) >= 0).all()


def test_a_running_mean_forgets_one_hundredth_a_frame():
    means = running_mean(np.ones((3, 1)), np.zeros(1))
    np.testing.assert_allclose(means[:, 0], [0.01, 0.0199, 0.029701])


def test_features_ignore_the_level_once_they_have_settled():
    loud = RNG.normal(size=(1500, 481)).astype(np.complex64)
    for features in (band_features, lambda s: np.abs(bin_features(s[:, :NUM_FILTERED])) ** 2):
        quiet, full = features(0.1 * loud)[-1], features(loud)[-1]
        assert np.abs(quiet - full).max() < 0.05 or np.allclose(quiet / full, 0.1, atol=0.01)


def test_a_filter_reaches_two_frames_ahead_and_two_back():
    spectra, taps = np.zeros((9, 1), np.complex64), np.ones((9, 1, ORDER), np.complex64)
    spectra[4] = 1
    assert np.flatnonzero(filtered(spectra, taps)[:, 0]).tolist() == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("content", [b"no archive", None])
def test_a_damaged_archive_is_told_in_one_line(tmp_path, content):
    path = tmp_path / "DeepFilterNet3_onnx.tar.gz"
    if content is None:  # an archive without the graphs
        with tarfile.open(path, "w:gz") as archive:
            archive.addfile(tarfile.TarInfo("x"), io.BytesIO())
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="must hold enc, erb_dec, df_dec") as caught:
        _ = DeepFilterNet3Teacher(tmp_path).sessions
    assert "\n" not in str(caught.value)
