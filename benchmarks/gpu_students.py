"""Examples per second of a distilled student on a GPU against one CPU thread, and of several students on one GPU.

`python -m benchmarks gpu_students`. Students of width 0.25, batch 8 x 2 s, both losses, in processes of their own that
begin together; 1, 2, 4, ... of them until their sum grows by less than a tenth. Without a GPU the CPU's row is all.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator

import torch

from benchmarks.distillation_step import row
from dfkd_core.base.machine import mixed_precision
from dfkd_core.config import ExperimentConfig
from dfkd_core.models import build_model
from dfkd_core.training.optimizer import AdamW
from dfkd_core.training.total_loss import TotalLoss

BATCH, SAMPLES = 8, 32_000
NUM_STEPS = {"cpu": 4, "cuda": 60}
WARM_UP_STEPS = {"cpu": 1, "cuda": 10}
MAX_STUDENTS, ENOUGH_GROWTH = 32, 1.1


def run() -> list[dict]:
    cpu = examples_per_s("cpu", "float32", 1)
    rows = [row("dccrn 0.25: examples per second, one CPU thread", cpu, "1/s")]
    return rows + (list(on_gpu(cpu)) if torch.cuda.is_available() else [])


def on_gpu(cpu: float) -> Iterator[dict]:
    for precision in ("float32", "bfloat16"):
        before, num_students = 0.0, 1
        while num_students <= MAX_STUDENTS:
            now = examples_per_s("cuda", precision, num_students)
            yield row(f"{precision}: examples per second, {num_students} students on one GPU", now, "1/s")
            if num_students == 1:
                yield row(f"{precision}: GPU against one CPU thread", now / cpu, "x")
            if now < ENOUGH_GROWTH * before:
                break
            before, num_students = now, 2 * num_students


def examples_per_s(device: str, precision: str, num_students: int) -> float:
    """Sum over students that train at the same time."""
    context = multiprocessing.get_context("spawn")
    together, rates = context.Barrier(num_students), context.Queue()
    students = [context.Process(target=train, args=(device, precision, together, rates)) for _ in range(num_students)]
    for student in students:
        student.start()
    total = sum(rates.get(timeout=300) for _ in students)
    for student in students:
        student.join()
    return total


def train(device: str, precision: str, together, rates) -> None:
    """One student: warm up, wait for the others, train, tell the rate."""
    torch.set_num_threads(1)
    place = torch.device(device)
    student, loss = build_model("dccrn", width=0.25).to(place), TotalLoss(ExperimentConfig())
    loss.method.to(place)
    optimizer = AdamW(student)
    clean = 0.05 * torch.randn(BATCH, SAMPLES, device=place)
    noisy, taught = clean + 0.03 * torch.randn_like(clean), 0.9 * clean

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            with mixed_precision(place, precision):
                estimate = student(noisy)
            loss(estimate.float(), clean, taught, 0)[0].backward()
            optimizer.step(1e-3)
        if place.type == "cuda":
            torch.cuda.synchronize()

    steps(WARM_UP_STEPS[device])
    together.wait()
    start = time.perf_counter()
    steps(NUM_STEPS[device])
    rates.put(BATCH * NUM_STEPS[device] / (time.perf_counter() - start))
