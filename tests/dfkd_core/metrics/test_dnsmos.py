import sys

import numpy as np
import pytest

from dfkd_core.errors import ConfigError
from dfkd_core.metrics import METRICS, chosen_metrics, dnsmos
from dfkd_core.metrics.dnsmos import DNSMOS, windows

SECOND = 16_000


def test_a_short_clip_is_repeated_until_a_window_fits():
    cut = windows(np.arange(4.0 * SECOND))
    assert cut.shape == (7, 144_160)  # 16 s
    assert np.array_equal(cut[0, 4 * SECOND : 8 * SECOND], np.arange(4.0 * SECOND, dtype=np.float32))


def test_windows_begin_every_second():
    cut = windows(np.arange(11.0 * SECOND))
    assert cut[:, 0].tolist() == [0, SECOND]


@pytest.mark.parametrize(("seconds", "count"), [(9.01, 1), (9.9, 1), (10.02, 1), (11.0, 2), (11.5, 2), (12.0, 3)])
def test_there_are_as_many_windows_as_the_reference_rates(seconds, count):
    assert len(windows(np.zeros(round(seconds * SECOND)))) == count


def test_without_the_wheel_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(dnsmos, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'dfkd-sweeps\[dnsmos\]'") as caught:
        chosen_metrics(["dnsmos"])
    assert "\n" not in str(caught.value)


def test_nobody_who_does_not_ask_for_it_needs_the_wheel(monkeypatch):
    monkeypatch.setattr(dnsmos, "find_spec", None)
    assert chosen_metrics() == METRICS


def test_silence_is_judged_without_the_network(monkeypatch, clean):
    monkeypatch.setattr(dnsmos, "find_spec", lambda name: None)
    assert DNSMOS()(0 * clean, clean) == 1.0
    assert np.isnan(DNSMOS()(clean, 0 * clean))


class Rating:
    """A network whose ratings are those given, one a window."""

    def __init__(self, *overall):
        self.overall = list(overall)

    def get_inputs(self):
        return [self]

    name = "input_1"

    def run(self, names, inputs):
        assert inputs["input_1"].shape == (1, 144_160) and inputs["input_1"].dtype == np.float32
        return [np.array([[0.0, 0.0, self.overall.pop(0)]])]


def test_ratings_pass_through_the_published_polynomial_and_are_averaged(monkeypatch):
    metric = DNSMOS()
    metric.__dict__["_session"] = Rating(2.0, 4.0)
    signal = np.random.default_rng(0).normal(0, 0.1, 11 * SECOND)
    expected = np.mean([-0.06766283 * x**2 + 1.11546468 * x + 0.04602535 for x in (2.0, 4.0)])
    assert metric(signal, signal) == pytest.approx(expected)


def test_the_wheel_is_found_and_not_imported(clean):
    try:
        DNSMOS().require_installed()
    except ConfigError as error:
        pytest.skip(str(error))
    assert 1 <= DNSMOS()(clean, clean) <= 5
    assert not {"speechmos", "librosa"} & sys.modules.keys()


def test_windows_that_are_the_same_are_rated_once():
    metric = DNSMOS()
    metric.__dict__["_session"] = Rating(1.0, 2.0, 3.0, 4.0)  # a fifth rating would find none
    signal = np.random.default_rng(0).normal(0, 0.1, 4 * SECOND)
    assert 1 < metric(signal, signal) < 4
