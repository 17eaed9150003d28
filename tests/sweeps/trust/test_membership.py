"""Who is on a front whose points are noisy, and who cannot be told from whom."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dfkd_core.scoring.confidence import Crossing
from sweeps import pareto
from sweeps.trust.membership import alike, front_probability, holm, smallest_differences
from sweeps.trust.repeated_scores import RepeatedScores

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


def repeated(rng, means, sd, num_seeds=3, metrics=("m",)):
    """Scores over seeds alone, (seed, 1) a point."""
    scores = {m: [rng.normal(mean, sd, (num_seeds, 1)) for mean in means] for m in metrics}
    searched = {m: list(means) for m in metrics}
    return RepeatedScores(scores, searched, [range(num_seeds)] * len(means))


def test_points_are_alike_when_no_metric_tells_them_apart():
    quality = [np.array([[0.0], [0.1], [0.2]]), np.array([[0.05], [0.1], [0.25]]), np.array([[5.0], [5.1], [5.2]])]
    seeds, apart = [range(3)] * 3, [np.array([[k], [k + 0.1], [k + 0.2]]) for k in (0.0, 9.0, 0.0)]
    one = RepeatedScores({"a": quality}, {"a": [0, 0, 0]}, seeds)
    assert alike(one).tolist() == [[False, True, False], [True, False, False], [False, False, False]]
    assert not alike(RepeatedScores({"a": quality, "b": apart}, {"a": [0] * 3, "b": [0] * 3}, seeds)).any()


def test_without_a_noisy_metric_nothing_is_alike():
    assert alike(RepeatedScores({}, {}, [(1,), (1,)])).tolist() == [[False, False], [False, False]]


@pytest.mark.parametrize("num_points", [4, 10])
def test_of_fronts_of_equal_points_few_have_a_pair_that_is_told_apart(num_points):
    rng = np.random.default_rng(1)
    apart_found = [not alike(repeated(rng, [0.0] * num_points, 0.1))[0, 1:].all() for _ in range(200)]
    whole = [alike(repeated(rng, [0.0] * num_points, 0.1)).sum() < num_points * (num_points - 1) for _ in range(200)]
    assert np.mean(apart_found) <= 0.07 and np.mean(whole) <= 0.07


def test_many_tests_are_corrected_as_holm_does():
    assert holm(np.array([0.04, 0.01, 0.03])).tolist() == pytest.approx([0.06, 0.03, 0.06])
    assert holm(np.array([0.6, 0.9])).tolist() == pytest.approx([1.0, 1.0])
    assert holm(np.array([])).tolist() == []


NUM_CLIPS, NUM_SPEAKERS, NUM_NOISES = 40, 22, 6


def on_clips(rng, means, own_sds, seed_sd=0.025, single_sd=0.1, num_seeds=3):
    """Points that differ by speaker, noise and clip (`own_sds`), and that seeds shake as a whole and on each clip."""
    levels = [rng.permutation(np.resize(np.arange(n), NUM_CLIPS)) for n in (NUM_SPEAKERS, NUM_NOISES, NUM_CLIPS)]
    points = []
    for mean in means:
        own = sum(sd * rng.normal(size=NUM_CLIPS)[level] for sd, level in zip(own_sds, levels, strict=True))
        seeds = rng.normal(0, seed_sd, (num_seeds, 1)) + rng.normal(0, single_sd, (num_seeds, NUM_CLIPS))
        points.append(mean + own + seeds)
    crossing = Crossing(*(tuple(map(str, level)) for level in levels[:2]))
    return RepeatedScores({"m": points}, {"m": list(means)}, [range(num_seeds)] * len(means), crossing)


@pytest.mark.parametrize("means", [(20.0, 40.0), ()], ids=["four points", "two points"])
def test_the_smallest_difference_is_told_in_four_cases_of_five(means):
    """Two points that lie apart by what the sentence says, beside others that lie far off, by `alike` itself."""
    rng = np.random.default_rng(2)
    apart = np.median([smallest_differences(repeated(rng, [0.0, 1.0, *means], 0.1))[0]["m"] for _ in range(300)])
    apart_found = [not alike(repeated(rng, [0.0, apart, *means], 0.1))[0, 1] for _ in range(1000)]
    assert 0.76 <= np.mean(apart_found) <= 0.84


@pytest.mark.parametrize(
    ("own_sds", "num_points"),
    [((0.03, 0.04, 0.12), 6), ((0.0, 0.0, 0.15), 6), ((0.03, 0.04, 0.12), 3), ((0.0, 0.08, 0.05), 4)],
)
def test_over_clips_the_smallest_difference_is_told_in_four_cases_of_five(own_sds, num_points):
    """Every pair is moved to lie apart by what the sentence says, one way and the other, with all others told."""
    rng, means = np.random.default_rng(3), 3.0 * np.arange(num_points)
    apart = np.median([smallest_differences(on_clips(rng, means, own_sds))[0]["m"] for _ in range(60)])
    first, second = np.triu_indices(num_points, k=1)
    apart_found = []
    for _ in range(300):
        spread = on_clips(rng, means, own_sds).of_pairs("m")
        strayed = spread.values - (means[first] - means[second])
        apart_found += [replace(spread, values=strayed + sign * apart).p_values() < 0.05 for sign in (-1, 1)]
    assert 0.77 <= np.mean(apart_found) <= 0.83


@pytest.mark.parametrize("own_sds", [(0.06, 0.12, 0.16), (0.0, 0.0, 0.15)])
def test_of_two_points_too_the_smallest_difference_is_told_in_four_cases_of_five(own_sds):
    """One pair tells little of its own spread, least where six noises make it: the figure is no shorter for that."""
    rng = np.random.default_rng(5)
    apart = np.median([smallest_differences(on_clips(rng, [0.0, 1.0], own_sds))[0]["m"] for _ in range(150)])
    strayed = [on_clips(rng, [0.0, 0.0], own_sds).of_pairs("m") for _ in range(700)]
    told = [replace(s, values=s.values + sign * apart).p_values() < 0.05 for s in strayed for sign in (-1, 1)]
    assert 0.76 <= np.mean(told) <= 0.84


@pytest.mark.parametrize("num_points", [2, 5])
def test_worlds_that_are_drawn_again_show_what_this_one_shows(num_points):
    """At the median: a variance of few levels is too small in most worlds, in this one as in those."""
    scores = on_clips(np.random.default_rng(6), [0.0] * num_points, (0.06, 0.12, 0.16))
    drawn = np.square(scores.pairs_drawn_again("m", 2000).deviation).reshape(-1, num_points - 1).mean(axis=1)
    assert np.median(drawn) == pytest.approx(np.square(scores.of_pairs("m").deviation).mean())


def test_any_number_of_seeds_leaves_what_the_clips_bound():
    own_sds = (0.0, 0.08, 0.05)

    def median(num_seeds):
        worlds = [on_clips(np.random.default_rng(k), [0.0, 1.0, 3.0], own_sds, num_seeds=num_seeds) for k in range(9)]
        return np.median([[found["m"] for found in smallest_differences(world)] for world in worlds], axis=0)

    few, of_clips = median(3)
    assert of_clips < 0.98 * few
    many, of_clips = median(60)
    assert of_clips <= many < 1.05 * of_clips


def test_points_that_are_still_open_make_the_smallest_difference_larger():
    noise = np.random.default_rng(3).normal(0, 0.1, (3, 40, 1))

    def smallest(*means):
        scores = {"m": [mean + rows for mean, rows in zip(means, noise, strict=True)]}
        return smallest_differences(RepeatedScores(scores, {"m": means}, [range(40)] * 3))

    assert smallest(0.0, 0.0, 0.0)[0]["m"] > 1.1 * smallest(0.0, 5.0, 9.0)[0]["m"]
    assert smallest(0.0, 5.0, 9.0)[1] == {}, "no clips were kept"


def test_one_point_has_nothing_to_differ_from():
    assert smallest_differences(repeated(np.random.default_rng(4), [0.0], 0.1)) == ({}, {})
    assert not alike(repeated(np.random.default_rng(4), [0.0], 0.1)).any()
