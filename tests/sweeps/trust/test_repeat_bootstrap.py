"""Draws over clips and seeds: known Gaussian cases, and intervals that hold what they promise."""

import math

import numpy as np
import pytest
from scipy import stats

from dfkd_core.scoring.confidence import interval
from sweeps.trust.repeat_bootstrap import RepeatBootstrap

WIDTH = 2 * stats.norm.ppf(0.975)
NUM_POINTS, NUM_SEEDS, NUM_CLUSTERS, CLIPS_EACH = 6, 3, 24, 4
SEED_SD, CLUSTER_SD, OWN_CLUSTER_SD, CLIP_SD = 0.05, 0.5, 0.1, 0.1
CLUSTERS = [f"voice {k}" for k in range(NUM_CLUSTERS) for _ in range(CLIPS_EACH)]


def scores_of(rng, truth):
    """Per point (seed, clip): its truth, what the clusters add for all and for it alone, seed and clip noise."""
    shared = np.repeat(rng.normal(0, CLUSTER_SD, NUM_CLUSTERS), CLIPS_EACH)
    found = []
    for value in truth:
        own = np.repeat(rng.normal(0, OWN_CLUSTER_SD, NUM_CLUSTERS), CLIPS_EACH)
        seeds = rng.normal(0, SEED_SD, NUM_SEEDS)[:, None]
        found.append(value + shared + own + seeds + rng.normal(0, CLIP_SD, (NUM_SEEDS, len(shared))))
    return found


def draws_of(scores, clusters=(), num_draws=2000, searched=None, groups=()):
    bootstrap = RepeatBootstrap([range(1, len(rows) + 1) for rows in scores], clusters, num_draws, groups)
    return bootstrap.draws(scores, [rows.mean() for rows in scores] if searched is None else searched)


