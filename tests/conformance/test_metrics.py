"""The contract of every metric in the table."""

import math

import numpy as np
import pytest

from dfkd_core.errors import ConfigError
from dfkd_core.metrics import KNOWN, OPTIONAL

SECOND = 16000


def speech_like(seconds=2.0, seed=0):
    """Harmonics under a syllable-rate envelope, (time,)."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * SECOND)) / SECOND
    voice = sum(np.sin(2 * np.pi * 140 * k * t + rng.uniform(0, 6)) / k for k in range(1, 30))
    return (0.1 * voice * np.clip(np.sin(2 * np.pi * 3 * t), 0.02, None)).astype(np.float32)


CLEAN = speech_like()
NOISE = 0.05 * np.random.default_rng(1).standard_normal(CLEAN.size).astype(np.float32)


def badness(metric, value):
    """Smaller is better, whatever the goal."""
    return {"maximize": -value, "minimize": value, "zero": abs(value)}[metric.goal]


@pytest.fixture(params=KNOWN)
def metric(request):
    if request.param in OPTIONAL:
        try:
            OPTIONAL[request.param].require_installed()
        except ConfigError as error:
            pytest.skip(str(error))
    return KNOWN[request.param]


def test_the_tables_name_each_metric_as_it_names_itself():
    assert all(name == metric.name and metric.unit for name, metric in KNOWN.items())


def test_the_clean_speech_itself_scores_best(metric):
    assert badness(metric, metric(CLEAN, CLEAN)) <= badness(metric, metric(CLEAN + NOISE, CLEAN))


@pytest.mark.parametrize("silence", [0.0, 1e-12, 1e-7])
def test_a_silent_estimate_never_beats_the_noisy_mixture(metric, silence):
    silent, noisy = metric(silence * NOISE, CLEAN), metric(CLEAN + 10 * NOISE, CLEAN)
    assert math.isfinite(silent)
    assert badness(metric, silent) >= badness(metric, noisy)


@pytest.mark.parametrize("seconds", [1 / SECOND, 0.01, 0.2])
def test_short_clips_are_finite_or_undefined_and_raise_nothing(metric, seconds):
    short = CLEAN[4000 : 4000 + int(seconds * SECOND)]
    assert isinstance(metric(short + 0.1, short), float)


@pytest.mark.parametrize("estimate", [CLEAN, NOISE, 0 * CLEAN])
def test_silent_clean_speech_leaves_a_score_undefined_whatever_the_estimate(metric, estimate):
    assert math.isnan(metric(estimate, 0 * CLEAN))


def test_the_same_signals_always_get_the_same_score(metric):
    assert metric(CLEAN + NOISE, CLEAN) == metric(CLEAN + NOISE, CLEAN)


def test_a_score_leaves_the_global_random_state_alone(metric):
    np.random.seed(3)
    expected = np.random.standard_normal()
    np.random.seed(3)
    metric(CLEAN + NOISE, CLEAN)
    assert np.random.standard_normal() == expected


def test_inputs_stay_unchanged(metric):
    estimate, clean = CLEAN + NOISE, CLEAN.copy()
    metric(estimate, clean)
    assert np.array_equal(estimate, CLEAN + NOISE) and np.array_equal(clean, CLEAN)


def test_an_estimate_that_is_not_finite_is_refused(metric):
    with pytest.raises(ValueError, match="finite"):
        metric(np.full_like(CLEAN, np.nan), CLEAN)


def test_lengths_must_agree(metric):
    with pytest.raises(ValueError, match="one length"):
        metric(CLEAN[:-1], CLEAN)
