"""Variances over clips and seeds: known Gaussian cases, and intervals that hold what they promise."""

import math

import numpy as np
import pytest
from scipy import stats

from dfkd_core.scoring.confidence import Crossing
from sweeps.trust.repeated_scores import RepeatedScores

METRIC = "val/pesq_wb"
WIDTH = 2 * stats.norm.ppf(0.975)
NUM_POINTS, NUM_SEEDS, NUM_SPEAKERS, NUM_NOISES, NUM_CLIPS = 6, 3, 24, 8, 96
SEED_SD, SPEAKER_SD, NOISE_SD, OWN_SD, CLIP_SD = 0.05, 0.3, 0.3, 0.06, 0.1


def crossing(rng):
    speakers, noises = (rng.permutation(np.resize(np.arange(n), NUM_CLIPS)) for n in (NUM_SPEAKERS, NUM_NOISES))
    return Crossing(tuple(map(str, speakers)), tuple(map(str, noises)))


def effect(rng, names, sd):
    return sd * rng.normal(size=100)[np.array(names, dtype=int)]


def scores_of(rng, truth, crossed):
    """Per point (seed, clip): its truth, what speakers and noises add for all and for it alone, seeds and clips."""
    shared = effect(rng, crossed.speakers, SPEAKER_SD) + effect(rng, crossed.noise_families, NOISE_SD)
    found = []
    for value in truth:
        own = effect(rng, crossed.speakers, OWN_SD) + effect(rng, crossed.noise_families, OWN_SD)
        seeds = rng.normal(0, SEED_SD, NUM_SEEDS)[:, None]
        found.append(value + shared + own + seeds + rng.normal(0, CLIP_SD, (NUM_SEEDS, NUM_CLIPS)))
    return found


def repeated(scores, crossed=None, searched=None, groups=()):
    seen = [np.nanmean(rows) for rows in scores] if searched is None else searched
    return RepeatedScores(
        {METRIC: scores}, {METRIC: seen}, [range(1, len(rows) + 1) for rows in scores], crossed, groups
    )


def widths(spread):
    low, high = spread.interval()
    return high - low


def contrast(scores, first, second):
    weights = np.zeros((1, 1, scores.means.shape[1]))
    weights[0, 0, [first, second]] = 1, -1
    return scores.spread(weights)


