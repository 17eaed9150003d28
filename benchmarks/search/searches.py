"""The literal table of searches that are compared: name -> how to begin one on a problem with a seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.search.baselines import RankHalving, TuneShipped
from benchmarks.search.outside import PYTHONS, PeerSearch, is_there
from benchmarks.search.own import EngineSearch
from benchmarks.search.problem import Problem, reference_cost
from benchmarks.search.simulator import Search
from sweeps.search.pareto_asha import ParetoASHA

MANY = 100_000  # trials: time ends a search, not their number
ASHA = {"name": "pareto_asha"}
JOINT = {"multivariate": True, "group": True}
OWN = "front+asha"  # what `dfkd sweep run` does
Begin = Callable[[Problem, int], Search]


def engine(sampler: str, scheduler: dict[str, Any] | None = None, **options: Any) -> Begin:
    """The engine's own search."""
    return lambda problem, seed: EngineSearch(
        problem, MANY, {"name": sampler, "seed": seed, "options": options}, scheduler
    )


def _rank_halving(problem: Problem, seed: int) -> Search:
    return EngineSearch(problem, MANY, {"name": "tpe", "seed": seed}, rule=RankHalving(problem.num_epochs))


def _rungs_alone(problem: Problem, seed: int) -> Search:
    """TPE and the rungs, which stop trials also where configurations are few."""
    rule = ParetoASHA(reference_cost(problem), (False, True), problem.num_epochs)
    return EngineSearch(problem, MANY, {"name": "tpe", "seed": seed}, rule=rule)


def _peer(name: str) -> Begin:
    return lambda problem, seed: PeerSearch(problem, seed, name)


SEARCHES: dict[str, Begin] = {
    OWN: engine("front", ASHA),
    "random": engine("random"),
    "nsga2": engine("nsga2"),
    "tpe": engine("tpe"),
    "gp": engine("gp"),
    "tune-shipped": TuneShipped,
    "rank-halving": _rank_halving,
    "syne-moasha": _peer("syne_moasha"),
    "neps-primo": _peer("neps_primo"),
    "front": engine("front"),
    "tpe+asha": engine("tpe", ASHA),
    "tpe+rungs-alone": _rungs_alone,
    "random+asha": engine("random", ASHA),
    "tpe-joint": engine("tpe", **JOINT),
    "tpe-joint+asha": engine("tpe", ASHA, **JOINT),
}
COMPARED = tuple(SEARCHES)[:9]  # the own search and what others would take
SLOW = ("gp", "neps-primo")  # one to three minutes for one run: few seeds of one problem
PEERS = {"syne-moasha": "syne_moasha", "neps-primo": "neps_primo"}


def missing(search: str) -> str | None:
    """Why a search cannot be run here; None when it can."""
    peer = PEERS.get(search)
    if peer is None or is_there(peer):
        return None
    return f"{search} is passed over: {PYTHONS[peer]} names no Python (see benchmarks/search/peers/{peer}.py)"
