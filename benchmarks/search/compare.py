"""Runs searches on problems, seed by seed, into a file of rows that a later call goes on with; and sums the rows up."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.search.families import FAMILIES
from benchmarks.search.indicators import SHARES, Summary, grid, measured, speed_ups
from benchmarks.search.oracle import oracle
from benchmarks.search.problem import Problem
from benchmarks.search.searches import OWN, SEARCHES, SLOW
from benchmarks.search.simulator import simulate
from benchmarks.search.table import TABLE, Table, read_table
from search_spaces.space import Space

ROW_VERSION = 2
LEAST_ROWS = 30  # of a grid of the table
STARTS = {"table-sliced": True, "table-random": False}


@dataclass(frozen=True, order=True)
class Task:
    """One search, one problem, one seed; `until_s` of simulated time."""

    problem: str
    search: str
    num_workers: int
    seed: int
    until_s: float


@cache
def problem_of(name: str) -> Problem:
    """A family, or a grid of the table."""
    if name in FAMILIES:
        return FAMILIES[name]
    return Table.of(name, read_table(TABLE), STARTS[name]).whole()


def problems() -> list[str]:
    """All families in six dimensions or more, and what the table holds in whole blocks."""
    found = [name for name in FAMILIES if name not in ("plane", "solid")]
    rows = read_table(TABLE) if TABLE.exists() else []
    for name, is_sliced in STARTS.items():
        if len(Table.of(name, rows, is_sliced).rows) >= LEAST_ROWS:
            found.insert(0, name)
    return found


def time_of(name: str, num_workers: int, num_trials: int) -> float:
    """Simulated time: that of so many full random trials, or of all rows of a grid."""
    problem = problem_of(name)
    if isinstance(problem, Table):
        return sum(float(np.sum(row["cpu_s"])) for row in problem.rows) / num_workers
    return num_trials * problem.num_epochs * mean_epoch_s(problem) / num_workers


def mean_epoch_s(problem: Problem) -> float:
    """Of a configuration drawn at random."""
    import optuna

    from sweeps.search.samplers import UniformSampler

    study, space = optuna.create_study(sampler=UniformSampler(0)), Space.parse(problem.space)
    times = []
    for number in range(200):
        study.sampler = UniformSampler(number)
        times.append(problem.epoch_s(space.suggest(study.ask())))
    return float(np.mean(times))


def tasks(
    names: Sequence[str],
    searches: Sequence[str],
    workers: Sequence[int],
    num_seeds: int,
    num_slow_seeds: int,
    num_trials: int,
) -> Iterator[Task]:
    """Seed by seed, so that what is there when the time is over is complete up to some seed.

    Slow searches run on one problem alone: the table's slices, else the first that is named.
    """
    until = {(n, w): time_of(n, w, num_trials) for n in names for w in workers}
    for seed in range(num_seeds):
        for name in names:
            for search in searches:
                is_first = name == ("table-sliced" if "table-sliced" in names else names[0])
                if search in SLOW and (seed >= num_slow_seeds or not is_first):
                    continue
                yield from (Task(name, search, w, seed, until[name, w]) for w in workers)


def row_of(task: Task) -> dict[str, Any]:
    """Simulate one."""
    problem, started = problem_of(task.problem), time.process_time()
    search = SEARCHES[task.search](problem, task.seed)
    trace = simulate(problem, search, task.num_workers, task.until_s, task.seed)
    found = measured(trace, problem, task.until_s)
    return {**key_of(task), **found, "cpu_s": round(time.process_time() - started, 2)}


def key_of(task: Task) -> dict[str, Any]:
    """What makes a row the row of this task; the table grows, and with it the time."""
    return {
        "version": ROW_VERSION,
        "problem": task.problem,
        "search": task.search,
        "workers": task.num_workers,
        "seed": task.seed,
        "until_s": round(task.until_s, 3),
    }


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of this version; a torn last line is passed over."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row.get("version") == ROW_VERSION:
            rows.append(row)
    return rows


def run(wanted: Sequence[Task], path: Path, num_processes: int) -> list[dict[str, Any]]:
    """Simulate what has no row yet, and append each as it comes; returns the rows of all that was wanted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {json.dumps({k: row[k] for k in key_of(wanted[0])}): row for row in read_rows(path)} if wanted else {}
    left = [task for task in wanted if json.dumps(key_of(task)) not in kept]
    print(f"{len(wanted) - len(left)} rows are there, {len(left)} to simulate", flush=True)
    with ProcessPoolExecutor(num_processes) as pool, path.open("a") as file:
        begun = {pool.submit(row_of, task): task for task in left}
        for number, done in enumerate(as_completed(begun), start=1):
            row = done.result()
            file.write(json.dumps(row, separators=(",", ":")) + "\n")
            file.flush()
            kept[json.dumps(key_of(begun[done]))] = row
            if number % 50 == 0:
                print(f"{number}/{len(left)}", flush=True)
    return [kept[json.dumps(key_of(task))] for task in wanted]


def summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A block for each problem and number of workers."""
    blocks = []
    for name, workers in sorted({(row["problem"], row["workers"]) for row in rows}):
        own = [row for row in rows if (row["problem"], row["workers"]) == (name, workers)]
        until_s, problem = own[0]["until_s"], problem_of(name)
        by_search = {s: sorted((r for r in own if r["search"] == s), key=lambda r: r["seed"]) for s in SEARCHES}
        by_search = {search: found for search, found in by_search.items() if found}
        best = measured(oracle(problem, workers), problem, until_s)
        sooner = {}
        for share in map(str, SHARES):
            times = {s: [_or_never(row["time_to"][share]) for row in found] for s, found in by_search.items()}
            sooner[share] = speed_ups(times, OWN) if OWN in times else {}
        blocks.append(
            {
                "problem": name,
                "workers": workers,
                "until_s": until_s,
                "grid_s": [round(float(t), 2) for t in grid(until_s)],
                "searches": {search: _figures(found) for search, found in by_search.items()},
                "oracle": {"regret": best["regret"], "time_to": best["time_to"]},
                f"times_sooner_{OWN}": sooner,
            }
        )
    return blocks


def _figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    regret = np.array([row["regret"] for row in rows])
    return {
        "seeds": len(rows),
        "regret": {
            name: [round(float(v), 5) for v in np.percentile(regret, part, axis=0)]
            for name, part in (("median", 50), ("low", 25), ("high", 75))
        },
        "time_to": {
            share: Summary.of([_or_never(row["time_to"][share]) for row in rows]).__dict__ for share in map(str, SHARES)
        },
        "epsilon": Summary.of([row["epsilon"] for row in rows]).__dict__,
        "trainings": float(np.median([row["trainings"] for row in rows])),
        "cpu_s": float(np.median([row["cpu_s"] for row in rows])),
    }


def at_equal_quality(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Own search over slices against random search over random starts: times to where the latter ends, by median.

    None where the table holds not both grids. The parent's own training is no part of either time.
    """
    plain = [row for row in rows if row["problem"] == "table-random" and row["search"] == "random"]
    own = [row for row in rows if row["problem"] == "table-sliced" and row["search"] == OWN]
    if not plain or not own:
        return None
    wanted = float(np.median([row["volume"] for row in plain]))
    problem, found = problem_of("table-sliced"), []
    for row in own:
        task = Task("table-sliced", OWN, row["workers"], row["seed"], row["until_s"])
        trace = simulate(problem, SEARCHES[OWN](problem, task.seed), task.num_workers, task.until_s, task.seed)
        volumes = trace.volumes(_corner())
        late = np.flatnonzero(volumes >= wanted)
        found.append(float(np.sort(trace.times)[late[0]]) if len(late) else math.inf)
    return {
        "volume": wanted,
        "random_s": plain[0]["until_s"],
        "random_99_s": Summary.of([_or_never(row["time_to"]["0.99"]) for row in plain]).__dict__,
        "own_s": Summary.of(found).__dict__,
    }


def _corner() -> tuple[float, float]:
    """Both grids are measured from the corner of random starts."""
    from benchmarks.search.problem import reference_cost

    return reference_cost(problem_of("table-random"))


def _or_never(value: float | None) -> float:
    return math.inf if value is None else value
