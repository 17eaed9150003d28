"""The search spaces and sweep files that come with the project."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

import sweeps
from dfkd_core.base.documents import read_yaml
from dfkd_core.base.key_paths import with_overrides
from dfkd_core.errors import ConfigError
from search_spaces.space import SPACES, Space
from sweeps.definition.constraints import broken
from sweeps.definition.spec import SweepSpec
from sweeps.distillation.workload import DistillationWorkload
from sweeps.engine.driving.checking import resolved
from sweeps.engine.driving.plan import TRIALS_PER_DIMENSION
from sweeps.engine.driving.preparing import sample

SPECS = Path(sweeps.__file__).parent / "specs"
FIRST = SweepSpec.load(SPECS / "first.yaml")
SHIPPED = pytest.mark.parametrize("path", sorted(SPACES.glob("*.yaml")), ids=lambda path: path.stem)
ARCHITECTURES = ("dccrn", "conv_tasnet", "dptnet", "gtcrn")
OTHERS = {"earbud": "conv_tasnet"}


def spec_of(name):
    """A sweep of a shipped space, its base config naming no more than the architecture."""
    model = next((model for model in ARCHITECTURES if name.startswith(model)), OTHERS.get(name, "dccrn"))
    changes = {"config": {"student": {"model": model}}, "space": name}
    return resolved(SweepSpec.model_validate(FIRST.model_dump(mode="json") | changes), DistillationWorkload)


@SHIPPED
def test_every_value_of_a_shipped_space_is_a_config(path):
    spec, domain = spec_of(path.stem), DistillationWorkload.domain
    for point in sample(spec, 20):
        assert domain.trial_config(with_overrides(spec.config, point), 3).training.epochs == 3


@SHIPPED
def test_a_shipped_space_says_what_it_asks_and_costs_and_is_cut_for_ten_trials_per_active_dimension(path):
    head = "".join(line for line in path.read_text().splitlines(keepends=True) if line.startswith("#"))
    assert path.read_text().startswith("#") and "# Asks: " in head and "CPU-hours" in head
    cut_for = int(re.search(r"# Cut for (\d+) trials", head).group(1))
    spec = spec_of(path.stem)
    assert max(map(Space.parse(spec.space).num_free, sample(spec))) * TRIALS_PER_DIMENSION <= cut_for


@pytest.mark.parametrize(
    "names",
    [
        *((a, f"{a}_60", f"{a}_200") for a in ("dccrn", "conv_tasnet", "dptnet")),
        ("gtcrn", "gtcrn_200"),
        ("architectures", "architectures_200"),
    ],
)
def test_a_larger_space_asks_all_that_the_smaller_one_asks_and_more(names):
    keys = [set(read_yaml(SPACES / f"{name}.yaml")) for name in names]
    assert all(small < large for small, large in pairwise(keys))


def test_a_key_of_the_method_has_the_same_range_in_every_shipped_space():
    found = {}
    for path in SPACES.glob("*.yaml"):
        for key, entries in read_yaml(path).items():
            for entry in entries if isinstance(entries, list) else [entries]:
                is_fixed = len(entry.get("values", "")) == 1  # by its condition
                if key.startswith(("distillation.", "optimizer.")) and not is_fixed:
                    found.setdefault(key, []).append({name: value for name, value in entry.items() if name != "when"})
    assert all(entry == ranges[0] for ranges in found.values() for entry in ranges)


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_sweep_file_passes_every_check(path):
    spec = resolved(SweepSpec.load(path), DistillationWorkload)
    assert spec.name == path.stem


@pytest.mark.parametrize(("name", "most_ms", "runtime"), [("live", 32, 3), ("earbud", 10, 1)])
def test_every_trial_of_a_device_s_sweep_meets_its_latency_and_its_runtime(name, most_ms, runtime):
    spec, domain = resolved(SweepSpec.load(SPECS / f"{name}.yaml"), DistillationWorkload), DistillationWorkload.domain
    for point in sample(spec, 12):
        config = domain.trial_config(with_overrides(spec.config, point), 3)
        sizes = domain.static_metrics(DistillationWorkload, config)
        assert sizes["model/latency_ms"] <= most_ms and sizes["model/runtime"] >= runtime
        assert not broken(spec.constraints, sizes)


def test_an_objective_that_is_infinite_is_refused():
    changed = FIRST.model_dump(mode="json")
    changed["config"] = {"student": {"model": "conv_tasnet"}}
    changed["objectives"][1] = {"metric": "model/look_ahead_ms", "goal": "minimize"}
    changed["reference_point"] = {"val/pesq_wb": 1.0, "model/look_ahead_ms": 100}
    changed["space"] = {"student.width": {"values": [0.25, 0.5]}}
    with pytest.raises(ConfigError, match="must be finite, but model/look_ahead_ms is inf"):
        resolved(SweepSpec.model_validate(changed), DistillationWorkload)


def test_an_objective_that_is_infinite_for_one_architecture_is_refused_before_anything_runs():
    changed = FIRST.model_dump(mode="json") | {"config": {"student": {"model": "dccrn"}}, "space": "architectures"}
    changed["objectives"] = [FIRST.objectives[0], {"metric": "model/look_ahead_ms", "goal": "minimize"}]
    changed["reference_point"] = {"val/pesq_wb": 1.0, "model/look_ahead_ms": 100}
    refused = r"space.student.model: holds 'conv_tasnet', .* must be finite, but model/look_ahead_ms is inf"
    with pytest.raises(ConfigError, match=refused):
        resolved(SweepSpec.model_validate(changed), DistillationWorkload)
