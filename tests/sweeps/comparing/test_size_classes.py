"""Classes of size, and who wins them."""

from __future__ import annotations

import numpy as np
import pytest
from front_cases import QUALITY, complete, spec

from sweeps.comparing.size_classes import SizeClass, contests, offered, size_classes, winner
from sweeps.fronts.front import build_front


def test_classes_are_thirds_of_a_decade_where_those_are_few():
    assert size_classes([10_000, 19_999, 20_000, 70_000]) == [
        SizeClass(1e4, 2e4),
        SizeClass(2e4, 5e4),
        SizeClass(5e4, 1e5),
    ]


def test_classes_are_decades_where_thirds_would_be_many():
    sizes = [m * 10.0**p for p in range(3, 7) for m in (1, 3, 6)]
    assert size_classes(sizes) == [SizeClass(10.0**p, 10.0 ** (p + 1)) for p in range(3, 7)]


@pytest.mark.parametrize("sizes", [[], [0.0]])
def test_no_positive_size_has_no_class(sizes):
    assert size_classes(sizes) == []


def test_what_is_offered_grows_with_the_class():
    costs, sizes = np.array([-1.0, -3.0, -2.0]), np.array([10.0, 30.0, 70.0])
    classes = [SizeClass(5, 10), SizeClass(10, 20), SizeClass(20, 50), SizeClass(50, 100)]
    assert offered(costs, sizes, classes).tolist() == [np.inf, -1.0, -3.0, -3.0]


def test_a_shared_best_has_no_winner():
    assert winner(np.array([2.0, 1.0, 3.0])) == 1
    assert winner(np.array([1.0, 1.0, 3.0])) is None


def test_draws_tell_how_often_a_class_is_won():
    fronts = [build_front(spec(), "a", [complete(0, quality, 15_000)]) for quality in (2.0, 1.9)]
    costs = [np.array([[[-2.0, 9.6]], [[-1.8, 9.6]]]), np.array([[[-1.9, 9.6]], [[-1.9, 9.6]]])]
    (contest,) = contests(fronts, costs)
    assert (contest.winner, contest.share, contest.best) == (0, 0.5, (2.0, 1.9))


def test_objectives_without_a_log_size_have_no_classes():
    linear = [{"metric": QUALITY, "goal": "maximize"}, {"metric": "val/stoi", "goal": "maximize"}]
    front = build_front(
        spec(objectives=linear, reference_point={QUALITY: 1.0, "val/stoi": 0.5}), "a", [complete(0, 2.0, 1e4)]
    )
    assert contests([front, front], None) == []
