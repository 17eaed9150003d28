"""The literal table of searches that are compared: name -> how to begin one on a problem with a seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.search.own import EngineSearch
from benchmarks.search.problem import Problem
from benchmarks.search.simulator import Search

MANY = 100_000  # trials: time ends a search, not their number
ASHA = {"name": "pareto_asha"}
JOINT = {"multivariate": True, "group": True}
Begin = Callable[[Problem, int], Search]


def engine(sampler: str, scheduler: dict[str, Any] | None = None, **options: Any) -> Begin:
    """The engine's own search."""
    return lambda problem, seed: EngineSearch(
        problem, MANY, {"name": sampler, "seed": seed, "options": options}, scheduler
    )


SEARCHES: dict[str, Begin] = {
    "random": engine("random"),
    "tpe": engine("tpe"),
    "tpe-joint": engine("tpe", **JOINT),
    "tpe+asha": engine("tpe", ASHA),
    "tpe-joint+asha": engine("tpe", ASHA, **JOINT),
}
