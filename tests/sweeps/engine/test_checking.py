"""All that can be wrong with a sweep is said before anything is written."""

import pytest

from dfkd_core.errors import ConfigError
from sweeps.definition.spec import SweepSpec
from sweeps.distillation_workload import DistillationWorkload
from sweeps.engine.checking import resolved

SIZE = {"metric": "model/params", "goal": "minimize", "scale": "log"}


def sweep(metric="val/pesq_wb", **changes):
    """A distillation sweep with one objective beside the size."""
    return SweepSpec.model_validate(
        {
            "name": "checked",
            "config": {"student": {"model": "dccrn"}, "distillation": {"method": "none"}},
            "space": {"student.width": {"values": [0.125, 0.25]}},
            "objectives": [{"metric": metric, "goal": "maximize"}, SIZE],
            "reference_point": {metric: 0.0, "model/params": 4e6},
            "budget": {"trials": 2, "epochs_per_trial": 1},
            **changes,
        }
    )


def test_a_good_sweep_comes_back_with_its_config_complete():
    spec = resolved(sweep(), DistillationWorkload)
    assert spec.config["training"]["batch_size"] >= 1
    assert spec.config["student"] == {"model": "dccrn"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (sweep("val/pesq"), "did you mean 'val/pesq_wb'"),
        (sweep("val/dnsmos"), "config.training.metrics: must hold dnsmos, which an objective or a constraint uses"),
        (sweep(config={"training": {"metrics": ["pesq"]}}), "must hold optional metrics (dnsmos), but got 'pesq'"),
        (sweep("val/gain_db"), "val/gain_db"),  # best at zero: neither more nor less of it is better
        (sweep(constraints=["model/param <= 1"]), "did you mean 'model/params'"),
        (sweep(space={"student.widht": {"values": [0.25]}}), "did you mean 'student.width'"),
        (sweep(space={"student.width": {"values": [0.25, -1]}}), "-1"),
        (sweep(evaluate_first=[{"student.width": 0.3}]), "evaluate_first[0]"),
        (sweep(sampler={"name": "tpe", "options": {"n_startup": 3}}), "sampler.options"),
        (sweep(config={"distillation": {"method": "dkfd"}}), "config.distillation.method"),
    ],
)
def test_a_wrong_sweep_is_refused_in_one_line(spec, said):
    with pytest.raises(ConfigError) as caught:
        resolved(spec, DistillationWorkload)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
