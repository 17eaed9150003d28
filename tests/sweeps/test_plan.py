"""What a dry run says."""

import pytest
from front_cases import spec

from dfkd_core.errors import ConfigError
from sweeps.plan import plan_sweep
from sweeps.spec import Resources


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


def test_a_trial_larger_than_this_machine_is_refused():
    too_large = spec().model_copy(update={"resources": Resources(cpus_per_trial=4096)})
    with pytest.raises(ConfigError, match="no node can hold a trial: it asks for 4096 CPU"):
        plan_sweep(too_large, Sized)
