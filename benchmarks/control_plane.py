"""What the engine itself costs: trials that do nothing, and trials that only wait.

No-op trials have one epoch and two objectives, on two workers; MLflow goes to SQLite beside the sweep.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from sweeps import SweepSpec, run_sweep
from sweeps.record.sweep import Sweep
from sweeps.tracking.delivery import undelivered

NUM_NO_OPS, WARM_UP, WINDOW = 3000, 20, 100
NUM_SLEEPERS, SLEEP_S, NUM_WORKERS = 24, 20.0, 2


class ClosedForm:
    """Waits as long as it is told, then returns two numbers."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    @classmethod
    def static_metrics(cls, config: dict[str, Any]) -> dict[str, float]:
        return {"model/params": 1e6 * config["width"] ** 2}

    def step(self) -> dict[str, float]:
        time.sleep(self.config["seconds"])
        return {"val/quality": self.config["width"] ** 0.3}

    def save(self, directory: Path) -> None:
        (directory / "state.json").write_text(json.dumps(self.config))

    def load(self, directory: Path) -> None:
        self.config = json.loads((directory / "state.json").read_text())


def spec(num_trials: int, seconds: float) -> SweepSpec:
    return SweepSpec.model_validate(
        {
            "name": "bench",
            "experiment": "bench",
            "config": {"width": 0.5, "seconds": seconds},
            "space": {"width": {"min": 0.1, "max": 1.0}},
            "objectives": [
                {"metric": "val/quality", "goal": "maximize"},
                {"metric": "model/params", "goal": "minimize", "scale": "log"},
            ],
            "reference_point": {"val/quality": 0.0, "model/params": 1.0e6},
            "budget": {"trials": num_trials, "epochs_per_trial": 1},
            "sampler": {"name": "random"},
            "resources": {"max_concurrent": NUM_WORKERS},
        }
    )


def times(folder: Path) -> tuple[list[float], list[float]]:
    """Start and end of each trial, in order of the end."""
    ended = sorted((r.finished or 0.0, r.started or 0.0) for r in Sweep.open(folder).records())
    return [start for _, start in ended], [end for end, _ in ended]


class Watcher(threading.Thread):
    """Samples this process's memory, and when MLflow had everything."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.samples, self.delivered_at = folder, [], 0.0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(1.0):
            self.samples.append(psutil.Process().memory_info().rss / 2**20)
            if self.folder.exists() and undelivered(self.folder) == 0:
                self.delivered_at = time.time()


def no_ops() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "sweep"
        watcher = Watcher(folder)
        watcher.start()
        run_sweep(spec(NUM_NO_OPS, 0.0), out=folder, workload=ClosedForm)
        watcher.done.set()
        ends = times(folder)[1][WARM_UP:]
        left = undelivered(folder)
    rate = (len(ends) - 1) / (ends[-1] - ends[0])
    slowdown = (ends[-1] - ends[-WINDOW]) / (ends[WINDOW] - ends[0])
    behind = max(0.0, watcher.delivered_at - ends[-1]) if not left else float("inf")
    memory = watcher.samples[len(watcher.samples) // 10 :]
    return [
        row("no-op trials to the ledger", rate, "trials/s", ">= 10", rate >= 10),
        row(f"last {WINDOW} of {NUM_NO_OPS} against the first", slowdown, "times", "<= 1.3", slowdown <= 1.3),
        row("MLflow (SQLite) behind at the end", behind, "s", "<= 30", behind <= 30),
        row("driver memory, growth", max(memory) - memory[0], "MiB", "<= 200", max(memory) - memory[0] <= 200),
    ]


def sleepers() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "sweep"
        run_sweep(spec(NUM_SLEEPERS, SLEEP_S), out=folder, workload=ClosedForm)
        starts, ends = times(folder)
    busy = NUM_SLEEPERS * SLEEP_S / (NUM_WORKERS * (max(ends) - min(starts)))
    return [row(f"workers busy, {NUM_SLEEPERS} trials of {SLEEP_S:.0f} s", busy, "share", ">= 0.95", busy >= 0.95)]


def row(name: str, value: float, unit: str, target: str, holds: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "holds": holds}


def run() -> list[dict[str, Any]]:
    return no_ops() + sleepers()