def shaken_together(rng, truth, shared_sd, own_sd, num_seeds=NUM_SEEDS):
    """Per point (seed, 1): its truth, what a seed adds for the whole group of three, and what it adds for it alone."""
    groups = [point // 3 for point in range(len(truth))]
    shared = rng.normal(0, shared_sd, (max(groups) + 1, num_seeds))
    own = rng.normal(0, own_sd, (len(truth), num_seeds))
    return [(truth[p] + shared[g] + own[p])[:, None] for p, g in enumerate(groups)], groups


def widths(draws):
    low, high = interval(draws)
    return high - low


def test_without_clips_many_seeds_give_the_width_of_the_standard_error():
    rng = np.random.default_rng(0)
    scores = [rng.normal(k, 1.0, (40, 1)) for k in range(5)]
    assert widths(draws_of(scores).means) == pytest.approx(WIDTH / math.sqrt(40), rel=0.15)


def test_three_seeds_of_one_point_are_widened_to_students_interval():
    scores = [np.array([[0.0], [1.0], [2.0]])]
    student = 2 * stats.t.ppf(0.975, 2) / math.sqrt(3)
    assert widths(draws_of(scores).means)[0] == pytest.approx(student, rel=0.25)


def test_clip_means_know_nothing_of_seeds():
    rng = np.random.default_rng(1)
    constant = [np.full((3, 40), value) + rng.normal(0, 1, 3)[:, None] for value in (1.0, 2.0)]
    draws = draws_of(constant, range(40))
    assert np.ptp(draws.clip_means, axis=0) == pytest.approx(0, abs=1e-12)
    assert widths(draws.means).min() > 0.5


def test_what_clips_share_falls_out_of_differences():
    scores = scores_of(np.random.default_rng(2), [0.0, 0.0])
    draws = draws_of(scores, CLUSTERS).clip_means
    assert widths(draws[:, :1] - draws[:, 1:])[0] < 0.5 * widths(draws)[0]


def test_one_seed_each_is_compared_with_what_the_search_saw():
    scores = [np.array([[1.0]]), np.array([[2.0]])]
    assert widths(draws_of(scores).means) == pytest.approx(0)
    apart = draws_of(scores, searched=[1.2, 1.9]).means
    assert (widths(apart) > 0.1).all()
    assert apart.mean(axis=0) == pytest.approx([1.0, 2.0], abs=0.03)


def test_undefined_clips_are_left_out():
    rng = np.random.default_rng(3)
    whole = [rng.normal(0, 1, (3, 30)) for _ in range(2)]
    holed = [np.column_stack([rows, np.full(3, np.nan)]) for rows in whole]
    assert draws_of(holed, range(31)).means.mean(axis=0) == pytest.approx([rows.mean() for rows in whole], abs=0.05)


def test_draws_are_reproducible():
    scores = scores_of(np.random.default_rng(4), [0.0, 1.0])
    assert (draws_of(scores, CLUSTERS).means == draws_of(scores, CLUSTERS).means).all()


@pytest.mark.parametrize("of", ["means", "differences"])
def test_intervals_hold_the_truth_as_often_as_they_promise(of):
    """200 worlds of six points, three seeds, 24 clusters of four clips; 95 % is promised."""
    rng, truth, held = np.random.default_rng(5), np.linspace(0, 0.2, NUM_POINTS), []
    for _ in range(200):
        draws = draws_of(scores_of(rng, truth), CLUSTERS, num_draws=400).means
        if of == "differences":
            draws, expected = draws[:, 1:] - draws[:, :1], truth[1:] - truth[0]
        else:
            expected = truth
        low, high = interval(draws)
        held.append((low <= expected) & (expected <= high))
    assert 0.91 <= np.mean(held) <= 0.985


def test_intervals_over_seeds_alone_hold_the_truth_as_often_as_they_promise():
    rng, held = np.random.default_rng(6), []
    for _ in range(400):
        low, high = interval(draws_of([rng.normal(0, 1, (3, 1)) for _ in range(4)], num_draws=400).means)
        held.append((low <= 0) & (high >= 0))
    assert 0.91 <= np.mean(held) <= 0.985


@pytest.mark.parametrize(("shared_sd", "own_sd"), [(0.0, 0.05), (0.035, 0.035), (0.05, 0.005)])
def test_intervals_of_groups_hold_the_truth_however_much_their_points_share(shared_sd, own_sd):
    """400 worlds of two groups of three points with three seeds; 95 % is promised."""
    rng, truth = np.random.default_rng(7), np.linspace(0, 0.2, NUM_POINTS)
    pairs = {"mean": [], "inside a group": [], "across groups": []}
    for _ in range(400):
        scores, groups = shaken_together(rng, truth, shared_sd, own_sd)
        draws = draws_of(scores, num_draws=400, groups=groups).means - truth
        for name, drawn in zip(pairs, (draws, draws[:, 1:3] - draws[:, :1], draws[:, 3:] - draws[:, :1]), strict=True):
            low, high = interval(drawn)
            pairs[name].append((low <= 0) & (high >= 0))
    for name, held in pairs.items():
        assert np.mean(held) >= 0.91, name


def test_what_the_seeds_of_a_group_share_falls_out_of_its_differences():
    scores, groups = shaken_together(np.random.default_rng(8), np.zeros(6), shared_sd=0.05, own_sd=0.002)
    apart, together = draws_of(scores).means, draws_of(scores, groups=groups).means
    inside, across = (lambda d: widths(d[:, :1] - d[:, 1:2])[0]), (lambda d: widths(d[:, :1] - d[:, 3:4])[0])
    assert inside(together) < 0.2 * inside(apart)
    # two groups of three seeds know less of their spread than six points would
    assert across(apart) < across(together) < 1.6 * across(apart)
    assert (widths(apart) < widths(together)).all() and (widths(together) < 1.6 * widths(apart)).all()


def test_a_group_may_have_spent_different_numbers_of_seeds():
    rng = np.random.default_rng(11)
    seeds, numbers = rng.normal(0, 0.05, 6), [2, 2, 6, 1, 2]
    scores = [(seeds[:n] + rng.normal(0, 0.001, n))[:, None] for n in numbers]
    draws = draws_of(scores, groups=["one"] * 5).means
    assert np.isfinite(draws).all()
    assert 0 < widths(draws[:, :1] - draws[:, 1:2])[0] < 0.3 * widths(draws)[0]


def test_whatever_was_spent_on_which_points_every_draw_is_a_number():
    rng = np.random.default_rng(12)
    for _ in range(60):
        points = int(rng.integers(1, 7))
        scores = [rng.normal(0, 1, (int(n), 1)) for n in rng.integers(1, 6, points)]
        groups = rng.integers(0, 3, points).tolist()
        assert np.isfinite(draws_of(scores, num_draws=50, groups=groups).means).all(), (groups, map(len, scores))


def test_points_whose_seeds_share_nothing_gain_nothing_from_a_group():
    scores, groups = shaken_together(np.random.default_rng(9), np.zeros(6), shared_sd=0.0, own_sd=0.05)
    apart, together = draws_of(scores).means, draws_of(scores, groups=groups).means
    assert widths(together) == pytest.approx(widths(apart), rel=0.15)


def test_a_seed_is_the_same_only_inside_its_group_and_under_its_own_name():
    rng = np.random.default_rng(10)
    seeds = rng.normal(0, 0.05, 5)
    scores = [seeds[:3, None], seeds[2:, None] + 0.1]  # seeds 1 to 3, and 3 to 5: one in common says nothing
    one = RepeatBootstrap([(1, 2, 3), (3, 4, 5)], num_draws=500, groups=["a", "a"]).draws(scores, [0.0, 0.0]).means
    none = RepeatBootstrap([(1, 2, 3), (3, 4, 5)], num_draws=500).draws(scores, [0.0, 0.0]).means
    np.testing.assert_array_equal(one, none)
