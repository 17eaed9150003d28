"""What is said of searches: regret over time, time to a share of the front, epsilon, and what is told from luck."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from benchmarks.search.problem import Array, Problem, ideal_volume, reference_cost
from benchmarks.search.simulator import Trace
from sweeps import pareto
from sweeps.trust.membership import holm

GRID = 80  # times, evenly on a log scale between a hundredth of the time and all of it
SHARES = (0.95, 0.99)
NUM_DRAWS = 2000  # of the bootstrap


def grid(until_s: float) -> Array:
    """Times at which regret is noted."""
    return np.geomspace(until_s / 100, until_s, GRID)


def measured(trace: Trace, problem: Problem, until_s: float) -> dict[str, Any]:
    """Regret (1 - share of the exhaustive front's hypervolume) on the grid, times to its shares, epsilon of the front.

    A share is reached when it is not lost again; the additive epsilon is taken in objectives that run from 0 to 1 over
    the exhaustive front.
    """
    reference, ideal = reference_cost(problem), ideal_volume(problem)
    times, shares = np.sort(trace.times), trace.volumes(reference) / ideal
    steps = np.concatenate([[0.0], shares])
    reached = steps[np.searchsorted(times, grid(until_s), side="right")]
    low, span = problem.ideal().min(axis=0), np.maximum(np.ptp(problem.ideal(), axis=0), 1e-12)
    front = (trace.front() - low) / span
    return {
        "regret": [round(float(1 - share), 5) for share in reached],
        "time_to": {str(share): _time_to(times, shares, share) for share in SHARES},
        "epsilon": pareto.additive_epsilon(front, (problem.ideal() - low) / span) if len(front) else math.inf,
        "volume": float(ideal * steps[-1]),
        "trainings": trace.num_trainings,
        "epochs": trace.num_epochs,
    }


def _time_to(times: Array, shares: Array, share: float) -> float | None:
    """When the share was there for good; None when it is not."""
    below = np.flatnonzero(shares < share - 1e-9)
    first = 0 if not len(below) else int(below[-1]) + 1
    return float(times[first]) if first < len(times) else None


@dataclass(frozen=True)
class Summary:
    """A figure over seeds: median, quartiles, and a bootstrap interval of the median."""

    median: float
    quartiles: tuple[float, float]
    interval: tuple[float, float]

    @classmethod
    def of(cls, values: Sequence[float]) -> Summary:
        """Infinity stands for what was never reached."""
        found = np.sort(np.asarray(values, dtype=np.float64))
        draws = np.random.default_rng(0).choice(found, size=(NUM_DRAWS, len(found)))
        medians = np.percentile(draws, 50, axis=1, method="lower")  # of infinities no mean can be taken
        low, high = np.percentile(medians, (2.5, 97.5), method="nearest")
        quartiles = np.percentile(found, (25, 75), method="nearest")
        return cls(
            float(np.percentile(found, 50, method="lower")),
            (float(quartiles[0]), float(quartiles[1])),
            (float(low), float(high)),
        )


def speed_ups(times: Mapping[str, Sequence[float]], own: str) -> dict[str, Any]:
    """How many times sooner `own` is than each other search, seed by seed, with Wilcoxon's p-values after Holm.

    A time that was not reached counts as infinite: the ratio is then infinite or, where both were not, one.
    """
    ratios = {name: _ratios(others, times[own]) for name, others in times.items() if name != own}
    p_values = np.array([_p_value(ratio) for ratio in ratios.values()], dtype=np.float64)
    corrected = holm(p_values) if len(p_values) else p_values
    return {
        name: {"times_sooner": Summary.of(ratio).__dict__, "p": float(p)}
        for (name, ratio), p in zip(ratios.items(), corrected, strict=True)
    }


def _ratios(others: Sequence[float], own: Sequence[float]) -> Array:
    pairs = zip(others, own, strict=False)  # a slow search may have fewer seeds, the first ones
    return np.array([1.0 if math.isinf(a) and math.isinf(b) else a / b for a, b in pairs])


def _p_value(ratios: Array) -> float:
    """That the ratios lie around one, by signed ranks of their logarithms."""
    logs = np.log(np.clip(ratios, 1e-6, 1e6))
    return float(wilcoxon(logs).pvalue) if np.any(logs != 0) else 1.0
