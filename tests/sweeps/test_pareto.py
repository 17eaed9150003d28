"""Pareto mathematics against brute force, on one to three objectives."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sweeps import pareto

# few distinct values, so that ties, repeated vectors and points beyond the reference are common
COSTS = st.integers(1, 3).flatmap(
    lambda m: st.integers(0, 9).flatmap(lambda n: arrays(np.float64, (n, m), elements=st.integers(0, 6).map(float)))
)
quick = settings(max_examples=80, deadline=None)


def dominates(a, b):
    return all(a <= b) and any(a < b)


def brute_ranks(costs):
    rank, left, level = np.zeros(len(costs), int), set(range(len(costs))), 0
    while left:
        front = {i for i in left if not any(dominates(costs[j], costs[i]) for j in left)}
        for i in front:
            rank[i] = level
        left, level = left - front, level + 1
    return rank


def brute_volume(costs, reference):
    """Count the unit cells below the integer reference that some point dominates."""
    cells = itertools.product(*(range(int(r)) for r in reference))
    return sum(any(all(c <= cell) for c in costs) for cell in cells)


@quick
@given(COSTS)
def test_the_front_is_what_nothing_dominates_and_equal_vectors_are_all_kept(costs):
    expected = [not any(dominates(other, c) for other in costs) for c in costs]
    assert pareto.non_dominated(costs).tolist() == expected


@quick
@given(COSTS)
def test_ranks_peel_one_front_after_the_other(costs):
    assert pareto.ranks(costs).tolist() == brute_ranks(costs).tolist()


@quick
@given(COSTS)
def test_the_hypervolume_counts_the_dominated_cells_below_the_reference(costs):
    reference = np.full(costs.shape[1], 5.0)
    assert pareto.hypervolume(costs, reference) == pytest.approx(brute_volume(costs, reference))


@quick
@given(COSTS)
def test_a_contribution_is_the_volume_lost_without_the_point(costs):
    reference = np.full(costs.shape[1], 5.0)
    whole = pareto.hypervolume(costs, reference)
    lost = [whole - pareto.hypervolume(np.delete(costs, i, axis=0), reference) for i in range(len(costs))]
    assert pareto.hypervolume_contributions(costs, reference) == pytest.approx(lost)


@quick
@given(COSTS)
def test_the_history_ends_each_step_at_the_hypervolume_of_the_points_so_far(costs):
    reference = np.full(costs.shape[1], 5.0)
    expected = [pareto.hypervolume(costs[: n + 1], reference) for n in range(len(costs))]
    assert pareto.hypervolume_history(list(costs), reference) == pytest.approx(expected)


@quick
@given(COSTS)
def test_a_growing_front_has_as_many_points_as_the_front(costs):
    front = pareto.GrowingFront(np.full(costs.shape[1], 5.0))
    for cost in costs:
        front.add(cost)
    assert len(front) == pareto.non_dominated(costs).sum()


def test_a_trial_without_a_point_leaves_the_history_level():
    assert pareto.hypervolume_history([None, (0, 0), None, (2, 2)], (1, 1)) == [0.0, 1.0, 1.0, 1.0]


@quick
@given(COSTS.filter(len), st.integers(1, 5), st.integers(-4, 4))
def test_the_knee_does_not_move_when_an_objective_changes_its_unit(costs, factor, shift):
    front = costs[pareto.non_dominated(costs)]
    assert pareto.knee(front) == pareto.knee(front * factor + shift)


def test_the_knee_bulges_most_below_the_line_between_the_extremes():
    assert pareto.knee([(0, 10), (1, 4), (2, 2), (6, 1), (10, 0)]) == 2


@pytest.mark.parametrize(
    "front",
    [
        [(3, 3)],
        [(3, 3), (3, 3)],
        [(0.1, 0.7), (0.3, 0.2)],
        [(0, 2), (1, 1), (2, 0)],  # on the line
        [(0, 0.3), (0.1, 0.2), (0.3, 0)],  # on the line but for rounding
        [(0, 10), (1, 9.5), (6, 6), (9.5, 1), (10, 0)],  # behind it
        [(0,), (0,)],
        [(0, 1, 1), (1, 0, 1), (1, 1, 0), (0.7, 0.7, 0.7)],
        [(-np.inf, 1), (0, 0.5), (1, 0)],
    ],
)
def test_a_front_that_does_not_bulge_has_no_knee(front):
    assert pareto.knee(front) is None


def test_three_points_have_a_knee_when_the_middle_one_bulges():
    assert pareto.knee([(0, 2), (0.9, 0.9), (2, 0)]) == 1
    assert pareto.knee([(0, 2), (1.1, 1.1), (2, 0)]) is None


def test_of_equally_far_points_the_first_is_the_knee():
    assert pareto.knee([(0, 1), (0.1, 0.5), (0.5, 0.1), (1, 0)]) == 1


def test_three_objectives_have_a_knee_where_a_point_beats_a_mixture_of_the_extremes():
    extremes = [(0, 1, 1), (1, 0, 1), (1, 1, 0)]
    assert pareto.knee([*extremes, (0.6, 0.6, 0.6), (0.6, 0.5, 0.7)]) == 3


def test_an_objective_that_follows_another_does_not_hide_the_knee():
    two = [(0, 1), (0.2, 0.4), (0.6, 0.35), (1, 0)]
    assert pareto.knee(two) == 1 == pareto.knee([(quality, size, size) for quality, size in two])


def test_an_extreme_is_no_knee_with_three_objectives_either():
    assert pareto.knee([(0, 0.1, 0.1), (1, 0, 1), (1, 1, 0)]) is None


@quick
@given(COSTS.filter(len))
def test_a_knee_lies_below_the_line_between_the_extremes_and_is_the_best_in_nothing(costs):
    front = costs[pareto.non_dominated(costs)]
    knee = pareto.knee(front)
    if knee is not None:
        z = pareto.normalised(front)[:, np.ptp(front, axis=0) > 0]
        assert (z[knee] > 0).all() and z.shape[1] > 1
        assert z.shape[1] > 2 or (z[knee].sum() == pytest.approx(z.sum(axis=1).min()) and z[knee].sum() < 1)


def test_an_empty_front_has_no_knee():
    with pytest.raises(ValueError, match="at least one point"):
        pareto.knee(np.empty((0, 2)))


def test_nan_is_refused_since_it_has_no_place_in_an_order():
    with pytest.raises(ValueError, match="without NaN"):
        pareto.non_dominated([(0.0, np.nan)])


def test_infinite_costs_are_ordered_and_span_no_volume():
    costs = [(-np.inf, 5), (0, 1), (1, np.inf), (0, 1)]
    assert pareto.non_dominated(costs).tolist() == [True, True, False, True]
    assert pareto.ranks(costs).tolist() == [0, 0, 1, 0]
    assert pareto.hypervolume(costs, (2, 6)) == pytest.approx(10.0)


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_ten_thousand_trials_are_ranked_without_comparing_all_with_all_at_once(objectives):
    costs = np.random.default_rng(0).random((10_000, objectives))
    tracemalloc.start()
    pareto.non_dominated(costs), pareto.ranks(costs), pareto.hypervolume_history(list(costs), np.ones(objectives))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 50e6, "a matrix of all pairs has a hundred million entries"


def test_epsilon_is_what_a_front_lacks_everywhere_to_match_another():
    a, b = [(0.0, 2.0), (1.0, 1.0)], [(0.0, 1.5), (2.0, 0.5)]
    assert pareto.additive_epsilon(a, b) == pytest.approx(0.5)
    assert pareto.additive_epsilon(a, a) == 0.0
    assert pareto.additive_epsilon([(-1.0, -1.0)], b) == pytest.approx(-1.0)


def test_coverage_counts_what_is_equalled_or_beaten():
    a, b = [(0.0, 2.0), (1.0, 1.0)], [(0.0, 2.0), (1.0, 1.5), (2.0, 0.5), (-1.0, 9.0)]
    assert pareto.coverage(a, b) == 0.5
    assert pareto.coverage(b, a) == 0.5
