"""What a trial's process holds: USS of a Ray worker that trains, evaluates and saves the demo's largest student.

Unique set size, since memory-mapped pages of the shared audio count in every process's RSS. Sampled every 0.1 s by
a thread of the worker itself. Needs the demo corpus (`dfkd data demo`).
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMIT_MB = 500
CONFIG: dict[str, Any] = {
    "student": {"model": "dccrn", "width": 0.25},
    "teacher": {"pretrained": "dtln"},
    "data": {"corpus": "demo", "segment_s": 1.0, "train_hours": 0.02, "validation_clips": 8},
    "training": {"epochs": 2, "batch_size": 4, "ema_decay": 0.99, "device": "cpu"},
}


def run() -> list[dict]:
    """Peak and final USS of one trial."""
    import ray

    from dfkd_core.config import ExperimentConfig
    from dfkd_core.training.trainer import prepare

    prepare(ExperimentConfig.parse(CONFIG))
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        memory = ray.get(ray.remote(num_cpus=1)(one_trial).remote(CONFIG))
    finally:
        ray.shutdown()
    return [
        row("USS of a trial's process, peak", memory["peak"], f"<= {LIMIT_MB}", memory["peak"] <= LIMIT_MB),
        row("USS of a trial's process, at its end", memory["end"]),
        row("USS of a worker before the trial", memory["before"]),
    ]


def one_trial(config: dict[str, Any]) -> dict[str, float]:
    """Two epochs with validation and checkpoints, USS in MB."""
    watch = Watch()
    before = watch.peak_mb
    from sweeps.distillation.workload import DistillationWorkload

    workload = DistillationWorkload(config)
    with tempfile.TemporaryDirectory() as folder:
        for epoch in range(config["training"]["epochs"]):
            workload.step()
            workload.save(Path(folder, str(epoch)))
    return {"before": before, "peak": watch.stop(), "end": uss_mb()}


class Watch:
    """Samples this process's USS until it is stopped."""

    def __init__(self) -> None:
        self.peak_mb = uss_mb()
        self._running = True
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._running = False
        self._thread.join()
        return self.peak_mb

    def _sample(self) -> None:
        while self._running:
            self.peak_mb = max(self.peak_mb, uss_mb())
            time.sleep(0.1)


def uss_mb() -> float:
    import psutil

    return float(psutil.Process().memory_full_info().uss) / 1e6


def row(name: str, value: float, target: str = "", holds: bool | None = None) -> dict:
    return {"name": name, "value": round(value), "unit": "MB", "target": target, "holds": holds}


if __name__ == "__main__":
    show: Callable[[object], None] = print
    for line in run():
        show(line)
