"""Whether the order of a front held at full budget: Kendall's tau, its interval, and what few points allow."""

import math

import numpy as np
import pytest

from sweeps.trust.full_budget import FEWEST, rank_agreement


def test_tau_counts_pairs_in_the_same_order_less_those_in_the_other():
    found = rank_agreement([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 6, 5])  # 14 of 15 pairs
    assert found.tau == pytest.approx(13 / 15, abs=1e-4)
    assert found.interval[0] < 13 / 15 < found.interval[1] == 1
    assert found.p_value == pytest.approx(2 * (1 + 5) / math.factorial(6))


def test_an_order_that_holds_wholly_still_has_an_interval():
    found = rank_agreement(range(8), range(8))
    assert found.tau == 1 and found.interval[1] == 1 and 0.2 < found.interval[0] < 0.7


def test_few_points_have_no_interval_and_points_without_a_difference_no_tau():
    assert rank_agreement([1, 2, 3], [1, 2, 3]).interval is None
    assert rank_agreement([1.0, 1.0, 1.0], [1, 2, 3]) is None


@pytest.mark.parametrize("tau", [0.0, 0.8, 0.95])
def test_the_interval_holds_about_what_it_promises(tau):
    rng, rho, hits = np.random.default_rng(0), math.sin(math.pi * tau / 2), 0
    for _ in range(300):
        x = rng.normal(size=FEWEST + 4)
        low, high = rank_agreement(x, rho * x + math.sqrt(1 - rho**2) * rng.normal(size=len(x))).interval
        hits += low <= tau <= high
    assert 0.9 < hits / 300 <= 1.0