def shaken_together(rng, truth, shared_sd, own_sd, num_seeds=NUM_SEEDS):
    """Per point (seed, 1): its truth, what a seed adds for the whole group of three, and what it adds for it alone."""
    groups = [point // 3 for point in range(len(truth))]
    shared = rng.normal(0, shared_sd, (max(groups) + 1, num_seeds))
    own = rng.normal(0, own_sd, (len(truth), num_seeds))
    return [(truth[p] + shared[g] + own[p])[:, None] for p, g in enumerate(groups)], groups


def test_without_clips_many_seeds_give_the_width_of_the_standard_error():
    rng = np.random.default_rng(0)
    scores = [rng.normal(k, 1.0, (40, 1)) for k in range(5)]
    assert widths(repeated(scores).of_points(METRIC)) == pytest.approx(WIDTH / math.sqrt(40), rel=0.1)


def test_three_seeds_of_one_point_have_students_interval():
    scores = [np.array([[0.0], [1.0], [2.0]])]
    student = 2 * stats.t.ppf(0.975, 2) / math.sqrt(3)
    assert widths(repeated(scores).of_points(METRIC))[0] == pytest.approx(student)


def test_what_seeds_add_is_no_part_of_what_clips_add():
    rng = np.random.default_rng(1)
    constant = [np.full((3, NUM_CLIPS), value) + rng.normal(0, 1, 3)[:, None] for value in (1.0, 2.0)]
    scores = repeated(constant, crossing(rng))
    of_clips = scores.pairs_drawn_again(METRIC, 20, with_seeds=False)
    assert of_clips.deviation == pytest.approx(0, abs=1e-7) and of_clips.values == pytest.approx(0, abs=1e-7)
    assert widths(scores.of_points(METRIC)).min() > 0.5


def test_what_is_a_seeds_and_a_clips_at_once_is_counted_once():
    """Every seed and clip strays by itself: the mean of 3 x 96 such numbers has their variance over 288, or a little
    more as it is estimated; counted twice it would be twice that."""
    rng, found = np.random.default_rng(2), []
    for _ in range(100):
        scores = [rng.normal(0, 1, (3, NUM_CLIPS)) for _ in range(6)]
        found.append(np.mean(np.square(repeated(scores, crossing(rng)).of_points(METRIC).deviation)))
    assert 1.0 <= np.mean(found) * 3 * NUM_CLIPS <= 1.5


def test_what_clips_share_falls_out_of_differences():
    rng = np.random.default_rng(2)
    crossed = crossing(rng)
    scores = repeated(scores_of(rng, [0.0, 0.0], crossed), crossed)
    assert widths(scores.of_pairs(METRIC))[0] < 0.6 * widths(scores.of_points(METRIC))[0]


def test_one_seed_each_is_compared_with_what_the_search_saw():
    scores = [np.array([[1.0]]), np.array([[2.0]])]
    assert widths(repeated(scores).of_points(METRIC)) == pytest.approx(0)
    assert (widths(repeated(scores, searched=[1.2, 1.9]).of_points(METRIC)) > 0.1).all()


def test_undefined_clips_are_left_out():
    rng = np.random.default_rng(3)
    crossed = crossing(rng)
    scores = scores_of(rng, [0.0, 0.0], crossed)
    whole = [rows[:, :-1].copy() for rows in scores]
    for rows in scores:
        rows[:, -1] = np.nan
    holed = repeated(scores, crossed)
    short = repeated(whole, Crossing(crossed.speakers[:-1], crossed.noise_families[:-1]))
    for name in ("values", "deviation", "freedom"):
        left, right = (getattr(found.of_pairs(METRIC), name) for found in (holed, short))
        np.testing.assert_allclose(left, right, rtol=0.02)


def test_draws_are_reproducible_and_spread_as_the_points_do():
    rng = np.random.default_rng(4)
    crossed = crossing(rng)
    scores = repeated(scores_of(rng, [0.0, 1.0], crossed), crossed)
    drawn = scores.draws(4000)
    assert drawn.shape == (4000, 1, 2) and (drawn == scores.draws(4000)).all()
    low, high = np.quantile(drawn[:, 0], [0.025, 0.975], axis=0)
    np.testing.assert_allclose(high - low, widths(scores.of_points(METRIC)), rtol=0.15)


def test_several_metrics_are_drawn_together_and_one_may_have_no_clips():
    rng = np.random.default_rng(13)
    seeds = rng.normal(0, 0.1, (2, 3, 1))
    scores = RepeatedScores(
        {"a": [*seeds], "b": [*(2 * seeds)]}, {"a": [0, 0], "b": [0, 0]}, [(1, 2, 3)] * 2, crossing(rng)
    )
    drawn = scores.draws(2000)
    assert np.corrcoef(drawn[:, 0, 0], drawn[:, 1, 0])[0, 1] > 0.95
    assert abs(np.corrcoef(drawn[:, 0, 0], drawn[:, 0, 1])[0, 1]) < 0.1
    both = np.zeros((1, 2, 2))
    both[0, :, 0] = 2, -1
    assert scores.spread(both).deviation[0] == pytest.approx(0, abs=1e-9)


def test_a_probability_of_luck_is_small_where_the_interval_leaves_0_out():
    rng = np.random.default_rng(14)
    spread = repeated([rng.normal(k / 2, 1.0, (8, 1)) for k in range(4)]).of_pairs(METRIC)
    low, high = spread.interval()
    assert ((spread.p_values() < 0.05) == (low * high > 0)).all()
    exact = repeated([np.ones((3, 1)), np.zeros((3, 1)), np.ones((3, 1))]).of_pairs(METRIC)
    assert exact.p_values().tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("of", ["means", "differences"])
def test_intervals_hold_the_truth_as_often_as_they_promise(of):
    """300 worlds of six points, three seeds, 24 speakers in 8 noises, 96 clips; 95 % is promised."""
    rng, truth, held = np.random.default_rng(5), np.linspace(0, 0.2, NUM_POINTS), []
    first, second = np.triu_indices(NUM_POINTS, k=1)
    for _ in range(300):
        crossed = crossing(rng)
        scores = repeated(scores_of(rng, truth, crossed), crossed)
        found, expected = scores.of_points(METRIC), truth
        if of == "differences":
            found, expected = scores.of_pairs(METRIC), truth[first] - truth[second]
        low, high = found.interval()
        held.append((low <= expected) & (expected <= high))
    assert 0.93 <= np.mean(held) <= 0.97


def test_intervals_over_seeds_alone_hold_the_truth_as_often_as_they_promise():
    rng, held = np.random.default_rng(6), []
    for _ in range(400):
        low, high = repeated([rng.normal(0, 1, (3, 1)) for _ in range(4)]).of_points(METRIC).interval()
        held.append((low <= 0) & (high >= 0))
    assert 0.93 <= np.mean(held) <= 0.97


@pytest.mark.parametrize(("shared_sd", "own_sd"), [(0.0, 0.05), (0.035, 0.035), (0.05, 0.005)])
def test_intervals_of_groups_hold_the_truth_however_much_their_points_share(shared_sd, own_sd):
    """400 worlds of two groups of three points with three seeds; 95 % is promised."""
    rng, truth = np.random.default_rng(7), np.linspace(0, 0.2, NUM_POINTS)
    held = {"mean": [], "inside a group": [], "across groups": []}
    for _ in range(400):
        points, groups = shaken_together(rng, truth, shared_sd, own_sd)
        scores = repeated(points, groups=groups)
        spreads = {
            "mean": (scores.of_points(METRIC), truth),
            "inside a group": (contrast(scores, 1, 0), truth[1] - truth[0]),
            "across groups": (contrast(scores, 4, 0), truth[4] - truth[0]),
        }
        for name, (spread, expected) in spreads.items():
            low, high = spread.interval()
            held[name].append((low <= expected) & (high >= expected))
    for name, found in held.items():
        assert 0.91 <= np.mean(found) <= 0.995, name


def test_what_the_seeds_of_a_group_share_falls_out_of_its_differences():
    scores, groups = shaken_together(np.random.default_rng(8), np.zeros(6), shared_sd=0.05, own_sd=0.002)
    apart, together = repeated(scores), repeated(scores, groups=groups)
    inside, across = (lambda s: widths(contrast(s, 0, 1))[0]), (lambda s: widths(contrast(s, 0, 3))[0])
    assert inside(together) < 0.2 * inside(apart)
    # two groups of three seeds know less of their spread than six points would
    assert across(apart) < across(together) < 1.6 * across(apart)
    alone, shared = (widths(found.of_points(METRIC)) for found in (apart, together))
    assert (alone < shared).all() and (shared < 1.6 * alone).all()


def test_a_group_may_have_spent_different_numbers_of_seeds():
    rng = np.random.default_rng(11)
    seeds, numbers = rng.normal(0, 0.05, 6), [2, 2, 6, 1, 2]
    scores = repeated([(seeds[:n] + rng.normal(0, 0.001, n))[:, None] for n in numbers], groups=["one"] * 5)
    assert np.isfinite(scores.draws(50)).all()
    assert 0 < widths(contrast(scores, 0, 1))[0] < 0.3 * widths(scores.of_points(METRIC))[0]


def test_whatever_was_spent_on_which_points_every_draw_is_a_number():
    rng = np.random.default_rng(12)
    for _ in range(60):
        points = int(rng.integers(1, 7))
        scores = [rng.normal(0, 1, (int(n), 1)) for n in rng.integers(1, 6, points)]
        groups = rng.integers(0, 3, points).tolist()
        assert np.isfinite(repeated(scores, groups=groups).draws(50)).all(), (groups, map(len, scores))


def test_points_whose_seeds_share_nothing_gain_nothing_from_a_group():
    scores, groups = shaken_together(np.random.default_rng(9), np.zeros(6), shared_sd=0.0, own_sd=0.05)
    apart, together = (widths(repeated(scores, groups=g).of_points(METRIC)) for g in ((), groups))
    assert together == pytest.approx(apart, rel=0.15)


def test_a_seed_is_the_same_only_inside_its_group_and_under_its_own_name():
    rng = np.random.default_rng(10)
    seeds = rng.normal(0, 0.05, 5)
    scores = [seeds[:3, None], seeds[2:, None] + 0.1]  # seeds 1 to 3, and 3 to 5: one in common says nothing
    found = [
        RepeatedScores({METRIC: scores}, {METRIC: [0.0, 0.0]}, [(1, 2, 3), (3, 4, 5)], groups=groups).of_pairs(METRIC)
        for groups in (["a", "a"], [])
    ]
    assert widths(found[0]) == pytest.approx(widths(found[1]))
