"""Run the benchmarks, print one table, write bench-results/latest.json: `python -m benchmarks [NAME ...]`.

Each runs in a process of its own, so that none inherits another's threads, heap or Ray. A figure that misses its
target, or a benchmark that could not run, is told and does not stop the others.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

BENCHMARKS = (
    "model_speed",
    "distillation_step",
    "validation_share",
    "trial_memory",
    "control_plane",
    "delivery_rate",
    "front_speed",
    "teacher_rates",
    "gpu_students",
    "corpus_scale",
    "front_while_running",
    "driver_growth",
    "suggestion_time",
    "interval_coverage",
    "sliced_starts",
)
APART = ("cluster_scale",)  # run when named: it needs the machine to itself for a quarter of an hour
RESULTS = Path("bench-results/latest.json")
MARK = "bench-rows: "


def main(names: list[str]) -> None:
    unknown = sorted(set(names) - {*BENCHMARKS, *APART})
    if unknown:
        sys.exit(f"benchmarks: {unknown[0]!r} is none of {', '.join((*BENCHMARKS, *APART))}")
    results = {name: run_and_print(name) for name in names or BENCHMARKS}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine(), "results": results}, indent=1) + "\n")
    print(f"\nwritten to {RESULTS}")


def run_and_print(name: str) -> list[dict[str, Any]]:
    """Run one benchmark in a process of its own and print its rows."""
    print(f"\n{name}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--rows", name], check=False, stdout=subprocess.PIPE, text=True
    )
    rows = [json.loads(line.removeprefix(MARK)) for line in done.stdout.splitlines() if line.startswith(MARK)]
    for row in rows:
        print(line_of(row), flush=True)
    if done.returncode:
        print(f"  stopped with exit status {done.returncode}", flush=True)
    return rows


def line_of(row: dict[str, Any]) -> str:
    verdict = {True: "holds", False: "MISSED", None: ""}[row["holds"]]
    value = f"{row['value']:.4g} {row['unit']}"
    target = row["target"] if isinstance(row["target"], str) else f"{row['target']:g}"
    return f"  {row['name']:<58} {value:>18}  {target:<12} {verdict}"


def machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def print_rows(name: str) -> None:
    for row in import_module(f"benchmarks.{name}").run():
        print(MARK + json.dumps(row))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rows"]:
        print_rows(sys.argv[2])
    else:
        main(sys.argv[1:])
