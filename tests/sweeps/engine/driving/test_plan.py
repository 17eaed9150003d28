"""What a dry run says."""

import pytest
from front_cases import spec

from dfkd_core.errors import ConfigError
from sweeps.definition.spec import Resources
from sweeps.distillation.workload import DistillationWorkload
from sweeps.engine.driving.plan import plan_sweep


class Sized:
    """Knows its size, trains nothing."""

    def __init__(self, config):
        raise AssertionError("a plan trains nothing")

    @classmethod
    def static_metrics(cls, config):
        return {"model/params": 1000.0}


def test_a_plan_counts_dimensions_and_trains_nothing():
    """No workload is built."""
    plan = plan_sweep(spec(), Sized)
    assert plan.sizes["model/params"] == (1000.0, 1000.0, 1000.0)
    assert plan.num_dimensions == 2


@pytest.mark.parametrize(("trials", "warned"), [(19, True), (20, False)])
def test_fewer_than_ten_trials_for_each_active_dimension_are_warned_of(trials, warned):
    text = plan_sweep(spec(budget={"trials": trials, "epochs_per_trial": 6}), Sized).text()
    said = "warning: 2 active dimensions ask for about 20 trials (10 each); raise budget.trials or search fewer keys"
    assert (said in text) is warned


def test_a_trial_larger_than_this_machine_is_refused():
    too_large = spec().model_copy(update={"resources": Resources(cpus_per_trial=4096)})
    with pytest.raises(ConfigError, match="no node can hold a trial: it asks for 4096 CPU"):
        plan_sweep(too_large, Sized)


def test_what_each_start_costs_is_told():
    config = {
        "student": {"model": "dccrn", "width": 0.0625},
        "data": {"segment_s": 0.25, "validation_clips": 4},
        "training": {"batch_size": 1},
    }
    space = {"training.start_from": {"values": [None, "own-dccrn"]}}
    plan = plan_sweep(spec(config=config, space=space, constraints=[]), DistillationWorkload)
    assert plan.starts["random weights"] == 0.0 and plan.starts["own-dccrn"] > 0.0
    assert "begun with own-dccrn: about" in plan.text() and "begun with random" not in plan.text()
