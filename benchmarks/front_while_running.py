"""What it costs the driver that page, ranks and the sweep's metrics follow its trials: `python -m benchmarks
front_while_running`.

A sweep in fast motion: finished trials come at a steady pace, the work on the front is done and timed, the waiting in
between is skipped. The driver looks around twice a second, as it does in a sweep.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.front_speed import made_up_spec, made_up_trial
from sweeps.definition.spec import SweepSpec
from sweeps.engine.driving import front_updates
from sweeps.engine.driving.front_updates import FrontUpdates
from sweeps.record.ledger import Ledger
from sweeps.tracking.tracker import Tracker

PACES = ((500, 15.0), (1000, 2.0))  # number of trials, seconds between two that finish
LOOK_S = 0.5
MOST_SHARE = 0.01


class FastMotion:
    """A clock that goes on while work is done and jumps over the waiting."""

    def __init__(self) -> None:
        self.skipped_s, self.worked_s = 0.0, 0.0

    def monotonic(self) -> float:
        return time.perf_counter() + self.skipped_s

    def work(self, act: Any, *arguments: Any) -> None:
        started = time.perf_counter()
        act(*arguments)
        self.worked_s += time.perf_counter() - started


def finished_trial(ledger: Ledger, spec: SweepSpec, rng: np.random.Generator) -> int:
    """One more trial in the ledger, which is no part of what is measured."""
    number, _ = ledger.ask()
    made_up = made_up_trial(number, rng)
    ledger.record_epoch(number, spec.budget.epochs_per_trial, dict(made_up.metrics))
    ledger.finish(number, made_up.state)
    return number


def share(folder: Path, num_trials: int, pace_s: float) -> tuple[float, float]:
    """Share of the sweep's time that the front took, and how many trials ended between two pages."""
    spec = SweepSpec.model_validate({**made_up_spec(num_trials).model_dump(mode="json"), "sampler": {"name": "random"}})
    ledger, clock, rng = Ledger.create(folder, spec, "bench"), FastMotion(), np.random.default_rng(0)
    with mock.patch.object(front_updates, "time", clock):
        updates = FrontUpdates(ledger, spec, folder, Tracker(folder, None))
        pages = mock.patch.object(updates, "write", wraps=updates.write)
        with pages as written:
            for _ in range(num_trials):
                number = finished_trial(ledger, spec, rng)
                clock.work(updates.finished, ledger.record(number))
                for _ in range(round(pace_s / LOOK_S)):
                    clock.work(updates.refresh)
                    clock.skipped_s += LOOK_S
            clock.work(updates.write)
    return clock.worked_s / (num_trials * pace_s), num_trials / written.call_count


def run() -> list[dict[str, Any]]:
    rows = []
    for num_trials, pace_s in PACES:
        with tempfile.TemporaryDirectory() as folder:
            spent, apart = share(Path(folder), num_trials, pace_s)
        name = f"front of {num_trials:,} trials, one every {pace_s:g} s"
        rows.append(
            {
                "name": f"{name}, share of the driver",
                "value": 100 * spent,
                "unit": "%",
                "target": f"< {100 * MOST_SHARE:g}",
                "holds": spent < MOST_SHARE,
            }
        )
        rows.append(
            {"name": f"{name}, a page every", "value": apart, "unit": "trials", "target": "a few", "holds": None}
        )
    return rows
