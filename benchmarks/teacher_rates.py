"""How fast a teacher's estimates are cached, and how fast trials read them.

CPU time on one thread. Each public model that comes with the package or is in the cache folder already, on mixtures of
2 s; the cache itself with a teacher that costs nothing, so that what remains is writing, checking and reading.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.distillation_step import row
from dfkd_core.base.cache import cache_dir
from dfkd_core.data.pretrained import PUBLIC_MODELS
from dfkd_core.teachers import PRETRAINED
from dfkd_core.teachers.teacher_cache import TeacherCache
from dfkd_core.teachers.trained_model import shipped_names

NUM_MIXTURES, SAMPLES, BATCH, RATE = 256, 32_000, 8, 16_000
HEARD = 8  # mixtures that each public model is timed on


def run() -> list[dict]:
    torch.set_num_threads(1)
    present = [name for name in PUBLIC_MODELS if name in shipped_names() or (cache_dir() / name).is_dir()]
    return [*(public_rate(name) for name in present), *cache_rates()]


def public_rate(name: str) -> dict:
    teacher = PRETRAINED[name]()
    noisy = Noise().batch(np.arange(HEARD))[0]
    teacher(noisy[:1])  # opens its files
    return row(f"{name}: audio per CPU-second", HEARD * SAMPLES / RATE / spent_s(lambda: teacher(noisy)), "s/s")


def cache_rates() -> list[dict]:
    mixtures = Noise()
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, DFKD_CACHE=folder):
        hours = NUM_MIXTURES * SAMPLES / RATE / 3600
        written_s = spent_s(lambda: TeacherCache.open(Echo(), mixtures))
        cache = TeacherCache.open(Echo(), mixtures)
        order = np.random.default_rng(0).permutation(NUM_MIXTURES).reshape(-1, BATCH)
        read_ms = 1e3 * spent_s(lambda: [cache.estimates(indices) for indices in order]) / len(order)
    return [
        row("teacher cache: written and checked, CPU-seconds per hour of audio", written_s / hours, "s/h"),
        row("teacher cache: read, per batch of 8 x 2 s", read_ms, "ms", "<= 1", read_ms <= 1),
    ]


def spent_s(act: Callable[[], object]) -> float:
    start = time.process_time()
    act()
    return time.process_time() - start


class Echo:
    """A teacher that costs nothing."""

    name, sha256 = "echo", "e" * 64

    def __call__(self, noisy, listed=()):
        return noisy


class Noise:
    """Listed mixtures that are there already."""

    sha256, num_samples = "n" * 64, SAMPLES

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.clean = (0.05 * rng.standard_normal((NUM_MIXTURES, SAMPLES))).astype(np.float32)
        self.noisy = self.clean + (0.02 * rng.standard_normal((NUM_MIXTURES, SAMPLES))).astype(np.float32)

    def __len__(self) -> int:
        return NUM_MIXTURES

    def name(self, index: int) -> str:
        return f"noise-{index}"

    def made_of(self, index, read):
        return None

    def batch(self, indices):
        return self.noisy[indices], self.clean[indices]


if __name__ == "__main__":
    for line in run():
        print(line)
