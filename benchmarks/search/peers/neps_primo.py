"""NePS's PriMO over JSON lines, run by the Python of an environment of its own (benchmarks/search/outside.py).

    python3.11 -m venv ~/bench/neps && ~/bench/neps/bin/pip install 'neural-pipeline-search==0.17.0'
    make bench-search BENCH_NEPS=~/bench/neps/bin/python

Without priors, since no other search here is given any: MOASHA for as many full trainings as there are dimensions, then
a Gaussian process over weighted sums. A promoted configuration goes on from where it stopped. Conditional keys are
proposed always, and left out where they are not active. While several proposals of the process are pending, the class
numbers them alike; here they are numbered on. It raises when asked while nothing of a rung to promote from has ended
(three pending at the start, for one): that worker waits while any is busy.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from json_lines import answer_calls  # beside this file, whose folder Python looks into first
from neps.optimizers.algorithms import primo
from neps.space.parameters import HPOCategorical, HPOFloat, HPOInteger
from neps.space.search_space import SearchSpace
from neps.state import Trial

EPOCHS = "epochs"


def parameter(entry: dict[str, Any]) -> Any:
    """A dimension of the sweep file as NePS's."""
    if "values" in entry:
        return HPOCategorical([str(index) for index in range(len(entry["values"]))])
    kind = HPOInteger if entry.get("int") else HPOFloat
    return kind(entry["min"], entry["max"], log=bool(entry.get("log")))


class Search:
    """One run."""

    def __init__(self, begin: dict[str, Any]) -> None:
        np.random.seed(begin["seed"])
        torch.manual_seed(begin["seed"])
        self.space = begin["space"]
        self.names = {key: f"p{index}" for index, key in enumerate(self.space)}
        elements = {name: parameter(self.space[key]) for key, name in self.names.items()}
        elements[EPOCHS] = HPOInteger(1, begin["num_epochs"], is_fidelity=True)
        self.optimizer = primo(SearchSpace(elements), prior_centers={})
        self.trials: dict[str, Trial] = {}
        self.ends: dict[int, tuple[str, int]] = {}  # of each training at work: its trial, and where that ends

    def ask(self) -> dict[str, Any] | None:
        try:
            sampled = self.optimizer(self.trials, None, None)
        except ValueError:
            if all(trial.report is not None for trial in self.trials.values()):
                raise
            return None
        name = sampled.id
        if name in self.trials:
            name = str(1 + max(int(known.split("_")[0]) for known in self.trials))
        before = self.trials.get(sampled.previous_config_id or "")
        trial = Trial.new(
            trial_id=name,
            location="",
            config=sampled.config,
            previous_trial=sampled.previous_config_id,
            previous_trial_location="",
            time_sampled=time.time(),
            worker_id="simulated",
        )
        trial.set_evaluating(time_started=time.time(), worker_id="simulated")
        self.trials[name] = trial
        key, end = int(name.split("_")[0]), int(sampled.config[EPOCHS])
        self.ends[key] = (name, end)
        values = {}
        for path, named in self.names.items():
            value, entry = sampled.config[named], self.space[path]
            values[path] = entry["values"][int(value)] if "values" in entry else value
        return {"key": key, "values": values, "start": int(before.config[EPOCHS]) if before else 0, "end": end}

    def report(self, key: int, epoch: int, costs: list[float]) -> bool:
        name, end = self.ends[key]
        if epoch < end:
            return True
        trial = self.trials[name]
        trial.report = trial.set_complete(
            report_as="success",
            objective_to_minimize=costs,
            cost=None,
            learning_curve=None,
            extra={},
            err=None,
            tb=None,
            time_end=time.time(),
            evaluation_duration=1.0,
        )
        return False


if __name__ == "__main__":
    answer_calls(Search)
