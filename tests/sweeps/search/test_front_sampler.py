"""The model behind the `front` sampler: its parts keep their mathematics, and its proposals find the front."""

import numpy as np
import pytest
from closed_form import PARAMS, QUALITY, sweep
from optuna.trial import TrialState as StudyState
from sampled_ledgers import SPACE, ledger_of, play

from benchmarks.search.families import FAMILIES
from benchmarks.search.own import EngineSearch
from benchmarks.search.problem import ideal_volume, reference_cost
from benchmarks.search.simulator import simulate
from search_spaces.space import Space
from sweeps import pareto
from sweeps.definition.spec import SweepSpec
from sweeps.record.ledger import Ledger
from sweeps.record.trials import TrialState
from sweeps.search.cube import Cube, same_rows
from sweeps.search.extrapolation import expected_finals
from sweeps.search.gaussian_process import GaussianProcess, Scales, negative_likelihood
from sweeps.search.history import most_telling, stage_of
from sweeps.search.improvement import directions, expected_improvement, heights
from sweeps.search.size_trend import SizeTrend

RNG = np.random.default_rng(0)
STEPPED = {
    **SPACE,
    "whole": {"min": 2, "max": 9, "int": True, "step": 3},
    "deep": [
        {"values": [16, 32, 64], "when": {"kind": "a"}},
        {"min": 8.0, "max": 80.0, "log": True, "when": {"kind": "b"}},
    ],
    "odd": {"values": ["x", [1, 2], None]},
}


def test_every_drawn_and_every_changed_row_is_a_point_of_the_space_and_comes_back():
    space = Space.parse(STEPPED)
    cube = Cube(space)
    drawn = cube.random(60, np.random.default_rng(1))
    for rows in (drawn, cube.changed(drawn, np.random.default_rng(2))):
        for row in rows:
            params = cube.params(row)
            assert np.allclose(cube.row(params), row, equal_nan=True)
            asked = {d.key: params[d.name] for d in space.dimensions if d.name in params}
            assert ("depth" in asked) == (asked["kind"] == "b")
            assert asked["whole"] in (2, 5, 8)
            assert set(params) & {"deep#0", "deep#1"} == ({"deep#0"} if asked["kind"] == "a" else {"deep#1"})


def test_each_value_is_drawn_as_often_as_by_uniform_draws():
    cube = Cube(Space.parse({"step": SPACE["step"], "kind": SPACE["kind"]}))
    rows = cube.random(4000, np.random.default_rng(3))
    counts = [np.unique(column, return_counts=True)[1] / 4000 for column in rows.T]
    assert all(abs(share - 1 / len(shares)) < 0.03 for shares in counts for share in shares)


def test_equal_rows_are_found_through_what_is_not_active():
    rows = np.array([[0.5, np.nan], [0.5, 0.0]])
    assert same_rows(rows, rows[:1]).tolist() == [True, False]


def test_the_likelihood_s_gradient_is_that_of_finite_differences():
    features, owners, y = RNG.random((12, 4)), np.array([0, 1, 1, 2]), RNG.standard_normal(12)
    theta, extra = np.array([0.3, -0.5, 1.0, 0.2, -2.0]), 0.1 * RNG.random(12)
    _, slope = negative_likelihood(theta, features, owners, y, extra)
    for index in range(len(theta)):
        step = np.zeros(5)
        step[index] = 1e-5
        above, below = (negative_likelihood(theta + s, features, owners, y, extra)[0] for s in (step, -step))
        assert slope[index] == pytest.approx((above - below) / 2e-5, rel=1e-4, abs=1e-6)


def test_a_process_passes_through_what_it_was_told_and_doubts_what_is_far():
    features, owners = np.linspace(0, 1, 9)[:, None], np.zeros(1, dtype=np.int64)
    process = GaussianProcess(features, owners, 3 * features[:, 0], np.zeros(9), Scales(np.array([2.0]), 0.0, -12.0))
    mean, sd = process.predict(np.array([[0.5], [4.0]]))
    assert mean[0] == pytest.approx(1.5, abs=0.02)
    assert sd[1] > 20 * sd[0]


def test_the_end_of_a_curve_is_told_from_those_that_went_on():
    full = [{e: -q * (1 - 0.5**e) for e in range(1, 7)} for q in (0.5, 0.6, 0.7, 0.8, 0.9)]
    begun = {1: -0.375, 2: -0.5625}
    mean, variance = expected_finals([*full, begun, {}], 6)
    assert mean[:5] == pytest.approx([curve[6] for curve in full])
    assert variance[:5].tolist() == [0.0] * 5
    assert mean[5] == pytest.approx(-0.75 * (1 - 0.5**6), abs=0.05)
    assert variance[5] > 0
    assert np.isnan(mean[6])
    assert np.isnan(expected_finals([full[0], begun], 6)[0][1]), "one that has ended is no line"


