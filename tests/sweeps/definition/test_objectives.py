"""An objective turns a metric into a cost: minimised, on its scale."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.definition.metric_facts import goal_of, unit_of
from sweeps.definition.objectives import Objective, costs

POSITIVE = st.floats(1e-9, 1e9)


@given(
    first=POSITIVE,
    second=POSITIVE,
    goal=st.sampled_from(["minimize", "maximize"]),
    scale=st.sampled_from(["linear", "log"]),
)
def test_the_better_value_never_costs_more(first, second, goal, scale):
    objective = Objective(metric="m", goal=goal, scale=scale)
    better, worse = (min, max) if goal == "minimize" else (max, min)
    assert objective.cost(better(first, second)) <= objective.cost(worse(first, second))


def test_a_log_scale_costs_by_ratio():
    size = Objective(metric="m", goal="minimize", scale="log")
    assert size.cost(2e6) - size.cost(1e6) == pytest.approx(size.cost(2e3) - size.cost(1e3))
    assert size.cost(math.e) == pytest.approx(1)


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_what_has_no_logarithm_costs_no_finite_amount(value):
    assert Objective(metric="m", goal="minimize", scale="log").cost(value) == -math.inf
    assert Objective(metric="m", goal="maximize", scale="log").cost(value) == math.inf


def test_costs_follow_the_order_of_the_objectives():
    quality, size = Objective(metric="q", goal="maximize"), Objective(metric="p", goal="minimize", scale="log")
    assert costs((quality, size), {"p": 1.0, "q": 2.0, "other": 3.0}) == (-2.0, 0.0)
    assert [o.cost_name for o in (quality, size)] == ["-q", "ln p"]


def test_a_probe_s_score_is_known_by_its_last_name():
    assert goal_of("probe/abroad/pesq_wb") == "maximize" and unit_of("probe/abroad/si_sdr_db") == "dB"
