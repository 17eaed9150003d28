"""Whether a long sweep's driver slows down: processor time per trial without Ray, at the start and at the end.

Trials are closed forms of two epochs whose quality grows with size, so that nearly all of them stand on the front. The
deciding half of the engine works: ledger, conductor, trial folders, MLflow's spool, the growing front. What the sampler
takes for its proposals is timed apart: it is Optuna's.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeps.definition.spec import SweepSpec
from sweeps.engine.deciding.conductor import Conductor
from sweeps.engine.driving.front_updates import FrontUpdates
from sweeps.record.ledger import Ledger
from sweeps.tracking.tracker import Tracker

RUNS = (("random", 10_000), ("tpe", 2_000))
MOST_GROWTH = 1.5


class ClosedForm:
    """Sizes of a width; nothing is trained."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config

    @classmethod
    def static_metrics(cls, config: Mapping[str, Any]) -> dict[str, float]:
        return {"model/params": 1e6 * config["width"]}

    def step(self) -> dict[str, float]:
        raise NotImplementedError

    def save(self, directory: Path) -> None:
        raise NotImplementedError

    def load(self, directory: Path) -> None:
        raise NotImplementedError


class Held:
    """A lock that nobody takes away."""

    session = "bench"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def check(self) -> None:
        """It is held."""


def spec(sampler: str, num_trials: int) -> SweepSpec:
    return SweepSpec.model_validate(
        {
            "name": "growth",
            "config": {"width": 0.5, "a": 0.5, "b": 0.5},
            "space": {
                "width": {"min": 0.001, "max": 1.0, "log": True},
                "a": {"min": 0.0, "max": 1.0},
                "b": {"min": 0.0, "max": 1.0},
            },
            "objectives": [
                {"metric": "val/quality", "goal": "maximize"},
                {"metric": "model/params", "goal": "minimize", "scale": "log"},
            ],
            "reference_point": {"val/quality": 0.0, "model/params": 2e6},
            "budget": {"trials": num_trials, "epochs_per_trial": 2},
            "sampler": {"name": sampler, "seed": 1},
        }
    )


def per_trial(folder: Path, sampler: str, num_trials: int) -> tuple[list[float], list[float], int]:
    """Processor seconds of each trial without its proposal, and of its proposal; and the size of the front."""
    ledger, tracker = Ledger.create(folder, spec(sampler, num_trials), "bench"), Tracker(folder, None)
    updates = FrontUpdates(ledger, ledger.spec, folder, tracker)
    lock, on_finished = Held(folder), lambda conductor, record: updates.finished(record)
    clock = (lambda number: number, lambda: math.inf, on_finished)
    conductor = Conductor(ledger, ClosedForm, folder, lock, tracker, *clock)
    asked, ask = [0.0], ledger.ask

    def timed_ask() -> tuple[int, dict[str, Any]]:
        started = time.process_time()
        try:
            return ask()
        finally:
            asked[0] = time.process_time() - started

    ledger.ask = timed_ask  # type: ignore[method-assign]
    rest, proposals = [], []
    for _ in range(num_trials):
        started = time.process_time()
        trial = conductor.next()
        assert trial is not None
        conductor.started(trial.number)
        for epoch in (1, 2):
            quality = trial.config["width"] ** 0.3 * (1 - 0.5**epoch) + 1e-6 * trial.config["a"]
            conductor.report(trial.number, epoch, {"val/quality": quality, "train/loss": 1.0})
        proposals.append(asked[0])
        rest.append(time.process_time() - started - asked[0])
    return rest, proposals, len(updates.front)


def run() -> list[dict[str, Any]]:
    rows = []
    for sampler, num_trials in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            rest, proposals, size = per_trial(Path(folder), sampler, num_trials)
        tenth = num_trials // 10
        first, last = (1e3 * sum(part) / tenth for part in (rest[:tenth], rest[-tenth:]))
        asked = [1e3 * sum(part) / tenth for part in (proposals[:tenth], proposals[-tenth:])]
        title = f"{num_trials:,} trials, {sampler}, {size:,} on the front"
        rows += [
            row(f"{title}: last tenth against first", last / first, "times", f"<= {MOST_GROWTH}", last / first),
            row("  driver at the end", last, "ms/trial", ""),
            row("  the sampler's proposal at first", asked[0], "ms/trial", ""),
            row("  the sampler's proposal at the end", asked[1], "ms/trial", ""),
        ]
    return rows


def row(name: str, value: float, unit: str, target: str, growth: float | None = None) -> dict[str, Any]:
    holds = None if growth is None else growth <= MOST_GROWTH
    return {"name": name, "value": value, "unit": unit, "target": target, "holds": holds}
