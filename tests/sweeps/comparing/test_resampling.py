"""Draws of what a front would have cost on other clips and with other seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from compared_cases import clip_table
from front_cases import QUALITY, SIZE, complete, spec

from dfkd_core.scoring.clip_table import ClipTable
from dfkd_core.scoring.confidence import bootstrap_interval
from sweeps.comparing.resampling import Estimate, clip_weights, drawn_costs, estimate, repeated_costs
from sweeps.fronts.front import build_front
from sweeps.trust.confirmed_front import RepeatedTrial

FRONT = build_front(spec(), "id", [complete(0, 1.5, 20_000), complete(1, 2.0, 90_000)])


def test_whole_clusters_are_drawn_and_single_clips_where_clusters_are_few():
    many = [f"speaker {n // 2}" for n in range(20)]
    weights = clip_weights(many, 50)
    assert (weights[:, ::2] == weights[:, 1::2]).all() and (weights.sum(axis=1) == 20).all()
    few = clip_weights(["a"] * 10 + ["b"] * 10, 50)
    assert (few[:, 0] != few[:, 1]).any()


def test_the_interval_of_one_point_is_that_of_its_clips():
    table = clip_table(1.5, 0.2)
    draws = -drawn_costs(FRONT, {0: table, 1: table}, clip_weights(table.clusters))[:, 0, 0]
    told = estimate(1.5, draws).interval
    assert told == pytest.approx(bootstrap_interval(table.scores[QUALITY], table.clusters), abs=0.03)


def test_only_what_clips_score_is_drawn():
    table = clip_table(1.5, 0.2)
    draws = drawn_costs(FRONT, {0: table, 1: table}, clip_weights(table.clusters, 40))
    assert draws.shape == (40, 2, 2)
    assert np.ptp(draws[:, :, 1]) == pytest.approx(math.log(90_000 / 20_000)), "sizes stay"
    assert (draws[:, 0, 0] == draws[:, 1, 0]).all(), "the same clips for every point"


def test_seeds_widen_what_clips_leave_open_and_draw_the_same_clips():
    def repeated(*tables):
        metrics = [{QUALITY: float(np.mean(t.scores[QUALITY])), SIZE: FRONT.points[0].values[SIZE]} for t in tables]
        records = [complete(0, 1.5, 20_000), complete(1, 2.0, 90_000)]
        seeds = list(range(len(tables)))
        return [
            RepeatedTrial(record, seeds, [m | {SIZE: record.metrics[SIZE]} for m in metrics], list(tables))
            for record in records
        ]

    table = clip_table(1.5, 0.0)
    once = drawn_costs(FRONT, {0: table, 1: table}, clip_weights(table.clusters))
    alike = repeated_costs(FRONT, repeated(table, table))
    apart = repeated_costs(FRONT, repeated(clip_table(1.3, 0.0), clip_table(1.7, 0.0)))
    assert alike == pytest.approx(once), "seeds that do not differ add nothing"
    assert apart[:, 0, 0].std() > 1.5 * once[:, 0, 0].std()


def test_undefined_scores_are_left_out():
    table = clip_table(1.5, 0.0)
    scores = list(table.scores[QUALITY])
    holed = ClipTable(table.names, table.clusters, {QUALITY: (math.nan, *scores[1:])})
    draws = -drawn_costs(FRONT, {0: holed, 1: table}, clip_weights(table.clusters))[:, 0, 0]
    assert draws.mean() == pytest.approx(np.mean(scores[1:]), abs=0.02)


def test_without_draws_or_with_undefined_ones_there_is_no_interval():
    assert estimate(1.0, None) == Estimate(1.0)
    assert estimate(1.0, np.array([1.0, math.nan])).interval is None
    assert SIZE not in clip_table(1.0, 0.1).scores
