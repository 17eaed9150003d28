"""When to distil and when to supervise."""

from __future__ import annotations

from typing import Literal


def schedule_weights(schedule: Literal["constant", "two_step"], epoch: int, num_epochs: int) -> tuple[float, float]:
    """Factors of the supervised and of the distillation loss in an epoch counted from 0.

    `constant`: (1, 1). `two_step`: (0, 1) in the first half of the epochs, rounded down, then (1, 0): distil only,
    then supervise only (arXiv 2309.08144).
    """
    if schedule == "constant":
        return 1.0, 1.0
    return (0.0, 1.0) if epoch < num_epochs // 2 else (1.0, 0.0)
