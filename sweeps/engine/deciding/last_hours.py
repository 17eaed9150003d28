"""The last part of a budget of hours: what cannot end in time does not begin, what may reach the front is ended.

How long a trial takes is taken from those nearest in size that this sweep has measured; before there are any, all are
believed to end in time. What a trial may reach is extrapolated from its curve (sweeps/search/extrapolation.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from statistics import mean

import numpy as np

from sweeps.definition.objectives import costs
from sweeps.record.ledger import Ledger
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.search.extrapolation import expected_finals

NEAREST = 3  # trials that a trial's time is taken from
OPTIMISM = 1.64  # standard deviations by which an extrapolated end may be better than expected

Sizes = Mapping[str, float]  # what is known of a trial before training, by metric


class LastHours:
    """The clock of a sweep; `left_s` tells the seconds that are left of its hours, infinity where none are set."""

    def __init__(self, ledger: Ledger, left_s: Callable[[], float]) -> None:
        self._ledger, self.left_s = ledger, left_s
        self._begun: dict[int, float] = {}  # when a trial's epoch at work began
        self._paces: dict[int, tuple[Sizes, list[float]]] = {}  # of each trial: its size, seconds of its epochs
        self.counts = left_s() < math.inf
        for record in ledger.records() if self.counts else ():
            epoch_s = ledger.epoch_s(record.number)
            if epoch_s is not None:
                self._paces[record.number] = (ledger.epochs(record.number).get(0, {}), [epoch_s])

    def began(self, number: int, time_s: float) -> None:
        """A worker has taken the trial up."""
        self._begun[number] = time_s

    def epoch_ended(self, number: int, static: Sizes, time_s: float) -> None:
        """Another epoch of the trial has ended."""
        if self.counts and number in self._begun:
            self._paces.setdefault(number, (static, []))[1].append(time_s - self._begun[number])
            self._begun[number] = time_s

    def is_in_time(self, number: int, static: Sizes) -> bool:
        """Whether a trial that begins now, or goes on from its last epoch, would come to its end."""
        left_s = self.left_s()
        if left_s == math.inf:
            return True
        epochs = self._ledger.spec.budget.epochs_per_trial - self._ledger.record(number).epochs
        return left_s > epochs * self._epoch_s(number, static)

    def may_reach_front(self, number: int) -> bool:
        """Whether the trial's end, taken optimistically, is dominated by no complete trial."""
        ledger, objectives = self._ledger, self._ledger.spec.objectives
        records, num_epochs = ledger.records(), ledger.spec.budget.epochs_per_trial
        curves = {
            record.number: {e: costs(objectives, m) for e, m in ledger.epochs(record.number).items() if e}
            for record in records
            if record.state is not TrialState.FAILED
        }
        own = curves[number]
        if not own:
            return True
        static = ledger.epochs(number).get(0, {})
        best = list(own[max(own)])
        for index, objective in enumerate(objectives):
            if objective.metric not in static:
                seen = [{epoch: cost[index] for epoch, cost in curve.items()} for curve in curves.values()]
                expected, variance = expected_finals(seen, num_epochs)
                place = list(curves).index(number)
                best[index] = float(expected[place] - OPTIMISM * math.sqrt(variance[place]))
        if np.isnan(best).any():
            return True
        return not any(_dominates(ends, best) for ends in _complete(records, curves, num_epochs))

    def _epoch_s(self, number: int, static: Sizes) -> float:
        """Seconds of an epoch: the trial's own, else those of the nearest in size; 0 before anything was measured."""
        if number in self._paces:
            return mean(self._paces[number][1])
        nearest = sorted(self._paces.values(), key=lambda pace: _distance(pace[0], static))[:NEAREST]
        return mean(mean(seconds) for _, seconds in nearest) if nearest else 0.0


def _complete(
    records: list[TrialRecord], curves: Mapping[int, Mapping[int, tuple[float, ...]]], num_epochs: int
) -> list[tuple[float, ...]]:
    return [curves[r.number][num_epochs] for r in records if r.state is TrialState.COMPLETE]


def _dominates(costs: tuple[float, ...], others: list[float]) -> bool:
    return all(a <= b for a, b in zip(costs, others, strict=True)) and tuple(others) != costs


def _distance(sizes: Sizes, others: Sizes) -> float:
    """How far apart two sizes are, on a log scale; those that share no size are all alike."""
    shared = [name for name in sizes if min(sizes[name], others.get(name, 0.0)) > 0]
    apart = [abs(math.log(sizes[name] / others[name])) for name in shared if sizes[name] < math.inf > others[name]]
    return sum(apart)
