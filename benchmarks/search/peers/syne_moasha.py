"""Syne Tune's MOASHA over JSON lines, run by the Python of an environment of its own (benchmarks/search/outside.py).

    python3.11 -m venv ~/bench/syne && ~/bench/syne/bin/pip install 'syne-tune==0.16.0'
    make bench-search BENCH_SYNE_TUNE=~/bench/syne/bin/python

Random proposals, as MOASHA makes them, stopped at rungs of 1, 3, 9 ... epochs by non-dominated sorting: the class as it
is installed, with its defaults. Conditional keys are proposed always, and left out where they are not active.
"""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
from json_lines import answer_calls  # beside this file, whose folder Python looks into first
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, lograndint, loguniform, randint, uniform
from syne_tune.optimizer.scheduler import SchedulerDecision
from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA

METRICS = ["cost_0", "cost_1"]


def domain(entry: dict[str, Any]) -> Any:
    """A dimension of the sweep file as Syne Tune's."""
    if "values" in entry:
        return choice(list(range(len(entry["values"]))))
    kinds = {(False, False): uniform, (True, False): loguniform, (False, True): randint, (True, True): lograndint}
    return kinds[bool(entry.get("log")), bool(entry.get("int"))](entry["min"], entry["max"])


class Search:
    """One run."""

    def __init__(self, begin: dict[str, Any]) -> None:
        np.random.seed(begin["seed"])
        self.space = begin["space"]
        self.scheduler = MOASHA(
            {key: domain(entry) for key, entry in self.space.items()},
            metrics=METRICS,
            time_attr="epoch",
            max_t=begin["num_epochs"],
            random_seed=begin["seed"],
        )
        self.trials: list[Trial] = []
        self.num_epochs = begin["num_epochs"]

    def ask(self) -> dict[str, Any]:
        config = self.scheduler.suggest().config
        trial = Trial(len(self.trials), config, datetime.datetime.now(datetime.UTC))
        self.trials.append(trial)
        self.scheduler.on_trial_add(trial)
        values = {k: self.space[k]["values"][v] if "values" in self.space[k] else v for k, v in config.items()}
        return {"key": trial.trial_id, "values": values, "start": 0, "end": self.num_epochs}

    def report(self, key: int, epoch: int, costs: list[float]) -> bool:
        trial = self.trials[key]
        result = {"epoch": epoch, **dict(zip(METRICS, costs, strict=True))}
        goes_on = self.scheduler.on_trial_result(trial, result) == SchedulerDecision.CONTINUE
        if not goes_on:
            self.scheduler.on_trial_remove(trial)
        return goes_on


if __name__ == "__main__":
    answer_calls(Search)
