"""Where configurations are few, early stopping stops what its own finished trials say it may."""

import numpy as np
import pytest

from sweeps.search.pareto_asha import ParetoASHA
from sweeps.search.schedulers import build_rule
from sweeps.search.sure_stops import SureStops, expected_end

EPOCHS, SIZES = 6, (9.0, 10.0, 11.0)


def stopped_of_good_and_bad(agreement, seed):
    """40 finished trials in three sizes, then for each of 30 arrivals at the first rung whether it stops.

    Of a trial's cost at the rung the share `agreement` is what it ends with, the rest is luck.
    """
    rng = np.random.default_rng(seed)
    rule = SureStops(ParetoASHA((0.0, 12.0), (False, True), EPOCHS))

    def costs(worth, number):
        size = SIZES[number % 3]
        early = agreement * worth + (1 - agreement) * rng.standard_normal()
        return [(-5 - size + 0.3 * value, size) for value in (early + 2, worth)]

    for number in range(40):
        early, late = costs(rng.standard_normal(), number)
        rule.note(number, 1, early)
        rule.note(number, EPOCHS, late)
    found = {True: [], False: []}
    for number in range(40, 70):
        is_good = number % 2 == 0
        early, _ = costs(-1.5 if is_good else 1.5, number)
        found[is_good].append(rule.should_stop(number, 1, early))
    return np.mean(found[True]), np.mean(found[False])


@pytest.mark.parametrize("seed", range(3))
def test_where_a_rung_tells_the_end_the_bad_stop_and_where_it_does_not_nobody_does(seed):
    good, bad = stopped_of_good_and_bad(0.95, seed)
    assert good < 0.2 and bad > 0.9
    good, bad = stopped_of_good_and_bad(0.0, seed)
    assert max(good, bad) < 0.3, "ranks of luck alone"


def test_before_four_trials_have_ended_nobody_stops():
    rule, plain = (build_rule("pareto_asha", (0.0, 12.0), (False, True), EPOCHS, 3.0, 1, s) for s in (True, False))
    verdicts = []
    for number in range(12):
        cost = (-10.0 + number, 10.0)
        verdicts.append((rule.should_stop(number, 1, cost), plain.should_stop(number, 1, cost)))
    assert not any(sure for sure, _ in verdicts) and sum(asha for _, asha in verdicts) > 6


def test_only_pareto_asha_has_to_be_sure_and_only_where_configurations_are_scarce():
    setting = ((0.0, 12.0), (False, True), EPOCHS, 3.0, 1)
    assert isinstance(build_rule("pareto_asha", *setting, True), SureStops)
    assert isinstance(build_rule("pareto_asha", *setting, False), ParetoASHA)
    assert build_rule("none", *setting, True) is None


def test_an_end_is_expected_from_trials_near_in_size_with_a_doubt_that_shrinks():
    """A gain of one, whatever the cost at the rung; the far trial, which gained nothing, hardly counts."""
    rung = np.array([1.0, 2.0, 3.0, 4.0, 9.0, 2.5])
    is_over = np.array([True] * 5 + [False])
    weights, gains = np.array([1, 1, 1, 1, 1e-6, 1]), np.array([1, 1, 1, 1, 0])
    mean, sd = expected_end(rung, rung[:5] + gains, is_over, weights)
    assert mean[5] == pytest.approx(3.5, abs=0.01)
    noisy = expected_end(rung, rung[:5] + np.array([2, 0, 2, 0, 0]), is_over, weights)
    assert sd[5] < 0.6 * noisy[1][5]
