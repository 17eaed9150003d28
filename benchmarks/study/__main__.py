"""`python -m benchmarks.study run [--hours H] [--part NAME ...]`: train what is missing; `... tables`: its document.

`... test`: once, when nothing is missing, the test split.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path

from filelock import FileLock, Timeout

from benchmarks.search.table import read_table
from benchmarks.study.arms import SEEDS, TUNING_SEEDS, Arm, at_the_end, plan, tuning
from benchmarks.study.rows import ROWS, TEST_ROWS, append_row, read_rows, row_of_test_split, run_folder, train_row
from benchmarks.study.settings import costs, write_picture
from benchmarks.study.tables import tuned_weights, with_tables
from benchmarks.study.trade import write_trade

DOC = Path("docs/study.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study", description=__doc__)
    parser.add_argument("what", choices=("run", "test", "tables"))
    parser.add_argument("--hours", type=float, default=24.0, help="begin no run after so long")
    parser.add_argument("--part", nargs="+", default=(), help="only these parts of the plan")
    asked = parser.parse_args()
    if asked.what == "run":
        run(time.monotonic() + 3600 * asked.hours, asked.part)
    if asked.what == "test":
        score_test_split(time.monotonic() + 3600 * asked.hours)
    rows = read_rows()
    tuned, found = tuned_weights(rows, tuning(), TUNING_SEEDS), costs(read_table())
    DOC.write_text(with_tables(DOC.read_text(), rows, read_rows(TEST_ROWS), tuned, SEEDS, found))
    write_picture(found, DOC.parent / "pictures" / "study-settings.png")
    write_trade(rows, list(plan(tuned)), DOC.parent / "pictures" / "study-trade.png")


def run(until: float, only: Sequence[str], path: Path = ROWS) -> None:
    """Train the plan's missing runs in its order until the time is over; several processes share them."""
    planned = plan(tuned_weights(read_rows(path), tuning(), TUNING_SEEDS))
    for part, arm, seed in missing([one for one in planned if one[0] in only or not only], path, until):
        row = train_row(part, arm, seed)
        append_row(row, path)
        last = row["epochs"][-1]
        scores = ", ".join(f"{name} {last[name]:.3f}" for name in last if name.endswith("pesq_wb"))
        print(f"{part}: {arm.label}, seed {seed}: {scores}, {last['cpu_s']:.0f} CPU-s", flush=True)


def score_test_split(until: float) -> None:
    """Score the test split until the time is over, shared as `run` is; SystemExit while the plan has gaps."""
    rows = read_rows()
    tuned = tuned_weights(rows, tuning(), TUNING_SEEDS)
    if count := sum(arm.key(seed) not in rows for _, arm, seed in plan(tuned)):
        raise SystemExit(f"{count} runs of the plan are missing, and test splits are opened once, behind them")
    wanted = [("test", arm, seed) for arm, seed in product(at_the_end(tuned), SEEDS)]
    for _, arm, seed in missing(wanted, TEST_ROWS, until):
        append_row(row_of_test_split(arm, seed), TEST_ROWS)
        print(f"test: {arm.label}, seed {seed}", flush=True)


def missing(runs: Sequence[tuple[str, Arm, int]], path: Path, until: float) -> Iterator[tuple[str, Arm, int]]:
    """(part, arm, seed) without a row in `path`, each held from other processes while it is the caller's turn."""
    for part, arm, seed in runs:
        if time.monotonic() > until:
            return
        with suppress(Timeout), FileLock(run_folder(arm, seed).with_suffix(".lock"), timeout=0):  # or it is another's
            if arm.key(seed) not in read_rows(path):
                yield part, arm, seed


if __name__ == "__main__":
    main()
