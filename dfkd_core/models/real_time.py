"""How fast a model runs on this machine: the real-time factor on one CPU thread."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn

from dfkd_core.signal import SAMPLE_RATE_HZ

CLIP_S = 2.0
NUM_WARM_UP, NUM_REPEATS = 2, 7


@dataclass(frozen=True)
class RealTimeFactor:
    """Seconds of one thread's work per second of audio: median of the repeats, and their spread (max - min)."""

    rtf_cpu: float
    rtf_cpu_spread: float


def real_time_factor(model: nn.Module) -> RealTimeFactor:
    """Time a whole clip of CLIP_S through the model on one thread, NUM_REPEATS times after NUM_WARM_UP.

    The thread's own CPU time is taken, so that other programs' work counts as little as it can.
    """
    threads, was_training = torch.get_num_threads(), model.training
    torch.set_num_threads(1)
    clip = 0.1 * torch.randn(1, int(CLIP_S * SAMPLE_RATE_HZ), generator=torch.Generator().manual_seed(0))
    try:
        with torch.inference_mode():
            model.eval()
            times = []
            for _ in range(NUM_WARM_UP + NUM_REPEATS):
                started = time.thread_time()
                model(clip)
                times.append(time.thread_time() - started)
    finally:
        torch.set_num_threads(threads)
        model.train(was_training)
    times = times[NUM_WARM_UP:]
    return RealTimeFactor(median(times) / CLIP_S, (max(times) - min(times)) / CLIP_S)
