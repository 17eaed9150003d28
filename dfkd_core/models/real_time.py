"""How fast a model runs on this machine: the real-time factor on one CPU thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor, nn

from dfkd_core.signal import SAMPLE_RATE_HZ

CLIP_S = 2.0
NUM_WARM_UP, NUM_REPEATS = 2, 7


@dataclass(frozen=True)
class RealTimeFactor:
    """Seconds of one thread's work per second of audio: median of the repeats, and their spread (max - min)."""

    rtf_cpu: float
    rtf_cpu_spread: float


def real_time_factor(model: nn.Module) -> RealTimeFactor:
    """That of a module in evaluation mode."""
    was_training = model.training
    try:
        return clip_factor(model.eval())
    finally:
        model.train(was_training)


def clip_factor(enhance: Callable[[Tensor], object]) -> RealTimeFactor:
    """Time a whole clip (1, CLIP_S of samples) through `enhance` on one thread, NUM_REPEATS times after NUM_WARM_UP.

    The thread's own CPU time is taken, so that other programs' work counts as little as it can.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    clip = 0.1 * torch.randn(1, int(CLIP_S * SAMPLE_RATE_HZ), generator=torch.Generator().manual_seed(0))
    times = []
    try:
        with torch.inference_mode():
            for _ in range(NUM_WARM_UP + NUM_REPEATS):
                started = time.thread_time()
                enhance(clip)
                times.append(time.thread_time() - started)
    finally:
        torch.set_num_threads(threads)
    del times[:NUM_WARM_UP]
    return RealTimeFactor(median(times) / CLIP_S, (max(times) - min(times)) / CLIP_S)
