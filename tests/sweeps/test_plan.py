"""What a dry run says."""

from front_cases import spec

from sweeps.plan import plan_sweep


class Sized:
    """Knows its size, trains nothing."""

    def __init__(self, config):
        raise AssertionError("a plan trains nothing")

    @classmethod
    def static_metrics(cls, config):
        return {"model/params": 1000.0}


def test_a_plan_counts_dimensions_and_trains_nothing():
    """Ten trials are asked for each active dimension; no workload is built."""
    plan = plan_sweep(spec(), Sized)
    assert plan.sizes["model/params"] == (1000.0, 1000.0, 1000.0)
    assert plan.num_dimensions >= 1
    assert ("warning" in plan.text()) == (plan.num_trials < 10 * plan.num_dimensions)
