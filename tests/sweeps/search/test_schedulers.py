"""When a stopping rule is built."""

import pytest

from sweeps.definition.spec import FEW, Budget
from sweeps.search.pareto_asha import ParetoASHA
from sweeps.search.schedulers import build_rule

SETTING = ((0.0, 12.0), (False, True), 6, 3.0, 1)


def test_nothing_stops_early_where_the_budget_can_go_through_the_whole_space():
    assert isinstance(build_rule("pareto_asha", *SETTING, False), ParetoASHA)
    assert build_rule("pareto_asha", *SETTING, True) is None
    assert build_rule("none", *SETTING, False) is None


@pytest.mark.parametrize(
    ("budget", "num_points", "goes_through"),
    [
        ({"trials": 24}, 24, True),
        ({"trials": 24}, 25, False),
        ({"trials": 24}, None, False),
        ({"hours": 1}, FEW, True),
        ({"hours": 1}, FEW + 1, False),
    ],
)
def test_a_budget_goes_through_a_space_of_few_configurations(budget, num_points, goes_through):
    assert Budget(**budget, epochs_per_trial=6).goes_through(num_points) is goes_through
