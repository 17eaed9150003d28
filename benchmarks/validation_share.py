"""What validation adds to an epoch: 40 clips of the demo corpus against half an hour of training, CPU time.

The trial's own trainer does both, batches of 8 x 2 s with both losses; a few training steps are scaled up to the
epoch's. The smallest student is the hardest case, since metrics cost the same for every size. It has learned from six
minutes of speech before: PESQ takes half as long again on what a fresh one returns. What another thread spends on
validation is told apart. Needs the demo corpus (`dfkd data demo`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from dfkd_core.config import ExperimentConfig
from dfkd_core.training.trainer import Trainer

STUDENTS = (("dccrn", 0.25), ("dccrn", 0.0625), ("conv_tasnet", 0.25), ("conv_tasnet", 0.125), ("dptnet", 0.125))
EPOCH_HOURS, TIMED_HOURS = 0.5, 0.02
NUM_ROUNDS = 3
LARGEST_SHARE = 15.0


def run() -> list[dict[str, Any]]:
    """Rows of every student."""
    return [line for model, width in STUDENTS for line in compared(model, width)]


def compared(model: str, width: float) -> list[dict[str, Any]]:
    trainer = Trainer(config_of(model, width))
    trainer.student.load_state_dict(learned(model, width))
    trainer.loss.balance.num_batches = (
        0  # the first 20 batches, in which gradient norms are learned, are no typical ones
    )
    trainer.train_epoch()
    epochs, validations, elsewhere = [], [], []
    for _ in range(NUM_ROUNDS):
        epochs.append(spent_s(trainer.train_epoch)[0] * EPOCH_HOURS / TIMED_HOURS)
        process_s, thread_s = spent_s(trainer.evaluate)
        validations.append(process_s)
        elsewhere.append(100 * (process_s - thread_s) / process_s)
    share = statistics.median(100 * b / a for a, b in zip(epochs, validations, strict=True))
    name = f"{model} {width:g}"
    return [
        row(f"{name}: training for half an hour of audio", statistics.median(epochs), "s"),
        row(f"{name}: validation of 40 clips", statistics.median(validations), "s"),
        row(f"{name}: validation against training", share, "%", f"<= {LARGEST_SHARE:g}", share <= LARGEST_SHARE),
        row(f"{name}: validation outside the trial's thread", max(elsewhere), "%", "<= 1", max(elsewhere) <= 1),
    ]


def learned(model: str, width: float) -> dict[str, Any]:
    """Weights after six minutes of speech in small batches."""
    trainer = Trainer(config_of(model, width, train_hours=0.1, batch_size=2, segment_s=1.0))
    trainer.train_epoch()
    return trainer.student.state_dict()


def config_of(
    model: str, width: float, *, train_hours: float = TIMED_HOURS, batch_size: int = 8, segment_s: float = 2.0
) -> ExperimentConfig:
    return ExperimentConfig.parse(
        {
            "student": {"model": model, "width": width},
            "teacher": {"pretrained": "dtln"},
            "optimizer": {"learning_rate": 3e-3},
            "training": {"epochs": NUM_ROUNDS + 1, "batch_size": batch_size, "device": "cpu"},
            "data": {"corpus": "demo", "train_hours": train_hours, "segment_s": segment_s, "validation_clips": 40},
        }
    )


def spent_s(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of the whole process, and of this thread."""
    process, thread = time.process_time(), time.thread_time()
    work()
    return time.process_time() - process, time.thread_time() - thread


def row(name: str, value: float, unit: str, target: str = "", holds: bool | None = None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "holds": holds}


if __name__ == "__main__":
    for line in run():
        print(line)
