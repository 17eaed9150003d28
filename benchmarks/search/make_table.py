"""Train the grid that searches are tried on, one row a training: `python -m benchmarks.search.make_table [--out FILE]`.

Resumable: a row that is in the file is not trained again, and each is appended when it is done, so an interrupted run
loses the training it was in and nothing else. Rows come in blocks of 30 (all widths, temperatures and weights of one
start and one pair of band cutoffs), so that the first k blocks are a grid of their own: 120 configurations that begin
as slices of the parent, 60 at random, and 40 rows more that repeat a part with two more seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.search.table import SCHEMA_VERSION, TABLE, key_of

PARENT = "own-dccrn"
WIDTHS = (0.0625, 0.09375, 0.125, 0.1875, 0.25)
MIN_CUTOFFS, MAX_CUTOFFS = (250, 100), (4000, 1000)
TEMPERATURES = (0.5, 1, 4)
WEIGHTS = (1, 10)
STARTS = (PARENT, None)
BLOCKS = tuple(  # a random start is the control: half of the cutoffs
    (low, high, start)
    for low, high, start in product(MIN_CUTOFFS, MAX_CUTOFFS, STARTS)
    if start or high == MAX_CUTOFFS[0]
)
MORE_SEEDS = (1, 2)  # of a part of the grid: what noise is worth
EPOCHS = 6
KEPT = ("pesq_wb", "si_sdr_db", "estoi")
BASE: dict[str, Any] = {
    "student": {"model": "dccrn"},
    "teacher": {"checkpoint": PARENT},
    "distillation": {"method": "dfkd", "split": "dynamic", "weighting": "dynamic"},
    "optimizer": {"learning_rate": 3e-3},
    "training": {"epochs": EPOCHS, "batch_size": 2, "ema_decay": 0.99, "threads": 1, "device": "cpu"},
    "data": {
        "corpus": "demo",
        "segment_s": 1.0,
        "train_hours": 0.03,
        "validation_clips": 16,
        "probes": {"abroad": "demo-abroad"},
    },
}


def grid() -> Iterator[dict[str, Any]]:
    """Every row's searched values, by key path, in the order in which they are trained."""
    for low, high, start in BLOCKS:
        for temperature, weight, width in product(TEMPERATURES, WEIGHTS, WIDTHS):
            yield row_of(width, low, high, temperature, weight, start, 0)
    for seed, start, weight, width in product(MORE_SEEDS, STARTS, WEIGHTS, WIDTHS):
        yield row_of(width, MIN_CUTOFFS[0], MAX_CUTOFFS[0], 1, weight, start, seed)


def row_of(
    width: float, low: float, high: float, temperature: float, weight: float, start: str | None, seed: int
) -> dict[str, Any]:
    return {
        "student.width": width,
        "distillation.min_cutoff_hz": low,
        "distillation.max_cutoff_hz": high,
        "distillation.temperature": temperature,
        "distillation.weight": weight,
        "training.start_from": start,
        "seed": seed,
    }


def trained(values: Mapping[str, Any]) -> dict[str, Any]:
    """One row: the values, sizes, and per epoch CPU seconds, wall seconds and scores on validation and probe."""
    from dfkd_core.base.progress import silent
    from dfkd_core.config import with_overrides
    from sweeps.distillation.workload import DistillationWorkload

    domain = DistillationWorkload.domain
    config = domain.trial_config(domain.resolve(with_overrides(BASE, values), Path.cwd()), EPOCHS)
    hashes = domain.prepare(config, silent)
    sizes = domain.static_metrics(DistillationWorkload, config)
    workload = DistillationWorkload(domain.dump(config))
    scores: dict[str, list[float]] = {}
    cpu_s, wall_s = [], []
    for _ in range(EPOCHS):
        cpu, wall = time.process_time(), time.monotonic()
        metrics = workload.step()
        cpu_s.append(round(time.process_time() - cpu, 2))
        wall_s.append(round(time.monotonic() - wall, 2))
        for group, name in product(("val", "probe/abroad"), KEPT):
            if f"{group}/{name}" in metrics:
                scores.setdefault(f"{group}/{name}", []).append(round(float(metrics[f"{group}/{name}"]), 4))
    return {
        "version": SCHEMA_VERSION,
        "values": dict(values),
        "params": int(sizes["model/params"]),
        "macs_per_s": int(sizes["model/macs_per_s"]),
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "scores": scores,
        "data_hash": str(hashes.get("data_hash"))[:12],
        "teacher_hash": str(hashes.get("teacher_hash"))[:12],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TABLE)
    parser.add_argument("--rows", type=int, help="train so many rows and end")
    parser.add_argument("--start", choices=("sliced", "random"), help="rows of one kind of start alone")
    chosen = parser.parse_args()
    os.nice(10)
    lines = chosen.out.read_text().splitlines() if chosen.out.exists() else []
    done = {key_of(json.loads(line)["values"]) for line in lines}
    wanted = {"sliced": (PARENT,), "random": (None,), None: STARTS}[chosen.start]
    left = [row for row in grid() if key_of(row) not in done and row["training.start_from"] in wanted]
    print(f"{len(done)} rows in {chosen.out}, {len(left)} to train", flush=True)
    for number, values in enumerate(left[: chosen.rows], start=1):
        row = trained(values)
        with chosen.out.open("a") as file:
            file.write(json.dumps(row, separators=(",", ":")) + "\n")
            file.flush()
            os.fsync(file.fileno())
        print(
            f"{number}/{len(left)}: {key_of(values)} {row['scores']['val/pesq_wb'][-1]} {sum(row['cpu_s']):.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
