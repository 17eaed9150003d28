"""A constraint reads and writes as text, and says how far a metric is past its limit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sweeps.definition.constraints import Constraint, broken


@pytest.mark.parametrize(
    ("text", "metric", "sign", "limit"),
    [
        ("model/params <= 3", "model/params", "<=", 3.0),
        ("val/pesq_wb>=1.5", "val/pesq_wb", ">=", 1.5),
        ("  model/macs_per_s <= 1.0e9 ", "model/macs_per_s", "<=", 1e9),
        ("x >= -2", "x", ">=", -2.0),
    ],
)
def test_a_constraint_is_a_metric_a_sign_and_a_number(text, metric, sign, limit):
    found = Constraint.model_validate(text)
    assert (found.metric, found.sign, found.limit) == (metric, sign, limit)
    assert Constraint.model_validate(found.model_dump()) == found


@pytest.mark.parametrize(
    "text", ["", "a", "a < 3", "a == 3", "a <= b", "3 <= a", "a <= 1e999", "a <= nan", "a <= 1 2", 3, []]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValidationError):
        Constraint.model_validate(text)


@given(limit=st.floats(-1e6, 1e6), value=st.floats(-1e6, 1e6), sign=st.sampled_from(["<=", ">="]))
def test_a_violation_is_above_zero_exactly_when_the_constraint_is_broken(limit, value, sign):
    found = Constraint(metric="m", sign=sign, limit=limit)
    is_met = value <= limit if sign == "<=" else value >= limit
    assert (found.violation({"m": value}) <= 0) == is_met
    assert bool(broken([found], {"m": value})) != is_met


def test_violations_are_relative_to_the_limit():
    """The sampler adds violations up: one in bytes must not drown one in seconds."""
    assert Constraint.model_validate("m <= 1e9").violation({"m": 2e9}) == Constraint.model_validate("m <= 2").violation(
        {"m": 4}
    )
    assert Constraint.model_validate("m <= 0").violation({"m": 4}) == 4


def test_a_metric_that_is_not_known_yet_breaks_nothing():
    assert broken([Constraint.model_validate("m <= 1")], {"other": 9}) == []


def test_the_endless_breaks_an_upper_limit_by_a_finite_amount():
    """An endless look-ahead is more than 50 ms; samplers cannot add infinities."""
    upper = Constraint.model_validate("m <= 50")
    assert broken([upper], {"m": math.inf}) == [upper]
    assert math.isfinite(upper.violation({"m": math.inf}))


def test_what_is_not_a_number_meets_no_constraint():
    for text in ("m <= 50", "m >= 50"):
        constraint = Constraint.model_validate(text)
        assert broken([constraint], {"m": math.nan}) == [constraint]
        assert math.isfinite(constraint.violation({"m": math.nan}))
