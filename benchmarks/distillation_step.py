"""A distillation step with cached teacher estimates against one with a live teacher of width 1.

CPU time on one thread, for each architecture: student of width 0.25, batch of 4 x 1 s, both losses included. The
cached step reads the float16 estimates from a file; the live one runs a teacher of the same architecture at width 1
without gradients. Steps of both kinds alternate, so that a busy machine slows both.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from dfkd_core.base.machine import keep_freed_memory
from dfkd_core.config import ExperimentConfig
from dfkd_core.models import build_model
from dfkd_core.training.optimizer import AdamW, clip_gradient
from dfkd_core.training.total_loss import TotalLoss

BATCH, SAMPLES, NUM_STEPS = 4, 16_000, 15
TARGET_RATIOS = {"dccrn": 2.5, "conv_tasnet": 1.9, "dptnet": 1.6}


def run() -> list[dict]:
    """Median step times and their ratio, for each architecture."""
    keep_freed_memory()
    torch.set_num_threads(1)
    return [line for model, target in TARGET_RATIOS.items() for line in compared(model, target)]


def compared(model: str, target: float) -> list[dict]:
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        cached, live = steps(model, Path(folder))
        times: dict[str, list[float]] = {"cached": [], "live": []}
        for _ in range(NUM_STEPS + 2):
            times["cached"].append(spent_ms(cached))
            times["live"].append(spent_ms(live))
    medians = {name: statistics.median(values[2:]) for name, values in times.items()}
    ratio = medians["live"] / medians["cached"]
    return [
        row(f"{model}: distillation step, cached teacher", medians["cached"], "ms"),
        row(f"{model}: distillation step, live teacher of width 1", medians["live"], "ms"),
        row(f"{model}: cached against live", ratio, "x", f">= {target}", ratio >= target),
        row(f"{model}: student audio per CPU-second, cached", BATCH * 1e3 / medians["cached"], "s/s"),
    ]


def steps(model: str, folder: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """One training step with the teacher's estimates from a file, and one with the teacher itself."""
    clean = 0.05 * torch.randn(BATCH, SAMPLES)
    noisy = clean + 0.03 * torch.randn_like(clean)
    teacher = build_model(model, width=1.0).eval().requires_grad_(False)
    path = folder / "estimates.f16"
    np.asarray(0.9 * clean, np.float16).tofile(path)
    estimates = np.memmap(path, np.float16, "r", shape=(BATCH, SAMPLES))
    train = training_step(model, noisy, clean)

    def live() -> None:
        with torch.inference_mode():
            taught = teacher(noisy)
        train(taught.clone())

    return lambda: train(torch.from_numpy(estimates[[0, 1, 2, 3]].astype(np.float32))), live


def training_step(model: str, noisy: torch.Tensor, clean: torch.Tensor) -> Callable[[torch.Tensor], None]:
    """Forward, losses, backward and update of the student on one batch."""
    student, loss = build_model(model, width=0.25), TotalLoss(ExperimentConfig())
    optimizer = AdamW(student)
    loss.balance.num_batches = 0  # the first 20 batches, in which gradient norms are learned, are no typical ones

    def train(taught: torch.Tensor) -> None:
        optimizer.zero_grad()
        total, _ = loss(student(noisy), clean, taught, 0)
        total.backward()
        clip_gradient(student, 5.0)
        optimizer.step(1e-3)

    return train


def spent_ms(step: Callable[[], None]) -> float:
    start = time.process_time()
    step()
    return 1e3 * (time.process_time() - start)


def row(name: str, value: float, unit: str, target: str = "", holds: bool | None = None) -> dict:
    return {"name": name, "value": round(value, 2), "unit": unit, "target": target, "holds": holds}


if __name__ == "__main__":
    for line in run():
        print(line)
