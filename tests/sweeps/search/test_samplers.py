"""Every sampler of the table keeps one contract; and early stopping does not mislead TPE."""

import math

import numpy as np
import pytest
from sampled_ledgers import SPACE, ledger_of, play

from benchmarks.search.families import FAMILIES
from benchmarks.search.own import EngineSearch
from benchmarks.search.problem import ideal_volume, reference_cost
from benchmarks.search.simulator import simulate
from dfkd_core.errors import ConfigError
from search_spaces.space import Space
from sweeps.definition.spec import SamplerConfig
from sweeps.record.trials import TrialState
from sweeps.search.fresh_draws import FreshSampler
from sweeps.search.history import Outlook
from sweeps.search.samplers import SAMPLERS, Experience, UniformSampler, build_sampler, require_options

OUTLOOK = Outlook(Space.parse(SPACE), 3, (0.0, 0.0), lambda trial: {})


def mixed(params):
    """All states, by regions of x."""
    states = [TrialState.FAILED, TrialState.PRUNED, TrialState.INFEASIBLE, TrialState.COMPLETE, TrialState.COMPLETE]
    return states[int(params["x"] * 4.99)], 1 - (params["x"] - 0.7) ** 2


@pytest.mark.parametrize("name", SAMPLERS)
def test_proposals_lie_in_the_space_through_all_states(tmp_path, name):
    ledger = ledger_of(tmp_path, {"name": name, "seed": 1})
    for _ in range(10 if name == "gp" else 24):
        params = play(ledger, mixed)
        assert 0 <= params["x"] <= 1
        assert 0.05 <= params["size"] <= 1
        assert params["step"] in (0.25, 0.5, 1.0, 2.0)
        assert ("depth" in params) == (params["kind"] == "b")
        assert params.get("depth", 1) in (1, 2, 3, 4)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_proposal_is_a_function_of_seed_number_and_ledger(tmp_path, name):
    found = []
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        ledger = ledger_of(tmp_path / run, {"name": name, "seed": 4}, trials=12)
        found.append([play(ledger, mixed) for _ in range(8 if name == "gp" else 12)])
    assert found[0] == found[1]
    assert len({params["x"] for params in found[0][:4]}) == 4, "no trial repeats another's draw"


SMALL = {
    "kind": {"values": ["a", "b"]},
    "size": {"values": [0.25, 0.5, 1.0]},
    "x": {"values": [0.1, 0.7], "when": {"kind": "b"}},
}  # nine configurations: three of a, six of b


def always_complete(params):
    return TrialState.COMPLETE, params.get("x", 0.5)


@pytest.mark.parametrize("name", SAMPLERS)
def test_no_configuration_is_trained_twice_while_another_is_left(tmp_path, name):
    first = {"kind": "b", "size": 0.5, "x": 0.7}
    ledger = ledger_of(tmp_path, {"name": name, "seed": 3}, trials=9, space=SMALL, evaluate_first=[first])
    drawn = [play(ledger, always_complete) for _ in range(8)]
    assert first in drawn
    assert len({tuple(sorted(params.items())) for params in drawn}) == 8, drawn


def test_in_a_finite_space_a_repeated_proposal_gives_way_to_its_nearest_neighbour(tmp_path):
    """And the last that is left is found, however seldom it is drawn."""
    ledger = ledger_of(tmp_path, {"name": "random", "seed": 3}, trials=9, space=SMALL)
    drawn = []
    for _ in range(9):
        assert not ledger.is_used_up
        drawn.append(play(ledger, always_complete))
    assert ledger.is_used_up and len({tuple(sorted(params.items())) for params in drawn}) == 9
    sampler, rng = FreshSampler(UniformSampler(0), ledger._outlook, 0), np.random.default_rng(0)
    cube, asked = ledger._outlook.cube, {"kind": "a", "size": 0}
    near, far = {"kind": "a", "size": 2}, {"kind": "b", "size": 0, "x": 0.7}
    left = np.array([cube.row(far), cube.row(near)])
    assert sampler._nearest(asked, left, rng) == near
    assert sampler._nearest(asked, left[:1], rng) == far
    assert sampler._nearest(asked, left[:0], rng) == asked


def test_what_a_trial_was_given_stays_where_its_proposal_gives_way(tmp_path):
    ledger = ledger_of(tmp_path, {"name": "random", "seed": 3}, trials=9, space=SMALL)
    ledger.study.enqueue_trial({"size": 0})
    asking = ledger.study.ask()
    outlook = ledger._outlook
    left = [outlook.cube.params(row) for row in outlook.untried(ledger.study, asking.number)]
    assert len(outlook.untried(ledger.study)) > len(left) > 1 and {point["size"] for point in left} == {0}


def test_a_space_that_is_used_up_repeats_itself(tmp_path):
    ledger = ledger_of(tmp_path, {"name": "random", "seed": 3}, trials=11, space=SMALL)
    drawn = [tuple(sorted(play(ledger, always_complete).items())) for _ in range(11)]
    assert len(set(drawn)) == 9


