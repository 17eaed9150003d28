"""The search spaces and sweep files that come with the project."""

from pathlib import Path

import pytest

import sweeps
from dfkd_core.config import with_overrides
from dfkd_core.errors import ConfigError
from search_spaces.space import SPACES
from sweeps.checking import resolved
from sweeps.distillation_workload import DistillationWorkload
from sweeps.plan import sample
from sweeps.spec import SweepSpec

SPECS = Path(sweeps.__file__).parent / "specs"
FIRST = SweepSpec.load(SPECS / "first.yaml")
MODEL_OF = {"architectures": "dccrn"}


@pytest.mark.parametrize("path", sorted(SPACES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_space_says_what_it_asks_and_every_value_of_it_is_a_config(path):
    assert path.read_text().startswith("#")
    assert "Cut for" in path.read_text()
    config = {"student": {"model": MODEL_OF.get(path.stem, path.stem)}}
    spec = SweepSpec.model_validate({**FIRST.model_dump(mode="json"), "config": config, "space": path.stem})
    domain = DistillationWorkload.domain
    spec = resolved(spec, DistillationWorkload)
    for point in sample(spec, 20):
        assert domain.trial_config(with_overrides(spec.config, point), 3)["training"]["epochs"] == 3


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_sweep_file_passes_every_check(path):
    spec = resolved(SweepSpec.load(path), DistillationWorkload)
    assert spec.name == path.stem


def test_an_objective_that_is_infinite_is_refused():
    changed = FIRST.model_dump(mode="json")
    changed["config"] = {"student": {"model": "conv_tasnet"}}
    changed["objectives"][1] = {"metric": "model/look_ahead_ms", "goal": "minimize"}
    changed["reference_point"] = {"val/pesq_wb": 1.0, "model/look_ahead_ms": 100}
    changed["space"] = {"student.width": {"values": [0.25, 0.5]}}
    with pytest.raises(ConfigError, match="must be finite, but model/look_ahead_ms is inf"):
        resolved(SweepSpec.model_validate(changed), DistillationWorkload)
