"""One entry of a space: what it accepts, what it draws, and how a value is written as a parameter."""

import math
import warnings

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfkd_core.errors import ConfigError
from search_spaces.distributions import OneOf, Range, parse_distribution

SCALARS = st.one_of(st.booleans(), st.integers(-9, 9), st.floats(-5, 5), st.text("ab", max_size=2), st.none())


def draws(distribution, num=40, seed=0):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return [distribution.suggest(study.ask(), "p") for _ in range(num)]


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        ({}, "min and max"),
        ({"min": 0}, "min and max"),
        ({"min": 1, "max": 1}, "below"),
        ({"min": 2, "max": 1}, "below"),
        ({"min": "a", "max": 1}, "numbers"),
        ({"min": True, "max": 2}, "numbers"),
        ({"min": 0, "max": math.inf}, "numbers"),
        ({"min": math.nan, "max": 1}, "numbers"),
        ({"min": 0, "max": 1, "log": True}, "min > 0"),
        ({"min": 1, "max": 9, "log": True, "step": 2}, "excludes step"),
        ({"min": 0, "max": 1, "step": 0}, "above 0"),
        ({"min": 0, "max": 1, "step": -1}, "above 0"),
        ({"min": 0, "max": 1, "step": "x"}, "above 0"),
        ({"min": 0.5, "max": 3, "int": True}, "whole"),
        ({"min": 0, "max": 3, "int": True, "step": 0.5}, "whole"),
        ({"min": 0, "max": 1, "log": "yes"}, "true or false"),
        ({"min": 0, "max": 1, "int": 1}, "true or false"),
        ({"values": []}, "at least one"),
        ({"values": "abc"}, "list"),
        ({"values": [1, 1]}, "differ"),
        ({"values": [1, 1.0]}, "differ"),
        ({"values": [[1], [1]]}, "differ"),
        ({"values": [0.5, math.nan]}, "finite"),
        ({"values": [1], "min": 0}, "not both"),
        ({"min": 0, "max": 1, "logg": True}, "did you mean 'log'"),
    ],
)
def test_an_entry_that_breaks_a_rule_is_refused_at_its_key(entry, rule):
    with pytest.raises(ConfigError, match=rule) as caught:
        parse_distribution(entry, "space.student.width")
    assert caught.value.key.startswith("space.student.width")
    assert "\n" not in str(caught.value)


def test_a_range_holds_both_ends_and_its_own_kind_of_number():
    assert all(
        isinstance(v, int) and 2 <= v <= 4 for v in draws(parse_distribution({"min": 2, "max": 4, "int": True}, "k"))
    )
    assert set(draws(parse_distribution({"min": 2, "max": 4, "int": True}, "k"))) == {2, 3, 4}
    assert set(draws(parse_distribution({"min": 0, "max": 1, "step": 0.5}, "k"))) == {0.0, 0.5, 1.0}


def test_a_log_range_spreads_over_the_decades():
    found = draws(parse_distribution({"min": 1e-4, "max": 1, "log": True}, "k"), 200)
    assert 0.3 < sum(v < 1e-2 for v in found) / 200 < 0.7


def test_three_numbers_or_more_are_searched_by_their_rank():
    """A sampler that models an order then knows which values lie side by side, wherever they lie."""
    study = optuna.create_study()
    trial = study.ask({})
    value = OneOf((4.0, 0.25, 1.0)).suggest(trial, "p")
    assert isinstance(trial.distributions["p"], optuna.distributions.IntDistribution)
    assert [0.25, 1.0, 4.0][trial.params["p"]] == value


@pytest.mark.parametrize("values", [(0.25, 4.0), ("a", "b", "c"), (True, False, None), (1, 2, "x")])
def test_other_values_have_no_order(values):
    trial = optuna.create_study().ask()
    OneOf(values).suggest(trial, "p")
    assert isinstance(trial.distributions["p"], optuna.distributions.CategoricalDistribution)


def test_lists_and_mappings_are_values_too():
    choice = OneOf(([10, 40], [20, 20], {"a": 1}))
    assert all(value in choice.values for value in draws(choice))
    assert choice.encode([20, 20], "k") == "[20, 20]"


def test_values_of_different_type_stay_apart():
    """True equals 1 in Python; as values of a config they are different things."""
    choice = OneOf((True, "1", 0.5))
    assert choice.encode(True, "k") is True
    with pytest.raises(ConfigError, match="one of"):
        choice.encode(1, "k")


@given(values=st.lists(SCALARS, min_size=1, max_size=6), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_what_a_choice_draws_is_one_of_its_values_and_is_drawn_again_from_its_code(values, seed):
    try:
        choice = parse_distribution({"values": values}, "k")
    except ConfigError:
        return
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    value = choice.suggest(study.ask(), "p")
    assert any(value is v or (type(value) is type(v) and value == v) for v in values)
    study.enqueue_trial({"p": choice.encode(value, "k")})
    again = choice.suggest(study.ask(), "p")
    assert (type(again), again) == (type(value), value)


@given(
    low=st.floats(-1e6, 1e6),
    width=st.floats(1e-3, 1e6),
    log=st.booleans(),
    seed=st.integers(0, 99),
    share=st.floats(0, 1),
)
@settings(max_examples=60, deadline=None)
def test_a_number_in_range_stands_for_itself(low, width, log, seed, share):
    low = abs(low) + 1e-3 if log else low
    found = parse_distribution({"min": low, "max": low + width, "log": log}, "k")
    value = min(low + share * width, low + width)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    study.enqueue_trial({"p": found.encode(value, "k")})
    assert found.suggest(study.ask(), "p") == value


def test_a_value_outside_is_refused():
    with pytest.raises(ConfigError, match=r"\[1, 2\].*3"):
        Range(1, 2).encode(3, "evaluate_first[0].x")
    with pytest.raises(ConfigError, match="whole"):
        Range(1, 4, integer=True).encode(2.5, "k")
    with pytest.raises(ConfigError, match="step"):
        Range(0, 1, step=0.5).encode(0.3, "k")
    with pytest.raises(ConfigError, match="one of"):
        OneOf((1, 2)).encode(3, "k")


@given(
    entry=st.dictionaries(
        st.sampled_from(["min", "max", "log", "int", "step", "values", "typo"]),
        st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=4),
        max_size=5,
    )
)
@settings(max_examples=300, deadline=None)
def test_any_mapping_is_parsed_or_refused_in_one_line(entry):
    try:
        distribution = parse_distribution(entry, "space.k")
    except ConfigError as error:
        assert "\n" not in str(error)
    else:
        draws(distribution, 2)


@pytest.mark.parametrize(
    ("entry", "high"),
    [
        ({"min": 0.1, "max": 0.7, "step": 0.1}, 0.7),  # 0.1 + 6 * 0.1 is 0.7000000000000001
        ({"min": 0, "max": 1, "step": 0.1}, 1.0),
        ({"min": 0.05, "max": 0.4, "step": 0.15}, 0.35),
        ({"min": -0.3, "max": 0.3, "step": 0.2}, 0.3),
        ({"min": 1, "max": 10, "step": 4, "int": True}, 9),
    ],
)
def test_a_step_s_upper_end_is_written_as_people_write_it_and_optuna_has_no_word_to_say(entry, high):
    distribution = parse_distribution(entry, "p")
    assert distribution.high == high
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(entry["min"] <= value <= entry["max"] for value in draws(distribution))
