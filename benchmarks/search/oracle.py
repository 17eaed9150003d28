"""The best that is achievable: a search that knows every curve trains the exhaustive front's points, and no others.

Of what is left it always begins the one that adds most hypervolume for its time, on the next free worker. No search can
know that much, so its times are a mark to measure distances by, and no baseline.
"""

from __future__ import annotations

import heapq

from benchmarks.search.problem import Problem, reference_cost
from benchmarks.search.simulator import Trace
from sweeps import pareto


def oracle(problem: Problem, num_workers: int) -> Trace:
    """Its trace."""
    reference, trace = reference_cost(problem), Trace()
    left = {index: tuple(map(float, cost)) for index, cost in enumerate(problem.ideal())}
    seconds, begun = problem.ideal_seconds(), list[tuple[float, float]]()
    free = [0.0] * num_workers
    while left:
        before = pareto.hypervolume(begun, reference) if begun else 0.0
        gain = {i: (pareto.hypervolume([*begun, c], reference) - before) / seconds[i] for i, c in left.items()}
        best = max(gain, key=lambda i: gain[i])
        ended = heapq.heappop(free) + float(seconds[best])
        heapq.heappush(free, ended)
        trace.note(ended, (left[best][0], left[best][1]))
        begun.append((left[best][0], left[best][1]))
        del left[best]
    return trace
