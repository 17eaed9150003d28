"""How long samplers take for a proposal: with 1,000 and 10,000 finished trials, and 64 at work.

Trials lie in the conditional family of `benchmarks.search` (seven to eight active dimensions); a third is complete, the
rest was stopped early. Median processor time of a proposal, so that other work on the machine counts for little.
"""

from __future__ import annotations

import time
from itertools import product
from statistics import median
from typing import Any

import numpy as np

from benchmarks.search.families import FAMILIES
from benchmarks.search.own import EngineSearch
from benchmarks.search.problem import cost

PENDING, REPEATS = 64, 9
MOST_MS = {1_000: 50.0, 10_000: 200.0}
FAMILY = "conditional"
SAMPLERS = ("tpe", "front")


def filled(sampler: str, num_finished: int) -> EngineSearch:
    """A search with so many finished trials, drawn at random, and with PENDING at work."""
    family = FAMILIES[FAMILY]
    search = EngineSearch(family, 100_000, {"name": "random", "seed": 1}, {"name": "pareto_asha"})
    draw = np.random.default_rng(0)
    for number in range(num_finished + PENDING):
        job = search.ask(0.0)
        assert job is not None
        if number >= num_finished:
            continue
        curve, size = family.curve(job.point, draw), family.size(job.point)
        last = family.num_epochs if number % 3 == 0 else 3
        search.note(job.key, last, cost(float(curve[last - 1]), size))
        search.end(job.key, last)
    search.ledger.spec = search.ledger.spec.model_copy(
        update={"sampler": search.spec.sampler.model_copy(update={"name": sampler})}
    )
    return search


def run() -> list[dict[str, Any]]:
    rows = []
    for sampler, (num_finished, most_ms) in product(SAMPLERS, MOST_MS.items()):
        search = filled(sampler, num_finished)
        taken = []
        for _ in range(REPEATS):
            started = time.process_time()
            job = search.ask(0.0)
            taken.append(1e3 * (time.process_time() - started))
            assert job is not None
        value = median(taken)
        rows.append(
            {
                "name": f"a proposal of {sampler}, {num_finished:,} trials finished, {PENDING} at work",
                "value": value,
                "unit": "ms",
                "target": f"<= {most_ms:g}",
                "holds": value <= most_ms,
            }
        )
    return rows