@pytest.mark.parametrize("name", SAMPLERS)
def test_an_option_that_a_sampler_does_not_take_is_refused(name):
    with pytest.raises(ConfigError, match=name) as caught:
        build_sampler(name, 0, 0, Experience(10, 100, 100), {"no_such_option": 1}, OUTLOOK)
    assert caught.value.key == "sampler.options"


@pytest.mark.parametrize(
    ("name", "option", "value", "said"),
    [
        ("front", "n_startup_trials", True, "must be a whole number of at least 0, but got True; leave it out"),
        ("tpe", "n_ei_candidates", "24", "must be a whole number of at least 1, but got '24'"),
        ("tpe", "n_ei_candidates", 0, "must be a whole number of at least 1, but got 0"),
        ("tpe", "prior_weight", False, "must be a number of at least 0, but got False"),
        ("tpe", "prior_weight", math.nan, "must be a number of at least 0, but got nan"),
        ("tpe", "constant_liar", 1, "must be true or false, but got 1"),
        ("tpe", "gamma", 3, "is no option of the tpe sampler; known are"),  # a function, which no file can hold
        ("nsga2", "population_size", 9.5, "must be a whole number of at least 1, but got 9.5"),
        ("nsga2", "swapping_prob", True, "must be a number of at least 0, but got True"),
        ("gp", "deterministic_objective", "yes", "must be true or false, but got 'yes'"),
        ("gp", "n_startup_trial", 3, "is no option of the gp sampler; did you mean 'n_startup_trials'?"),
        ("random", "seed", 3, "is no option of the random sampler; it has none"),
    ],
)
def test_an_option_of_another_kind_than_the_constructor_takes_is_refused_by_its_name(name, option, value, said):
    with pytest.raises(ConfigError) as caught:
        require_options(name, {option: value}, OUTLOOK)
    assert caught.value.key == f"sampler.options.{option}"
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("tpe", {"multivariate": True, "group": True, "n_ei_candidates": 48, "prior_weight": 1, "n_startup_trials": 0}),
        ("nsga2", {"population_size": 10, "mutation_prob": None, "crossover_prob": 0.5}),
        ("gp", {"deterministic_objective": True, "n_startup_trials": 5}),
        ("front", {"n_startup_trials": 5}),
        ("random", {}),
    ],
)
def test_options_that_a_constructor_takes_are_taken(name, options):
    require_options(name, options, OUTLOOK)
    assert build_sampler(name, 0, 0, Experience(10, 100, 100), options, OUTLOOK)


def test_every_name_of_the_sweep_file_is_in_the_table():
    for name in SAMPLERS:
        assert SamplerConfig(name=name).name == name
    with pytest.raises(ValueError, match="tpe"):
        SamplerConfig(name="cmaes")


@pytest.mark.parametrize(("trials", "startup"), [(4, 4), (24, 6), (100, 10), (1000, 10)])
def test_random_start_up_is_a_quarter_of_a_small_budget(trials, startup):
    assert Experience(trials, 0, 0).num_startup == startup


EDGE = 0.1  # whatever has x above is stopped early: nine proposals of ten, by chance


def stopped_outside(params):
    """Inside, the optimum is at half the edge."""
    if params["x"] > EDGE:
        return TrialState.PRUNED, 0.9
    return TrialState.COMPLETE, 1 - (params["x"] - EDGE / 2) ** 2


def share_in_stopped_region(folder, seed, num_trials=60):
    """Of the second half of the proposals."""
    flat = {name: SPACE[name] for name in ("x", "size")}
    ledger = ledger_of(folder, {"name": "tpe", "seed": seed}, num_trials, flat)
    proposed = [play(ledger, stopped_outside)["x"] for _ in range(num_trials)]
    return float(np.mean(np.array(proposed[num_trials // 2 :]) > EDGE))


def test_heavy_stopping_does_not_draw_tpe_into_the_stopped_region(tmp_path):
    """What is stopped must become rarer than by chance, not more common."""
    shares = []
    for seed in range(5):
        (tmp_path / str(seed)).mkdir()
        shares.append(share_in_stopped_region(tmp_path / str(seed), seed))
    assert np.mean(shares) < 0.75, shares


def share_of_the_ideal_front(options, seed):
    """After 110 trials of a convex family of six dimensions, four workers, with early stopping."""
    family = FAMILIES["convex"]
    search = EngineSearch(family, 110, {"name": "tpe", "seed": seed, "options": options}, {"name": "pareto_asha"})
    trace = simulate(family, search, num_workers=4, until_s=1e9, seed=seed)
    return trace.volumes(reference_cost(family))[-1] / ideal_volume(family)


@pytest.mark.slow
def test_dimensions_drawn_by_themselves_find_more_of_the_front_than_drawn_jointly():
    alone = [share_of_the_ideal_front({}, seed) for seed in range(3)]
    jointly = [share_of_the_ideal_front({"multivariate": True, "group": True}, seed) for seed in range(3)]
    assert all(mine > other for mine, other in zip(alone, jointly, strict=True)), (alone, jointly)
    assert np.mean(alone) > 0.86, alone
