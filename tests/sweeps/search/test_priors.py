"""Draws near the priors of a space: where, how often, and what has no prior."""

import numpy as np
import pytest
from sampled_ledgers import ledger_of, play

from sweeps.record.trials import TrialState
from sweeps.search.samplers import SAMPLERS

SPACE = {
    "x": {"min": 0.01, "max": 100.0, "log": True, "prior": [0.1, 10.0]},
    "size": {"values": [0.125, 0.25, 0.5, 1.0]},
    "kind": {"values": ["a", "b", "c"], "prior": "b"},
    "step": {"values": [1, 2, 3, 4, 5, 6, 7, 8], "prior": 3},
}


def drawn(folder, name="random", number=200, space=SPACE):
    ledger = ledger_of(folder, {"name": name, "seed": 5}, trials=number, space=space)
    return [play(ledger, lambda params: (TrialState.COMPLETE, 0.5)) for _ in range(number)]


def test_early_trials_lie_near_the_priors_and_ever_fewer_of_the_later_ones(tmp_path):
    points = drawn(tmp_path)
    near = [point["kind"] == "b" and abs(point["step"] - 3) <= 2 for point in points]
    assert near[0] and np.mean(near[:8]) > 0.6
    assert np.mean(near[:40]) > 2 * np.mean(near[100:])
    assert np.mean(near[100:]) < 0.4, "uniform draws lie there in 0.21 of cases"


def test_each_of_several_values_is_taken_on_the_scale_of_its_range(tmp_path):
    points = [point for point in drawn(tmp_path, number=24) if point["kind"] == "b"]
    decades = np.log10([point["x"] for point in points])
    assert min((decades < 0).sum(), (decades > 0).sum()) >= 3
    assert np.median(np.minimum(abs(decades - 1), abs(decades + 1))) < 0.4, "a tenth of four decades"


def test_what_has_no_prior_is_still_the_sampler_s_own(tmp_path):
    points = drawn(tmp_path, "tpe", number=4)
    assert {point["size"] for point in points} == {0.125, 0.25, 0.5, 1.0}


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_draws_near_priors(tmp_path, name):
    points = drawn(tmp_path, name, number=5)
    assert sum(point["kind"] == "b" for point in points) >= 3