def test_the_gain_of_known_points_is_ordered_as_their_hypervolume():
    front = np.array([[-0.9, -0.2], [-0.5, -0.5], [-0.1, -0.9]])
    points = np.array([[-0.85, -0.1], [-0.6, -0.55], [-0.7, -0.7], [-0.95, -0.95]])
    along = directions(2, np.random.default_rng(0), 512)
    gain = expected_improvement(points, np.zeros((4, 2)), front, along, np.random.default_rng(0))
    volumes = [pareto.hypervolume([*front, point], (0, 0)) - pareto.hypervolume(front, (0, 0)) for point in points]
    assert gain[0] == 0
    assert np.argsort(gain).tolist() == np.argsort(volumes).tolist()
    whole = heights(front, along).max(axis=0).mean() * np.pi / 4
    assert whole == pytest.approx(pareto.hypervolume(front, (0, 0)), rel=0.02)


def test_what_is_usual_at_a_size_is_taken_out_with_its_spread():
    sizes = np.repeat(np.linspace(0, 1, 5), 20)[:, None]
    costs = -sizes[:, 0] + (0.1 + 0.4 * sizes[:, 0]) * np.tile(np.linspace(-1, 1, 20), 5)
    trend = SizeTrend(sizes, costs)
    mean, (small, large) = trend.usual(np.array([[0.0], [1.0]]))
    assert mean == pytest.approx([0.0, -1.0], abs=0.05)
    assert large > 3 * small


def test_a_model_of_many_trials_holds_the_best_and_some_of_the_rest():
    costs = np.column_stack([np.arange(100.0), np.arange(100.0)])
    kept = most_telling(costs, 30)
    assert set(range(20)) <= set(kept.tolist())
    assert len(set(kept.tolist())) == 30
    assert kept.max() == 99
    assert [stage_of(n) for n in (4, 5, 9, 10, 11, 12)] == [4, 5, 8, 10, 10, 12]


def test_what_is_known_or_at_work_is_not_tried_again(tmp_path):
    """Twelve points, two workers: all of them are tried before one is repeated."""
    space = {"size": {"values": [0.1, 0.2, 0.5, 1.0]}, "x": {"values": [0.2, 0.4, 0.6]}}
    ledger, seen, waiting = ledger_of(tmp_path, {"name": "front", "seed": 2}, 12, space), [], []
    for _ in range(12):
        number, params = ledger.ask()
        seen.append(tuple(params.values()))
        waiting.append((number, params))
        if len(waiting) == 2:
            done, params = waiting.pop(0)
            for epoch in (1, 2, 3):
                ledger.record_epoch(done, epoch, {QUALITY: 1 - (params["x"] - 0.4) ** 2, PARAMS: params["size"]})
            ledger.finish(done, TrialState.COMPLETE)
    proposed = seen[6:]  # behind the start-up points, which may meet
    assert len(set(proposed)) == 6
    assert not set(proposed) & set(seen[:6])


def test_proposals_keep_within_a_constraint_that_was_learned(tmp_path):
    def limited(params):
        state = TrialState.INFEASIBLE if params["size"] > 0.3 else TrialState.COMPLETE
        return state, 1 - (params["x"] - 0.7) ** 2

    flat = {name: SPACE[name] for name in ("x", "size")}
    ledger = ledger_of(tmp_path, {"name": "front", "seed": 1}, 30, flat)
    sizes = [play(ledger, limited)["size"] for _ in range(30)]
    assert np.mean(np.array(sizes[15:]) > 0.3) < np.mean(np.array(sizes[:8]) > 0.3) + 0.2


def test_warm_start_trials_and_those_that_failed_are_no_stumbling_block(tmp_path):
    spec = SweepSpec.model_validate(sweep(8, 3, space=SPACE, sampler={"name": "front", "seed": 3}))
    taught = [({"x": 0.1 * n, "size": 0.1, "kind": "a", "step": 1}, {QUALITY: 0.1 * n, PARAMS: 2e5}) for n in range(6)]
    ledger = Ledger.create(tmp_path, spec, "id", taught)
    play(ledger, lambda params: (TrialState.FAILED, 0.5))
    assert play(ledger, lambda params: (TrialState.COMPLETE, 0.5))["kind"] in ("a", "b")
    assert ledger.study.trials[-1].state is StudyState.COMPLETE


@pytest.mark.slow
def test_forty_trials_find_more_of_a_concave_front_than_tpe_does():
    family = FAMILIES["concave"]

    def share(sampler, seed):
        trace = simulate(family, EngineSearch(family, 40, {"name": sampler, "seed": seed}), 4, 1e9, seed)
        return trace.volumes(reference_cost(family))[-1] / ideal_volume(family)

    found = {name: np.mean([share(name, seed) for seed in range(3)]) for name in ("front", "tpe")}
    assert found["front"] > found["tpe"] + 0.03, found
