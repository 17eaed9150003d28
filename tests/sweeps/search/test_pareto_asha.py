"""Early stopping for several objectives: neither small nor large by itself decides, and the front is kept."""

import functools
import math
import random

import numpy as np
import pytest

from sweeps import pareto
from sweeps.search.pareto_asha import ParetoASHA, rung_epochs, without_trend

EPOCHS, LARGEST = 9, 1e6
REFERENCE = (0.0, math.log(LARGEST))


def rule(**changes):
    return ParetoASHA(REFERENCE, (False, True), EPOCHS, **{"reduction_factor": 3.0, "min_epochs": 1, **changes})


def cost(quality, share):
    """Costs of a quality and a size, the latter as a share of the largest."""
    return -quality, math.log(LARGEST * share)


def normal(share):
    """What a good model of this size reaches."""
    return share**0.3


@pytest.mark.parametrize(
    ("num_epochs", "factor", "first", "rungs"),
    [(9, 3, 1, [1, 3]), (10, 3, 1, [1, 3, 9]), (27, 3, 2, [2, 6, 18]), (8, 2, 1, [1, 2, 4]), (5, 1.5, 1, [1, 2, 3])],
)
def test_rungs_are_geometric_and_below_the_full_number(num_epochs, factor, first, rungs):
    assert rung_epochs(first, factor, num_epochs) == rungs


def test_nothing_is_stopped_between_rungs():
    asha = rule()
    assert not any(asha.should_stop(number, 2, cost(0.0, 1.0)) for number in range(30))


def test_the_first_to_arrive_go_on():
    """There is nobody to be compared with yet, and no barrier to wait at."""
    asha = rule()
    assert not any(asha.should_stop(number, 1, cost(0.1, 1.0)) for number in range(3))


def test_a_dominated_trial_stops_and_a_dominating_one_goes_on():
    asha = rule()
    for number in range(12):
        asha.note(number, 1, cost(normal(0.5) - 0.02 * number, 0.5))
    assert asha.should_stop(20, 1, cost(0.1, 0.5))
    assert not asha.should_stop(21, 1, cost(0.99, 0.5))


def crowd(asha, sizes):
    """Good models of many sizes."""
    for number, share in enumerate(sizes):
        asha.note(number, 1, cost(normal(share) * (1 - 0.02 * (number % 3)), share))


def test_a_small_model_does_not_survive_by_its_size_alone():
    """No other is as small, so none dominates it; yet it is far worse than its size explains."""
    asha = rule()
    crowd(asha, np.geomspace(0.1, 1.0, 15))
    useless = cost(0.02, 0.08)
    costs = np.array([*asha.rungs[1].values(), useless])
    assert pareto.non_dominated(costs)[-1]
    assert asha.should_stop(99, 1, useless)


def test_a_small_model_that_is_good_for_its_size_goes_on():
    asha = rule()
    crowd(asha, np.geomspace(0.1, 1.0, 15))
    assert not asha.should_stop(99, 1, cost(normal(0.08) * 1.05, 0.08))


def test_a_large_model_does_not_die_by_its_size():
    """Large models learn slowly: at the first rung all of them are dominated by smaller ones."""
    asha = rule()
    for number, share in enumerate(np.geomspace(0.1, 1.0, 15)):
        asha.note(number, 1, cost(normal(share) * (1 - 0.7 * share), share))
    promising = cost(normal(0.95) * (1 - 0.7 * 0.95) * 1.1, 0.95)
    costs = np.array([*asha.rungs[1].values(), promising])
    assert not pareto.non_dominated(costs)[-1]
    assert not asha.should_stop(99, 1, promising)


def test_a_large_model_that_is_poor_for_its_size_stops():
    asha = rule()
    crowd(asha, np.geomspace(0.1, 1.0, 15))
    assert asha.should_stop(99, 1, cost(0.3, 0.95))


def test_a_result_told_twice_changes_nothing():
    """A resumed trial repeats its last report."""
    asha, twice = rule(), rule()
    for number in range(20):
        arrived = cost(random.Random(number).random(), 0.1 + 0.04 * number)
        first = asha.should_stop(number, 1, arrived)
        assert twice.should_stop(number, 1, arrived) == first
        assert twice.should_stop(number, 1, arrived) == first
    assert asha.rungs == twice.rungs


def test_the_order_of_axes_and_units_does_not_matter():
    """Ranks, contributions and residuals are the same when quality is counted in percent."""
    plain, scaled = rule(), ParetoASHA((0.0, REFERENCE[1]), (False, True), EPOCHS)
    for number in range(30):
        draw = random.Random(number)
        quality, share = draw.random(), draw.uniform(0.05, 1)
        assert plain.should_stop(number, 1, cost(quality, share)) == scaled.should_stop(
            number, 1, (-100 * quality, math.log(LARGEST * share))
        )


