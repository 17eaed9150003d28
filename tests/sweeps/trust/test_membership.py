"""Who is on a front whose points are noisy, and who cannot be told from whom."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sweeps import pareto
from sweeps.trust.membership import alike, front_probability, smallest_difference

RNG = np.random.default_rng(0)


def noisy(means, sd, num_draws=4000):
    """Draws (draw, point) of independent Gaussian means."""
    return RNG.normal(means, sd, (num_draws, len(means)))


def with_sizes(quality, sizes):
    """Costs (draw, point, objective) of a quality to maximise and exact sizes."""
    return np.stack([-quality, np.tile(np.asarray(sizes, dtype=float), (len(quality), 1))], axis=2)


def test_points_that_are_clearly_apart_are_certain():
    quality = noisy([1.0, 2.0, 1.0], 0.05)
    assert front_probability(with_sizes(quality, [10, 20, 30])) == pytest.approx([1, 1, 0], abs=0.01)


def test_a_larger_point_of_equal_quality_is_on_the_front_half_the_time():
    quality = noisy([1.0, 1.0], 0.1)
    assert front_probability(with_sizes(quality, [10, 20])) == pytest.approx([1, 0.5], abs=0.03)


@pytest.mark.parametrize("ahead", [-0.2, 0.1, 0.3])
def test_the_probability_is_that_of_two_gaussians(ahead):
    quality = noisy([1.0, 1.0 + ahead], 0.2)
    expected = stats.norm.cdf(ahead / (0.2 * math.sqrt(2)))
    assert front_probability(with_sizes(quality, [10, 20]))[1] == pytest.approx(expected, abs=0.03)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8))
def test_without_noise_the_probability_is_the_front_itself(points):
    costs = np.tile(np.array(points, dtype=float), (3, 1, 1))
    assert (front_probability(costs) == pareto.non_dominated(costs[0])).all()


def test_points_are_alike_when_no_metric_tells_them_apart():
    quality, other = noisy([1.0, 1.02, 2.0], 0.1), noisy([0.0, 0.0, 0.0], 0.1)
    pairs = [[False, True, False], [True, False, False], [False, False, False]]
    assert alike([quality], 3).tolist() == pairs
    assert alike([quality, other], 3).tolist() == pairs
    assert not alike([quality, noisy([0.0, 1.0, 0.0], 0.1)], 3).any()


def test_without_a_noisy_metric_nothing_is_alike():
    assert alike([], 2).tolist() == [[False, False], [False, False]]


def test_the_smallest_difference_is_that_of_two_gaussians():
    expected = stats.norm.ppf(0.975) * 0.1 * math.sqrt(2)
    assert smallest_difference(noisy([0.0, 5.0, 9.0], 0.1)) == pytest.approx(expected, rel=0.06)


def test_one_point_has_nothing_to_differ_from():
    assert smallest_difference(noisy([0.0], 0.1)) is None
