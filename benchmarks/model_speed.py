"""Training speed of the architectures against plain transcriptions of them with the same weights.

CPU time on one thread, forward and backward, width 0.25 (GTCRN: as published), batch of 4 x 1 s. Both forms take turns
in one run, so that a busy machine slows both; the ratio is the median of their ratios round by round.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.plain_conv_tasnet import PlainConvTasNet
from benchmarks.plain_dccrn import PlainDCCRN
from benchmarks.plain_dptnet import PlainDPTNet
from benchmarks.plain_gtcrn import PlainGTCRN
from benchmarks.public_models import PUBLIC
from dfkd_core.base.machine import keep_freed_memory
from dfkd_core.models import build_model

BATCH, SAMPLES, NUM_ROUNDS = 4, 16_000, 15
WIDTH = {"width": 0.25}
LARGEST_DIFFERENCE = 1.0e-5
# name: transcription, fields, least ratio to it, audio seconds per CPU-second measured once on a quiet core
MODELS: dict[str, tuple[type[nn.Module], dict[str, float], float, float | None]] = {
    "dccrn": (PlainDCCRN, WIDTH, 1.6, 20.0),
    "conv_tasnet": (PlainConvTasNet, WIDTH, 1.8, None),
    "dptnet": (PlainDPTNet, WIDTH, 1.2, None),
    "gtcrn": (PlainGTCRN, {}, 2.0, None),
}


def run() -> list[dict[str, Any]]:
    """Rows of every architecture, and of the arithmetic peak of the core they ran on."""
    keep_freed_memory()
    torch.set_num_threads(1)
    peak = peak_gflops()
    rows = [row("one core's peak, matrix product of 1024", peak, "GFLOP/s")]
    for name in MODELS:
        rows += model_rows(name, peak)
    return rows + [line for name in PUBLIC for line in public_rows(name)]


def model_rows(name: str, peak: float) -> list[dict[str, Any]]:
    """Equality, ratio, rate, and how much of the core's peak the step reaches."""
    plain_kind, fields, least_ratio, usual_rate = MODELS[name]
    torch.manual_seed(0)
    model = build_model(name, **fields)
    plain = plain_kind(model)
    noisy = 0.1 * torch.randn(BATCH, SAMPLES)
    difference = largest_difference(model.eval(), plain.eval(), noisy)
    ours, theirs = alternate(training_step(model.train(), noisy), training_step(plain.train(), noisy))
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    step_s = statistics.median(ours)
    done = model.macs(SAMPLES) - model.extra_macs(SAMPLES)  # transforms are counted as convolutions, but are none
    at_peak_s = 3 * 2 * done * BATCH / (1e9 * peak)  # the backward pass as two forward passes
    return [
        row(f"{name}: difference to the plain form", difference, "", f"<= {LARGEST_DIFFERENCE}", difference <= 1e-5),
        row(f"{name}: speed against the plain form", ratio, "x", f">= {least_ratio}", ratio >= least_ratio),
        row(f"{name}: audio per CPU-second", BATCH / step_s, "s/s", f"about {usual_rate:g}" if usual_rate else ""),
        row(f"{name}: a training step", 1e3 * step_s, "ms"),
        row(f"{name}: its products at the core's peak", 1e3 * at_peak_s, "ms"),
        row(f"{name}: share of the peak", 100 * at_peak_s / step_s, "%"),
    ]


def public_rows(name: str) -> list[dict[str, Any]]:
    """For information: a public package's network of the same sizes, one batch each in turns."""
    own, build = PUBLIC[name]
    model = build()
    if model is None:
        return []
    noisy = 0.1 * torch.randn(BATCH, 1, SAMPLES)
    ours = training_step(build_model(own, **WIDTH), noisy[:, 0])
    mine, theirs = alternate(ours, training_step(model, noisy))
    ratio = statistics.median(b / a for a, b in zip(mine, theirs, strict=True))
    return [
        row(f"{name}: audio per CPU-second", BATCH / statistics.median(theirs), "s/s"),
        row(f"{own} against {name}", ratio, "x"),
    ]


def training_step(model: nn.Module, noisy: Tensor) -> Callable[[], None]:
    def step() -> None:
        model(noisy).square().sum().backward()

    return step


def alternate(*steps: Callable[[], None]) -> list[list[float]]:
    """CPU seconds of each step, in turns, after two turns of warm-up."""
    times: list[list[float]] = [[] for _ in steps]
    for _ in range(NUM_ROUNDS + 2):
        for step, spent in zip(steps, times, strict=True):
            spent.append(cpu_s(step))
    return [spent[2:] for spent in times]


@torch.no_grad()
def largest_difference(model: nn.Module, plain: nn.Module, noisy: Tensor) -> float:
    """Largest difference of the estimates, relative to their largest sample."""
    estimate, expected = model(noisy), plain(noisy)
    return float((estimate - expected).abs().max() / expected.abs().max())


def peak_gflops() -> float:
    matrix = torch.randn(1024, 1024)
    return 2 * 1024**3 / min(cpu_s(lambda: matrix @ matrix) for _ in range(10)) / 1e9


def cpu_s(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def row(name: str, value: float, unit: str, target: str = "", holds: bool | None = None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "holds": holds}


if __name__ == "__main__":
    for line in run():
        print(line)