@pytest.mark.parametrize("static", [(False, False), (True, True)])
def test_without_a_known_size_ranks_alone_decide(static):
    asha = ParetoASHA((0.0, 0.0), static, EPOCHS)
    for number in range(9):
        asha.note(number, 1, (-1.0 - number, -1.0 - number))
    assert asha.should_stop(20, 1, (-0.5, -0.5))
    assert not asha.should_stop(21, 1, (-50.0, -50.0))


def test_a_trend_through_few_points_is_not_taken_out():
    few = np.array([[0.1], [0.2], [0.3]])
    assert np.array_equal(without_trend(few, few), few)
    line = np.linspace(0, 1, 9)[:, None]
    assert np.allclose(without_trend(line, 3 - 2 * line), 0)


def about_equal(x, share, epoch):
    return (1 - (x - 0.6) ** 2) * share**0.3 * (1 - math.exp(-epoch))


def large_are_slow(x, share, epoch):
    return (1 - (x - 0.3) ** 2) * share**0.4 * (1 - math.exp(-epoch * (0.6 - 0.4 * share)))


def curves_cross(x, share, epoch):
    return (1 - abs(x - 0.5)) * share**0.3 * (1 - math.exp(-epoch * (0.3 + x)))


def size_hardly_matters(x, share, epoch):
    return 0.5 + 0.4 * math.sin(3 * x) * (1 - math.exp(-epoch / 2)) + 0.1 * share


def noisy(x, share, epoch):
    return about_equal(x, share, epoch) + random.Random(f"{x} {share} {epoch}").gauss(0, 0.03)


def volume(landscape, trials, chosen):
    points = [cost(landscape(*trials[number], EPOCHS), trials[number][1]) for number in chosen]
    return pareto.hypervolume(np.array(points), REFERENCE) if points else 0.0


def halve(landscape, trials, draw, num_workers=3):
    """Run trials side by side; returns those that came to the end, and the stops at each rung."""
    asha, queue, live, ended = rule(), list(range(len(trials))), {}, []
    stops = dict.fromkeys(asha.rungs, 0)
    while queue or live:
        while queue and len(live) < num_workers:
            live[queue.pop(0)] = 0
        number = draw.choice(list(live))
        live[number] += 1
        if live[number] == EPOCHS:
            ended.append(number)
        elif not asha.should_stop(
            number, live[number], cost(landscape(*trials[number], live[number]), trials[number][1])
        ):
            continue
        else:
            stops[live[number]] += 1
        del live[number]
    return ended, stops


def stop_at_random(trials, stops, draw):
    """As many stops at each rung, so as many epochs, with the victims drawn."""
    left = list(range(len(trials)))
    for num in stops.values():
        gone = set(draw.sample(left, num))
        left = [number for number in left if number not in gone]
    return left


@functools.cache
def compare(landscape, seed):
    """Hypervolume kept by the rule, by random stops of equal spend (mean of 20), and the share of epochs spent."""
    draw = random.Random(seed)
    trials = [(draw.random(), math.exp(draw.uniform(math.log(0.05), 0))) for _ in range(60)]
    ended, stops = halve(landscape, trials, draw)
    by_chance = [volume(landscape, trials, stop_at_random(trials, stops, random.Random(seed + k))) for k in range(20)]
    spent = (EPOCHS * len(ended) + sum(epoch * num for epoch, num in stops.items())) / (EPOCHS * len(trials))
    whole = volume(landscape, trials, range(len(trials)))
    return volume(landscape, trials, ended) / whole, float(np.mean(by_chance)) / whole, spent


@pytest.mark.parametrize("landscape", [about_equal, large_are_slow, curves_cross, size_hardly_matters])
def test_at_equal_spend_the_front_is_better_than_by_chance_on_twenty_seeds(landscape):
    for seed in range(20):
        kept, by_chance, spent = compare(landscape, seed)
        assert kept > by_chance, f"seed {seed}: {kept:.3f} against {by_chance:.3f}"
        assert 0.2 < spent < 0.6


def test_with_noise_the_front_is_better_than_by_chance_on_average():
    results = np.array([compare(noisy, seed)[:2] for seed in range(20)])
    assert results[:, 0].mean() > results[:, 1].mean() + 0.03
    assert (results[:, 0] > results[:, 1]).sum() >= 16
