"""The engine's own search in the simulator: its ledger, its samplers and its early stopping, without Ray."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import optuna
from optuna.study import StudyDirection

from benchmarks.search.problem import QUALITY, SIZE, Problem, sweep_of
from benchmarks.search.simulator import Job
from sweeps.record.ledger import Ledger
from sweeps.record.trials import TrialState
from sweeps.search.schedulers import build_rule


class Rule(Protocol):
    """What stops trials early."""

    def should_stop(self, trial: int, epoch: int, cost: tuple[float, float]) -> bool:
        """Whether the trial ends at this epoch."""


class EngineSearch:
    """A sweep's ledger in memory, asked and told as the conductor does; `rule` stands in for the engine's own."""

    shows_stopped = False

    def __init__(
        self,
        problem: Problem,
        num_trials: int,
        sampler: dict[str, Any],
        scheduler: dict[str, Any] | None = None,
        rule: Rule | None = None,
    ) -> None:
        self.spec = sweep_of(problem, num_trials, sampler=sampler, scheduler=scheduler or {"name": "none"})
        study = optuna.create_study(directions=[StudyDirection.MINIMIZE] * 2)
        self.ledger, self._problem = Ledger(study, self.spec, Path()), problem
        config = self.spec.scheduler
        setting = (self.spec.reference_costs, (False, True), problem.num_epochs)
        rungs = (config.reduction_factor, config.min_epochs)
        self._rule = rule or build_rule(config.name, *setting, *rungs, self.ledger.is_scarce)
        self._asked = 0
        self._sizes: dict[int, float] = {}

    def ask(self, now: float) -> Job | None:
        """The next trial of the budget."""
        if self._asked >= self.spec.budget.most_trials or self.ledger.is_used_up:
            return None
        self._asked += 1
        number, point = self.ledger.ask()
        self._sizes[number] = self._problem.size(point)
        self.ledger.record_epoch(number, 0, {SIZE: self._sizes[number]})
        return Job(number, point, 0, self._problem.num_epochs)

    def report(self, key: int, epoch: int, costs: tuple[float, float], now: float) -> bool:
        """Note the epoch, finish the trial when it is at its end or stopped."""
        self.note(key, epoch, costs)
        is_stopped = self._rule is not None and self._rule.should_stop(key, epoch, costs)
        if epoch == self._problem.num_epochs or is_stopped:
            self.end(key, epoch)
            return False
        return True

    def note(self, key: int, epoch: int, costs: tuple[float, float]) -> None:
        """Write an epoch down."""
        self.ledger.record_epoch(key, epoch, {QUALITY: -costs[0], SIZE: self._sizes[key]})

    def end(self, key: int, epoch: int) -> None:
        """The trial has ended there."""
        self.ledger.finish(key, TrialState.COMPLETE if epoch == self._problem.num_epochs else TrialState.PRUNED)
