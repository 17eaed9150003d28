"""What a search would gain that knew how settings do on average: `python -m benchmarks.search.foreknowledge`.

Rows of the table that agree in some keys are a cell. This search is told the mean score of every cell and how far
single rows lie from it, and begins on each free worker a row of the cell whose expected gain in hypervolume is largest;
which row of a cell it takes is chance. What it is told was taken from the very rows that it is judged by, so no search
can learn it sooner. Where cells hold many rows it marks what knowing those keys is worth; where they hold few it knows
the luck of single trainings, too.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

import numpy as np
from scipy.stats import norm

from benchmarks.search.compare import STARTS, problem_of, time_of
from benchmarks.search.indicators import measured
from benchmarks.search.problem import reference_cost
from benchmarks.search.simulator import Trace
from benchmarks.search.table import SCORE, Table
from sweeps import pareto

SHARES = np.linspace(0.05, 0.95, 10)  # of the normal distribution by which an expected gain is taken
NUM_SEEDS, NUM_WORKERS = 20, 4


def informed(table: Table, keys: Sequence[str], num_workers: int, seed: int) -> Trace:
    """Its trace over all rows; cells are those of `keys`, and `seed` chooses among a cell's rows."""
    draw, reference, trace = np.random.default_rng(seed), reference_cost(table), Trace()
    costs, seconds = table.costs, np.array([float(np.sum(row["cpu_s"])) for row in table.rows])
    cells: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, row in enumerate(table.rows):
        cells[tuple(row["values"][key] for key in keys)].append(index)
    mean = {cell: costs[of].mean(axis=0) for cell, of in cells.items()}
    spread = np.sqrt(sum(((costs[of, 0] - mean[cell][0]) ** 2).sum() for cell, of in cells.items()) / len(costs))
    steps = np.column_stack([spread * norm.ppf(SHARES), np.zeros_like(SHARES)])
    begun, ended = list[tuple[float, int, tuple[object, ...]]](), list[tuple[float, float]]()
    now = 0.0
    while any(cells.values()) or begun:
        if any(cells.values()) and len(begun) < num_workers:
            there = [*ended, *(tuple(mean[cell]) for _, _, cell in begun)]
            gain = {
                cell: sum(pareto.hypervolume([*there, tuple(mean[cell] + step)], reference) for step in steps)
                for cell, of in cells.items()
                if of
            }
            cell = max(gain, key=lambda cell: gain[cell])
            index = cells[cell].pop(int(draw.integers(len(cells[cell]))))
            heapq.heappush(begun, (now + float(seconds[index]), index, cell))
            continue
        now, index, _ = heapq.heappop(begun)
        ended.append((float(costs[index][0]), float(costs[index][1])))
        trace.note(now, ended[-1])
    return trace


def main() -> None:
    print(f"minutes to 99 % of the hypervolume, {NUM_WORKERS} workers, median and quartiles of {NUM_SEEDS} seeds")
    for name in STARTS:
        table, until_s = problem_of(name), time_of(name, NUM_WORKERS, 0)
        assert isinstance(table, Table)
        keys = sorted(table.space, key=lambda key: (key != "student.width", key != "distillation.weight"))
        for number in range(1, len(keys) + 1):
            traces = (informed(table, keys[:number], NUM_WORKERS, seed) for seed in range(NUM_SEEDS))
            times = [(measured(trace, table, until_s)["time_to"]["0.99"] or np.inf) / 60 for trace in traces]
            each = len(table.rows) // int(np.prod([len(table.space[key]["values"]) for key in keys[:number]]))
            low, high = np.percentile(times, (25, 75))
            known = ", ".join(key.split(".")[1] for key in keys[:number])
            print(f"  {name:14}{median(times):6.1f} ({low:.1f} to {high:.1f})  mean {SCORE} of {each} rows by {known}")


if __name__ == "__main__":
    main()
