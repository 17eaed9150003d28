"""Which repeats are asked for, and the ledger that keeps them."""

import pytest
from closed_form import Seeded, sweep

from dfkd_core.errors import ConfigError
from sweeps.definition.spec import SweepSpec
from sweeps.record.trials import TrialState
from sweeps.trust.repeats import PAIRS, Repeat, Repeats, own_seed, wanted_repeats

PARAMS = {2: {"x": 0.4, "size": 0.5}, 5: {"x": 0.25, "size": 0.125}}


@pytest.fixture
def spec():
    return SweepSpec.model_validate(sweep(6, 2, config={"seed": 7}))


@pytest.fixture
def repeats(tmp_path, spec):
    return Repeats.begin(tmp_path, spec, Seeded)


def test_the_first_round_gives_every_candidate_its_seeds():
    assert wanted_repeats([2, 5], {}, {}, 3) == {2: 3, 5: 3}
    assert wanted_repeats([2, 5], {2: 3, 5: 1}, {2: 0.5}, 3) == {5: 2}


@pytest.mark.parametrize(("probability", "more"), [(0.02, 0), (0.05, 0), (0.2, 3), (0.9, 3), (0.97, 0), (None, 0)])
def test_further_seeds_go_where_the_place_is_uncertain(probability, more):
    wanted = wanted_repeats([2, 5], {2: 3, 5: 3}, {2: probability, 5: 1.0}, 3)
    assert wanted == ({2: more} if more else {})


def test_nobody_gets_more_than_three_rounds():
    assert wanted_repeats([2], {2: 6}, {2: 0.5}, 3) == {2: 3}
    assert wanted_repeats([2], {2: 8}, {2: 0.5}, 3) == {2: 1}
    assert wanted_repeats([2], {2: 9}, {2: 0.5}, 3) == {}


def test_a_repeat_has_the_trials_values_and_a_seed_that_follows_its_own(repeats):
    repeats.add({2: 2, 5: 1}, PARAMS)
    repeats.add({2: 1}, PARAMS)
    assert repeats.pairs == [Repeat(2, 8), Repeat(2, 9), Repeat(5, 8), Repeat(2, 10)]
    assert repeats.ledger.again(2) == {**PARAMS[5], "seed": 8}
    assert repeats.ledger.again(3) == {**PARAMS[2], "seed": 10}
    assert repeats.run_key(3).run_name("first") == "first/t0002/confirm-10"


def test_the_budget_is_what_was_asked_for(repeats):
    repeats.add({2: 2, 5: 2}, PARAMS)
    assert repeats.ledger.spec.budget.trials == 4
    assert repeats.num_waiting == 4
    repeats.ledger.again(0)
    repeats.ledger.finish(0, TrialState.FAILED, reason="planted")
    assert repeats.num_waiting == 3


def test_they_are_found_again(repeats, tmp_path, spec):
    repeats.add({2: 2}, PARAMS)
    found = Repeats.find(tmp_path, spec)
    assert found.pairs == repeats.pairs and found.ledger.spec.budget.trials == 2
    assert Repeats.find(tmp_path / "elsewhere", spec) is None


def test_a_driver_that_died_while_it_asked_leaves_no_pair_without_a_trial(repeats, tmp_path, spec):
    repeats.add({2: 1}, PARAMS)
    repeats.ledger.set_attr(PAIRS, [*repeats.pairs, Repeat(5, 8), Repeat(5, 9)])
    found = Repeats.find(tmp_path, spec)
    found.enqueue(PARAMS)
    found.enqueue(PARAMS)
    assert len(found.ledger.records()) == 3
    assert found.ledger.again(2) == {**PARAMS[5], "seed": 9}


@pytest.mark.parametrize(("seed", "said"), [(None, "is missing"), ("a", "is 'a'"), (True, "is True"), (-1, "is -1")])
def test_a_config_without_a_seed_is_refused_with_the_remedy(seed, said):
    config = {} if seed is None else {"seed": seed}
    spec = SweepSpec.model_validate(sweep(config=config))
    with pytest.raises(ConfigError, match=rf"config.seed: must be a whole number .* but {said}.*`seed: 0`"):
        own_seed(spec, {"x": 0.5})


def test_a_seed_that_was_searched_is_the_trials_own():
    spec = SweepSpec.model_validate(sweep(config={"seed": 0}))
    assert own_seed(spec, {"x": 0.5, "seed": 4}) == 4
