"""What others would do on the simulated clock, with the classes of their packages and no Ray started."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.search.problem import QUALITY, SIZE, Problem
from benchmarks.search.simulator import Job
from search_spaces.space import Space
from sweeps import pareto
from sweeps.search.pareto_asha import rung_epochs


class TuneShipped:
    """Ray Tune's `OptunaSearch` with its `ASHAScheduler` on quality, both with their defaults.

    A trial that is stopped early is told to Optuna as complete, and stands on the front that is shown with what it had
    reached by then; so the front is judged at full length, its further training given for nothing.
    """

    shows_stopped = True

    def __init__(self, problem: Problem, seed: int) -> None:
        from ray.tune.schedulers import ASHAScheduler
        from ray.tune.search.optuna import OptunaSearch

        self._problem, self._space = problem, Space.parse(problem.space)
        self._drawn: dict[str, Any] = {}
        self._trials: list[SimpleNamespace] = []
        self._sizes: list[float] = []
        self._searcher = OptunaSearch(self._define, metric=[QUALITY, SIZE], mode=["max", "min"], seed=seed)
        self._scheduler = ASHAScheduler(metric=QUALITY, mode="max", max_t=problem.num_epochs)

    def _define(self, trial: Any) -> None:
        self._drawn = self._space.suggest(trial)

    def ask(self, now: float) -> Job | None:
        """The searcher's next, put into a bracket."""
        key = len(self._trials)
        self._trials.append(SimpleNamespace(trial_id=f"{key:06d}"))
        self._searcher.suggest(self._trials[key].trial_id)
        self._scheduler.on_trial_add(None, self._trials[key])
        self._sizes.append(self._problem.size(self._drawn))
        return Job(key, self._drawn, 0, self._problem.num_epochs)

    def report(self, key: int, epoch: int, costs: tuple[float, float], now: float) -> bool:
        """As Tune's controller does for a result and for a trial's end."""
        trial, result = self._trials[key], {QUALITY: -costs[0], SIZE: self._sizes[key], "training_iteration": epoch}
        goes_on = bool(self._scheduler.on_trial_result(None, trial, result) == self._scheduler.CONTINUE)
        if not goes_on:
            self._searcher.on_trial_complete(trial.trial_id, result)
        return goes_on


class RankHalving:
    """Successive halving by Pareto rank, as OptunaHub's `multi_metric_pruner` asks of a wrapped pruner.

    Transcribed from its published rule, since a package from that hub is loaded over the network: at each step all
    trials that have reported it are ranked by dominance, and the ranks are what the wrapped pruner compares. Wrapped is
    Optuna's successive halving with its reduction factor of 4 and rungs from the first epoch on: of n competing ranks a
    trial goes on when its own is no worse than the (n / 4)th. By reading, the published class hands a study made anew
    to the wrapped pruner, in which no rung is recorded, so successive halving would never stop anything there; here it
    sees the ranks of all that have been at the rung, which is what is meant.
    """

    def __init__(self, num_epochs: int, reduction_factor: int = 4) -> None:
        self._factor = reduction_factor
        self._seen: dict[int, dict[int, tuple[float, ...]]] = {
            rung: {} for rung in rung_epochs(1, reduction_factor, num_epochs)
        }

    def should_stop(self, trial: int, epoch: int, cost: tuple[float, float]) -> bool:
        """Whether the trial ends at this rung."""
        if epoch not in self._seen:
            return False
        self._seen[epoch][trial] = cost
        ranks = pareto.ranks(np.array(list(self._seen[epoch].values())))
        place = max(0, len(ranks) // self._factor - 1)
        return bool(ranks[list(self._seen[epoch]).index(trial)] > np.sort(ranks)[place])
