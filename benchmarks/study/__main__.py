"""`python -m benchmarks.study run [--hours H] [--part NAME]`: train what is missing; `... tables`: docs/study.md."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.search.table import read_table
from benchmarks.study.arms import SEEDS, TUNING_SEEDS, plan, tuning
from benchmarks.study.rows import append_row, read_rows, train_row
from benchmarks.study.settings import costs, write_picture
from benchmarks.study.tables import tuned_weights, with_tables

DOC = Path("docs/study.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study", description=__doc__)
    parser.add_argument("what", choices=("run", "tables"))
    parser.add_argument("--hours", type=float, default=24.0, help="begin no run after so long")
    parser.add_argument("--part", help="only this part of the plan")
    asked = parser.parse_args()
    if asked.what == "run":
        run(time.monotonic() + 3600 * asked.hours, asked.part)
    rows = read_rows()
    tuned, found = tuned_weights(rows, tuning(), TUNING_SEEDS), costs(read_table())
    DOC.write_text(with_tables(DOC.read_text(), rows, tuned, SEEDS, found))
    write_picture(found, DOC.parent / "pictures" / "study-settings.png")


def run(until: float, only: str | None) -> None:
    """Train the plan's missing runs in its order until the time is over."""
    rows = read_rows()
    for part, arm, seed in plan(tuned_weights(rows, tuning(), TUNING_SEEDS)):
        if arm.key(seed) in rows or (only and part != only):
            continue
        if time.monotonic() > until:
            return
        row = train_row(part, arm, seed)
        append_row(row)
        rows[row["key"]] = row
        last = row["epochs"][-1]
        scores = ", ".join(f"{name} {last[name]:.3f}" for name in last if name.endswith("pesq_wb"))
        print(f"{part}: {arm.label}, seed {seed}: {scores}, {last['cpu_s']:.0f} CPU-s", flush=True)


if __name__ == "__main__":
    main()
