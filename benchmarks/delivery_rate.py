"""How fast finished trials reach MLflow in SQLite, and what recording them costs: `python benchmarks/delivery_rate.py`.

Trials of one epoch with two params, two metrics, five tags, a rank and the front's two metrics each, as a sweep tells
them. First a flood of 1,000 trials (the rate), then 10 trials/s for 30 s (how far delivery is behind at the end).
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from sweeps.tracking.delivery import start_delivery, undelivered, wait_delivered
from sweeps.tracking.tracker import Tracker

CALLS_PER_TRIAL = 5
TRIALS_PER_S = 10.0
TAGS = {f"dfkd.{name}": "0123456789abcdef" for name in ("data_hash", "teacher_hash", "git_commit", "node", "device")}


def tell_trial(tracker: Tracker, number: int) -> None:
    metrics = {"val/quality": 0.5 + 1e-3 * number, "model/params": 1e5 + number}
    tracker.trial_started(number, {"x": 0.1, "student.width": 0.25}, TAGS)
    tracker.trial_epoch(number, 1, metrics)
    tracker.trial_finished(number, "COMPLETE", 1.0, None, metrics)
    tracker.trial_rank(number, False, 1)
    tracker.front(number + 1, 0.5, 3)


def flood(folder: Path, num_trials: int) -> tuple[float, float]:
    """Tell trials as fast as possible; return delivered trials per s (start-up left out), and s per recording call."""
    tracker, handle = Tracker(folder), start_delivery(folder)
    tracker.sweep_started(folder.name, "benchmark", folder.name, {})
    while undelivered(folder):
        time.sleep(0.01)
    began = time.perf_counter()
    for number in range(num_trials):
        tell_trial(tracker, number)
    recorded_s = time.perf_counter() - began
    tracker.sweep_finished("finished")
    assert wait_delivered(folder, handle) == 0
    return num_trials / (time.perf_counter() - began), recorded_s / (CALLS_PER_TRIAL * num_trials)


def steady(folder: Path, seconds: float) -> float:
    """Tell trials at a sweep's pace; return how many s after the end MLflow has the last one."""
    tracker, handle = Tracker(folder), start_delivery(folder)
    tracker.sweep_started(folder.name, "benchmark", folder.name, {})
    began = time.perf_counter()
    for number in range(int(seconds * TRIALS_PER_S)):
        tell_trial(tracker, number)
        time.sleep(max(0.0, began + (number + 1) / TRIALS_PER_S - time.perf_counter()))
    ended = time.perf_counter()
    tracker.sweep_finished("finished")
    assert wait_delivered(folder, handle) == 0
    return time.perf_counter() - ended


def run(num_trials: int = 1000, steady_s: float = 30.0) -> list[dict[str, Any]]:
    """Return one row a figure."""
    with tempfile.TemporaryDirectory() as runs:
        rate, call_s = flood(Path(runs, "flood"), num_trials)
        behind_s = steady(Path(runs, "steady"), steady_s)
    return [
        row("MLflow delivery to SQLite", rate, "trials/s", f">= {TRIALS_PER_S:.0f}", rate >= TRIALS_PER_S),
        row("MLflow behind after a steady sweep", behind_s, "s", "<= 30", behind_s <= 30),
        row("tracker call", 1e3 * call_s, "ms", "<= 1", call_s <= 1e-3),
    ]


def row(name: str, value: float, unit: str, target: str, holds: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "holds": holds}


if __name__ == "__main__":
    for line in run():
        print(line)
