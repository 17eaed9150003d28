"""Replays a problem with asynchronous workers on a simulated clock."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from benchmarks.search.problem import Array, Point, Problem, cost
from sweeps import pareto


@dataclass(frozen=True)
class Job:
    """A stretch of training number `key`: configuration `point`, from epoch `start` (exclusive) to `end`."""

    key: int
    point: Point
    start: int
    end: int


class Search(Protocol):
    """What decides: Tune's searcher and scheduler in one."""

    def ask(self, now: float) -> Job | None:
        """Work for a free worker; None when there is none at present."""

    def report(self, key: int, epoch: int, costs: tuple[float, float], now: float) -> bool:
        """An epoch has ended; returns whether the job goes on (its last epoch ends it in any case)."""


@dataclass
class Trace:
    """What came of a search: costs at full length, each with the time at which it was there."""

    times: list[float] = field(default_factory=list)
    costs: list[tuple[float, float]] = field(default_factory=list)
    num_trainings: int = 0
    num_epochs: int = 0

    def note(self, time: float, found: tuple[float, float]) -> None:
        """One more point."""
        self.times.append(time)
        self.costs.append(found)

    def volumes(self, reference: tuple[float, float]) -> Array:
        """Hypervolume after each point, in the order of time."""
        order = np.argsort(self.times, kind="stable")
        return np.array(pareto.hypervolume_history([self.costs[i] for i in order], reference))


def simulate(
    problem: Problem, search: Search, num_workers: int, until_s: float, seed: int, share: float | None = None
) -> Trace:
    """Work until `until_s` of simulated time, until the search has nothing left, or until `share` of the ideal."""
    trace, curves = Trace(), dict[int, Array]()
    events: list[tuple[float, int, Job, int]] = []
    ideal, reference = pareto.hypervolume(problem.ideal(), cost(*problem.reference)), cost(*problem.reference)
    front, count, now, free = pareto.GrowingFront(reference), 0, 0.0, num_workers
    while True:
        while free and (job := search.ask(now)) is not None:
            if job.key not in curves:
                curves[job.key] = problem.curve(job.point, np.random.default_rng([seed, job.key]))
                trace.num_trainings += 1
            count, free = count + 1, free - 1
            heapq.heappush(events, (now + problem.epoch_s(job.point), count, job, job.start + 1))
        if not events or events[0][0] > until_s:
            return trace
        now, _, job, epoch = heapq.heappop(events)
        trace.num_epochs += 1
        size = problem.size(job.point)
        goes_on = search.report(job.key, epoch, cost(float(curves[job.key][epoch - 1]), size), now)
        if epoch == problem.num_epochs:
            found = cost(problem.final(job.point), size)
            trace.note(now, found)
            if share is not None and front.add(found) >= share * ideal:
                return trace
        if goes_on and epoch < job.end:
            count += 1
            heapq.heappush(events, (now + problem.epoch_s(job.point), count, job, epoch + 1))
        else:
            free += 1


def static_point(point: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """A point as something that can be looked up."""
    return tuple(sorted(point.items()))
