"""Which dominated trials a little luck would have put on the front."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps import pareto
from sweeps.trust.near_neighbours import NEAR, near_neighbours

BOTH, QUALITY = (True, True), (True, False)
FRONT = [(-3.0, 30.0), (-2.0, 20.0), (-1.0, 10.0)]


def test_the_nearest_come_first_and_distant_ones_not_at_all():
    points = [*FRONT, (-1.85, 20.0), (-0.95, 11.0), (0.0, 25.0)]
    assert near_neighbours(points, QUALITY) == [4, 3]


def test_there_are_at_most_as_many_as_the_front_has_points():
    points = [(-1.0, 10.0), *((-1.0 + 0.01 * k, 11.0) for k in range(1, 6)), (0.0, 12.0)]
    assert near_neighbours(points, QUALITY) == [1]


def test_a_size_that_is_known_before_training_does_not_improve_by_luck():
    points = [(-3.0, 10.0), (-2.0, 10.5), (0.0, 100.0)]
    assert near_neighbours(points, QUALITY) == []
    assert near_neighbours(points, BOTH) == [1]


def test_it_takes_all_who_dominate_to_be_outdone():
    points = [(-3.0, 5.0), (-1.05, 1.0), (-1.0, 6.0), (0.0, 9.0)]
    assert near_neighbours(points, QUALITY) == [], "one of the two is far better"


@pytest.mark.parametrize("points", [[(1.0, 1.0)], [(1.0, 2.0), (2.0, 1.0)], [(1.0, 1.0), (1.0, 1.0)]])
def test_without_dominated_points_there_are_none(points):
    assert near_neighbours(points, BOTH) == []


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=15))
def test_a_neighbour_that_improves_by_its_distance_and_a_little_is_on_the_front(points):
    costs = np.array(points, dtype=float)
    for index in near_neighbours(costs, BOTH):
        lucky = costs.copy()
        lucky[index] -= (NEAR + 1e-6) * np.maximum(np.ptp(costs, axis=0), 1e-6)
        assert pareto.non_dominated(lucky)[index]
        assert not pareto.non_dominated(costs)[index]
