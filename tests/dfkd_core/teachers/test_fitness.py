import logging

import numpy as np
import pytest

from dfkd_core.errors import DataError
from dfkd_core.teachers.fitness import (
    delay_samples,
    level_db,
    measure,
    require_alignment,
    require_each_aligned,
    require_estimates,
)

CLEAN = np.random.default_rng(0).normal(size=(2, 4000)).astype(np.float32)


@pytest.mark.parametrize("shift", [0, 1, 384, -200])
def test_a_delay_is_found_by_cross_correlation(shift):
    assert delay_samples(np.roll(CLEAN, shift, axis=1), CLEAN) == shift


def test_a_shifted_teacher_is_refused_and_the_shift_is_told():
    with pytest.raises(DataError, match=r"teacher t: .* lags by 384 samples \(24.0 ms\); compensate"):
        require_alignment("t", np.roll(CLEAN, 384, axis=1), CLEAN)
    with pytest.raises(DataError, match="leads by 40 samples"):
        require_alignment("t", np.roll(CLEAN, -40, axis=1), CLEAN)
    require_alignment("t", CLEAN, CLEAN)


def test_a_scaled_teacher_is_told_with_its_level(caplog):
    with caplog.at_level(logging.WARNING):
        require_alignment("t", 0.1 * CLEAN, CLEAN)
    assert "-20.0 dB" in caplog.text


def test_the_level_is_that_of_the_clean_speech_in_the_estimate():
    assert level_db(10 * CLEAN, CLEAN) == pytest.approx(20.0, abs=1e-4)


@pytest.mark.parametrize("estimate", [CLEAN[:, :-1], CLEAN[0], np.full_like(CLEAN, np.nan)])
def test_estimates_of_another_shape_or_not_finite_are_refused(estimate):
    with pytest.raises(DataError, match="teacher t: must return"):
        require_estimates("t", estimate, CLEAN)


def test_silence_has_a_delay_and_a_level():
    assert delay_samples(0 * CLEAN, CLEAN) in range(-1600, 1601)
    assert np.isfinite(level_db(0 * CLEAN, 0 * CLEAN))


def test_a_teacher_that_turns_the_signal_over_is_refused():
    with pytest.raises(DataError, match="must keep the signal's sign"):
        require_alignment("t", -CLEAN, CLEAN)


def test_what_is_measured_is_told_in_one_line():
    late = np.roll(0.5 * CLEAN, 16, axis=1)
    assert str(measure(late, CLEAN)).startswith("delay 16 samples (1.0 ms), gain ")
    assert str(measure(-0.5 * CLEAN, CLEAN)) == "delay 0 samples (0.0 ms), gain -6.0 dB, correlation 1.00, sign turned"


def test_estimates_without_the_speech_have_neither_shift_nor_sign():
    other = np.random.default_rng(1).normal(size=CLEAN.shape).astype(np.float32)
    assert not measure(other, CLEAN).is_alike and not measure(other, CLEAN).is_shifted


def test_one_shifted_mixture_among_many_is_named():
    clean = np.random.default_rng(2).normal(size=(8, 4000)).astype(np.float32)
    noisy = clean + 0.5 * np.random.default_rng(3).normal(size=clean.shape).astype(np.float32)
    estimate, names = clean.copy(), [f"mixture-{i}" for i in range(8)]
    require_each_aligned("t", names, estimate, noisy, clean)
    estimate[5] = np.roll(clean[5], 100)
    with pytest.raises(DataError, match=r"teacher t: must not shift mixture-5, but lags by 100 samples \(6.2 ms\)"):
        require_each_aligned("t", names, estimate, noisy, clean)


def test_a_poor_estimate_is_no_shifted_one():
    clean = np.random.default_rng(2).normal(size=(2, 4000)).astype(np.float32)
    poor = np.random.default_rng(4).normal(size=clean.shape).astype(np.float32)
    require_each_aligned("t", ["a", "b"], poor, clean, clean)
    assert not measure(poor, clean).is_shifted
