"""Slices of GTCRN: choices of channels that all layers can share; what they keep is held in the suite of slices."""

import pytest

from dfkd_core.models.gtcrn_slices import MOST, consistent_choices


def test_twelve_choices_of_eight_of_sixteen_in_two_families():
    evens = [(a, b) for a in (0, 2, 4) for b in (2, 4, 6) if a < b]
    first = {frozenset((a, 1, b, 3, 8, 9, 12, 15)) for a, b in evens}
    second = {frozenset((a, 5, b, 3, 10, 9, 12, 15)) for a, b in evens}
    assert {frozenset(choice) for choice in consistent_choices(16, 8)} == first | second
    assert len(consistent_choices(16, 8)) == 12


def test_twelve_of_sixteen_leave_out_one_even_channel_of_four_and_three_that_pass():
    left = {frozenset(range(16)) - frozenset(choice) for choice in consistent_choices(16, 12)}
    assert left == {frozenset((even, 3, 9, 12)) for even in (0, 2, 4, 6)}


def test_as_many_channels_are_all_in_their_order():
    assert consistent_choices(16, 16) == [tuple(range(16))]


@pytest.mark.parametrize(("wide", "narrow"), [(16, 4), (16, 8), (16, 12), (24, 8), (32, 12), (32, 16), (32, 24)])
def test_every_choice_satisfies_what_shuffles_and_halves_ask(wide, narrow):
    half, k = wide // 2, narrow // 2
    choices = consistent_choices(wide, narrow)
    assert choices and len({frozenset(choice) for choice in choices}) == len(choices)
    for s in choices:
        assert all(s[2 * i + 1] == 2 * (s[k + i] - half) + 1 and s[2 * i] % 2 == 0 for i in range(k))
        assert all((s[j] < half) == (j < k) for j in range(narrow)) and len(set(s)) == narrow


def test_of_very_many_choices_some_are_found_at_once():
    found = {narrow: len(consistent_choices(64, narrow)) for narrow in range(4, 68, 4)}
    assert min(found.values()) >= 1 and 1000 < max(found.values()) <= MOST**2


def test_some_widths_share_no_choice():
    assert consistent_choices(12, 8) == consistent_choices(24, 16) == []
