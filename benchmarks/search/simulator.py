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
    """What decides: Tune's searcher and scheduler in one.

    `shows_stopped`: the front that it shows holds trials which were stopped early, with what they had reached by then.
    """

    shows_stopped: bool

    def ask(self, now: float) -> Job | None:
        """Work for a free worker; None when there is none at present."""

    def report(self, key: int, epoch: int, costs: tuple[float, float], now: float) -> bool:
        """An epoch has ended; returns whether the job goes on (its last epoch ends it in any case)."""


@dataclass
class Trace:
    """What came of a search: costs at full length, each with the time at which it was there."""

    times: list[float] = field(default_factory=list)
    costs: list[tuple[float, float]] = field(default_factory=list)
    shown: list[tuple[float, float]] = field(default_factory=list)  # by which the front is chosen, where not by `costs`
    num_trainings: int = 0
    num_epochs: int = 0

    def note(self, time: float, found: tuple[float, float], shown: tuple[float, float] | None = None) -> None:
        """One more point, and what a search that shows stopped trials says of it."""
        self.times.append(time)
        self.costs.append(found)
        if shown is not None:
            self.shown.append(shown)

    def volumes(self, reference: tuple[float, float]) -> Array:
        """Hypervolume after each point, in the order of time; it may fall where stopped trials are shown."""
        order = np.argsort(self.times, kind="stable")
        costs = np.array([self.costs[i] for i in order]).reshape(-1, 2)
        if not self.shown:
            return np.array(pareto.hypervolume_history(list(costs), reference))
        shown = np.array([self.shown[i] for i in order])
        on_front, volumes = np.empty(0, dtype=np.int64), []
        for last in range(len(order)):
            on_front = np.append(on_front, last)
            on_front = on_front[pareto.non_dominated(shown[on_front])]
            volumes.append(pareto.hypervolume(costs[on_front], reference))
        return np.array(volumes)

    def front(self) -> Array:
        """Costs of the last front, at full length."""
        costs = np.array(self.costs).reshape(-1, 2)
        shown = np.array(self.shown) if self.shown else costs
        return costs[pareto.non_dominated(shown)] if len(costs) else costs


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
        reached = cost(float(curves[job.key][epoch - 1]), size)
        goes_on = search.report(job.key, epoch, reached, now)
        found = cost(problem.final(job.point), size)
        if search.shows_stopped and not (goes_on and epoch < job.end):
            trace.note(now, found, reached)
        elif epoch == problem.num_epochs:
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
