"""What a dimension explains, and what chance would."""

from __future__ import annotations

import numpy as np
import pytest
from front_cases import QUALITY, SIZE, complete, ended, random_sweep, spec
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.fronts.dimension_importance import explained_share, groups, importance, noise_floor
from sweeps.record.trials import TrialState

OBJECTIVES = spec().objectives


def test_a_dimension_that_decides_the_objective_explains_all_of_it():
    assert explained_share(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 2.0, 2.0])) == pytest.approx(1.0)


def test_shares_are_unbiased_where_nothing_is_explained():
    random = np.random.default_rng(0)
    shares = [explained_share(random.integers(0, 4, 40), random.permutation(40.0 + np.arange(40))) for _ in range(400)]
    assert np.mean(np.array(shares) > noise_floor(np.arange(40.0))) == pytest.approx(0.05, abs=0.03)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-5, 5)), min_size=2, max_size=30))
def test_a_share_lies_between_none_and_all(cases):
    group, values = (np.array(column) for column in zip(*cases, strict=True))
    assert 0 <= explained_share(group, values) <= 1


@pytest.mark.parametrize("values", [["a"] * 12, [3.0] * 12, [None] * 12, list(range(3)) * 4 + ["x"]])
def test_odd_dimensions_are_grouped_by_value(values):
    assert len(set(groups(values))) == len({repr(value) for value in values})


def test_numbers_are_put_into_equally_filled_bins_and_absent_ones_into_their_own():
    found = groups([*np.linspace(0, 1, 90).tolist(), *[None] * 10])
    counts = np.bincount(found)
    assert len(counts) == 9 and counts[-1] == 10 and set(counts[:-1]) <= {11, 12}


def test_size_is_explained_by_width_alone():
    found = importance(random_sweep(300), OBJECTIVES[1], ["student.width", "distillation.split"])
    assert found["metric"] == SIZE and next(iter(found["shares"])) == "student.width"
    assert found["shares"]["student.width"] > 0.9 > found["floor"] > found["shares"]["distillation.split"]


def test_only_complete_trials_count_and_ten_are_needed():
    failed = [ended(n, TrialState.PRUNED, **{QUALITY: 2.0, SIZE: 1e5}) for n in range(50)]
    assert (
        importance([complete(n, 1 + n / 10, 1e5) for n in range(9)] + failed, OBJECTIVES[0], ["student.width"]) is None
    )
    assert (
        importance([complete(n, 1 + n / 10, 1e5) for n in range(10)], OBJECTIVES[0], ["student.width"])["trials"] == 10
    )


def test_the_noise_floor_falls_as_trials_come_in():
    floors = [noise_floor(np.arange(float(n))) for n in (12, 50, 400)]
    assert floors == sorted(floors, reverse=True) and floors[-1] < 0.05
