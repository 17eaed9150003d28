"""What a start as a slice saves, and what its parent cost: from the trained rows of the table, nothing is trained here.

`python -m benchmarks sliced_starts`. Pairs of rows that differ in their start alone. Equal quality is the PESQ-WB that
the random start ends with; epochs to it are those after which the sliced start first has as much, though its learning
rate has not come down by then. One that never has counts as an epoch more than there are.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.search.table import SCORE, START, key_of, read_table

ABROAD = "probe/abroad/pesq_wb"
WIDTH = "student.width"
LARGEST_RATIO = 1 / 3
# own-dccrn's two stages, 24 and 10 epochs of half an hour (docs/log.md, "Our own teachers": first and second tries)
PARENT_S = 60 * (110 + 50)
NUM_STUDENTS = (16, 120, 1000)  # the demo's, the table's grid of slices, a long sweep's

Row = Mapping[str, Any]


def run() -> list[dict[str, Any]]:
    """Epochs to equal quality by width and over all pairs, and what of a sweep's time the parent's is."""
    rows = read_table()
    pairs = pairs_of(rows)
    by_width: dict[float, list[float]] = {}
    for sliced, drawn in pairs:
        by_width.setdefault(sliced["values"][WIDTH], []).append(epochs_ratio(sliced, drawn))
    home = [ratio for ratios in by_width.values() for ratio in ratios]
    name = "epochs to equal quality, sliced against random"
    middle = statistics.median(home)
    found = [figure(f"{name} ({len(home)} pairs)", middle, "x", "<= 1/3", middle <= LARGEST_RATIO)]
    found += [figure(f"  width {w:g} ({len(r)} pairs)", statistics.median(r), "x") for w, r in sorted(by_width.items())]
    found.append(figure("  by the probe", statistics.median(epochs_ratio(*pair, ABROAD) for pair in pairs), "x"))
    student_s = statistics.mean(sum(row["cpu_s"]) for row in rows if row["values"][START] is not None)
    for count in NUM_STUDENTS:
        share = 100 * PARENT_S / (PARENT_S + count * student_s)
        found.append(figure(f"the parent's share of a sweep of {count:,} of the table's trials", share, "%"))
    saved_s = statistics.mean((1 - epochs_ratio(*pair)) * sum(pair[1]["cpu_s"]) for pair in pairs)
    if saved_s > 0:
        found.append(figure("trials after which its training has been saved", PARENT_S / saved_s, ""))
    return found


def pairs_of(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """(sliced, random) rows whose other values are equal."""
    starts: dict[str, dict[bool, Row]] = {}
    for row in rows:
        others = {key: value for key, value in row["values"].items() if key != START}
        starts.setdefault(key_of(others), {})[row["values"][START] is not None] = row
    return [(both[True], both[False]) for both in starts.values() if len(both) == 2]


def epochs_ratio(sliced: Row, drawn: Row, score: str = SCORE) -> float:
    """Epochs of the sliced start to what the random one ends with, over all epochs of that one."""
    curve, wanted = sliced["scores"][score], drawn["scores"][score][-1]
    needed = next((epoch for epoch, reached in enumerate(curve, start=1) if reached >= wanted), len(curve) + 1)
    return needed / len(drawn["scores"][score])


def figure(name: str, value: float, unit: str, target: str = "", holds: bool | None = None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "holds": holds}


if __name__ == "__main__":
    for line in run():
        print(line)
