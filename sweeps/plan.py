"""What a sweep would do, without training anything: sizes of sampled students, constraints, enough trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import optuna

from dfkd_core.config import with_overrides
from search_spaces.space import Space
from sweeps.checking import resolved
from sweeps.constraints import broken
from sweeps.spec import SweepSpec
from sweeps.workload import Workload, domain_of

NUM_SAMPLES = 50
TRIALS_PER_DIMENSION = 10


@dataclass(frozen=True)
class Plan:
    """The dry run's figures."""

    name: str
    num_trials: int
    num_epochs: int
    num_dimensions: float  # active ones, on average
    infeasible_share: float
    sizes: dict[str, tuple[float, float, float]]  # metric -> smallest, median, largest
    epoch_s: float | None = None

    def text(self) -> str:
        """The plan in a few lines."""
        lines = [f"{self.name}: {self.num_trials} trials x {self.num_epochs} epochs"]
        lines += [
            f"{metric:22} {low:,.6g} .. {middle:,.6g} .. {high:,.6g} (smallest, median, largest of {NUM_SAMPLES})"
            for metric, (low, middle, high) in self.sizes.items()
        ]
        lines.append(f"{self.infeasible_share:.0%} of sampled trials break a static constraint")
        needed = math.ceil(TRIALS_PER_DIMENSION * self.num_dimensions)
        if self.num_trials < needed:
            lines.append(
                f"warning: {self.num_dimensions:g} active dimensions ask for about {needed} trials "
                f"({TRIALS_PER_DIMENSION} each); raise budget.trials or search fewer keys"
            )
        return "\n".join(lines)


def plan_sweep(spec: SweepSpec, workload: type[Workload] | None = None) -> Plan:
    """Sample the space and count; the same checks as `run`, so a plan that passes can run."""
    from sweeps.run import default_workload

    workload = workload or default_workload()
    spec = resolved(spec, workload)
    points = sample(spec)
    sizes = [_static(spec, workload, point) for point in points]
    return Plan(
        name=spec.name,
        num_trials=spec.budget.trials,
        num_epochs=spec.budget.epochs_per_trial,
        num_dimensions=sum(map(len, points)) / len(points),
        infeasible_share=sum(bool(broken(spec.constraints, size)) for size in sizes) / len(sizes),
        sizes={name: _spread([size[name] for size in sizes]) for name in sizes[0]},
    )


def sample(spec: SweepSpec, num_samples: int = NUM_SAMPLES) -> list[dict[str, Any]]:
    """Random points of the sweep's space, the same ones each time."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=spec.sampler.seed))
    space = Space.parse(spec.space)
    return [space.suggest(study.ask()) for _ in range(num_samples)]


def _static(spec: SweepSpec, workload: type[Workload], point: Mapping[str, Any]) -> dict[str, float]:
    config = with_overrides(spec.config, point)
    trial_config = domain_of(workload).trial_config(config, spec.budget.epochs_per_trial)
    return workload.static_metrics(trial_config)


def _spread(values: list[float]) -> tuple[float, float, float]:
    return min(values), median(values), max(values)
