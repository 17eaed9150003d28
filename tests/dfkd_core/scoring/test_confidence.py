import math

import numpy as np

from dfkd_core.scoring.confidence import bootstrap_interval, cluster_numbers, draw_clusters

RNG = np.random.default_rng(0)


def test_the_interval_holds_the_mean_and_is_reproducible():
    values = RNG.normal(2.0, 0.5, 100).tolist()
    low, high = bootstrap_interval(values, range(100))
    assert low < np.mean(values) < high
    assert (low, high) == bootstrap_interval(values, range(100))


def test_independent_clips_give_the_width_of_the_standard_error():
    values = RNG.normal(0.0, 1.0, 400).tolist()
    low, high = bootstrap_interval(values, range(400))
    assert abs((high - low) / (2 * 1.96 / 20) - 1) < 0.15


def test_clips_that_resemble_each_other_widen_the_interval():
    per_cluster = np.repeat(RNG.normal(0.0, 1.0, 20), 20).tolist()
    clustered = bootstrap_interval(per_cluster, np.repeat(range(20), 20).tolist())
    single = bootstrap_interval(per_cluster, range(400))
    assert clustered[1] - clustered[0] > 3 * (single[1] - single[0])


def test_few_clusters_fall_back_to_single_clips():
    low, high = bootstrap_interval([1.0, 2.0, 3.0, 4.0], ["one voice"] * 4)
    assert low < 2.5 < high


def test_undefined_values_are_left_out():
    values = [1.0, math.nan, 1.0, math.nan]
    assert bootstrap_interval(values, range(4)) == (1.0, 1.0)
    assert all(math.isnan(bound) for bound in bootstrap_interval([math.nan], ["a"]))


def test_a_draw_takes_as_many_clusters_as_there_are():
    counts = draw_clusters(9, 500, np.random.default_rng(1))
    assert counts.shape == (500, 9)
    assert (counts.sum(axis=1) == 9).all()
    assert abs(counts.mean() - 1) < 1e-12 and counts.max() > 2


def test_clips_of_few_clusters_each_stand_alone():
    assert cluster_numbers(["a", "b", "a"]).tolist() == [0, 1, 2]
    many = [name for name in "abcdefgh" for _ in range(2)]
    assert cluster_numbers(many).tolist() == np.repeat(range(8), 2).tolist()
