"""Early stopping for several objectives: asynchronous successive halving by non-dominated rank.

At each rung (min_epochs x reduction_factor^k epochs) an arriving trial is compared with all that came before it,
without waiting for others. It goes on when it is among the best 1/reduction_factor by (non-dominated rank, then
hypervolume contribution), on the objectives' scales, or when it is not dominated and the rung's front would lose
about as much with it as with its median point; in both cases unless it is the worst for its size. It also goes on
when it is the best for it.

Size is known before training, and two faults follow if nothing is done about it. A small model is never dominated,
so it would survive by its size alone; a large model learns more slowly and would be dominated early, so it would
die by its size. Each trial is therefore also judged among the 2.5 x reduction_factor nearest in size, after the
trend of quality over size is taken out: the worst of those stops, the best goes on.

Source of the rungs: Li et al., "A System for Massively Parallel Hyperparameter Tuning" (ASHA), MLSys 2020.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps import pareto

Array = NDArray[np.float64]
NEAR = 2.5  # times the reduction factor: how many trials are of about one size
DEAR = 0.75  # of the median contribution: losing such a point costs more than its epochs do
MIN_FOR_TREND = 4  # a line through fewer points leaves no residual to judge
MIN_FOR_CURVE = 7  # and a parabola


@dataclass
class ParetoASHA:
    """Decides at each rung; costs are vectors to minimise, `static` masks the objectives known before training."""

    reference: tuple[float, ...]
    static: tuple[bool, ...]
    num_epochs: int
    reduction_factor: float = 3.0
    min_epochs: int = 1
    rungs: dict[int, dict[int, tuple[float, ...]]] = field(init=False)  # epoch -> trial -> cost

    def __post_init__(self) -> None:
        self.rungs = {rung: {} for rung in rung_epochs(self.min_epochs, self.reduction_factor, self.num_epochs)}

    def note(self, trial: int, epoch: int, cost: Sequence[float]) -> None:
        """Note a trial's cost after `epoch`; the same result told again changes nothing."""
        if epoch in self.rungs:
            self.rungs[epoch][trial] = tuple(cost)

    def should_stop(self, trial: int, epoch: int, cost: Sequence[float]) -> bool:
        """Note a trial's cost after `epoch`, and say whether the trial ends here."""
        self.note(trial, epoch, cost)
        if len(self.rungs.get(epoch, {})) <= self.reduction_factor:
            return False
        others = [cost for other, cost in self.rungs[epoch].items() if other != trial]
        arrived = np.array([*others, self.rungs[epoch][trial]])
        num_better, num_peers = self._place_for_its_size(arrived)
        is_best, is_worst = num_peers > 0 and num_better == 0, 0 < num_peers == num_better
        return not (is_best or (self._is_among_the_best(arrived) and not is_worst))

    def _is_among_the_best(self, arrived: Array) -> bool:
        """True when the last of `arrived` (trial, objective) is among the best 1/reduction_factor, or is dear."""
        ranks, last = pareto.ranks(arrived), len(arrived) - 1
        peers = np.flatnonzero(ranks == ranks[last])
        gain = pareto.hypervolume_contributions(arrived[peers], self.reference)
        own = float(gain[peers == last][0])
        ahead = int((ranks < ranks[last]).sum() + (gain > own).sum())
        is_dear = ranks[last] == 0 and own >= DEAR * float(np.median(gain))
        return is_dear or ahead < math.ceil(len(arrived) / self.reduction_factor)

    def _place_for_its_size(self, arrived: Array) -> tuple[int, int]:
        """How many of the trials nearest in size beat the last of `arrived`, trend removed, and how many they are."""
        static = np.array(self.static)
        num_near = math.ceil(NEAR * self.reduction_factor)
        if not static.any() or static.all() or len(arrived) < num_near:
            return 0, 0
        sizes = pareto.normalised(arrived[:, static])
        distance = np.linalg.norm(sizes[:-1] - sizes[-1], axis=1)
        near = [*np.argsort(distance, kind="stable")[: num_near - 1], len(arrived) - 1]
        excess = without_trend(sizes[near], arrived[near][:, ~static])
        return int((excess[:-1] < excess[-1]).all(axis=1).sum()), num_near - 1


def rung_epochs(min_epochs: int, reduction_factor: float, num_epochs: int) -> list[int]:
    """Epochs at which trials are judged: min_epochs x reduction_factor^k, below the full number."""
    found: list[int] = []
    epochs = float(min_epochs)
    while epochs < num_epochs:
        found.append(int(epochs))
        epochs *= reduction_factor
    return sorted(set(found))


def without_trend(sizes: Array, learned: Array) -> Array:
    """Learned costs (trial, objective) less their least-squares parabola over the sizes (trial, static objective).

    A straight line would find the smallest and the largest of a curved trend poor for their size.
    """
    if len(sizes) < MIN_FOR_TREND:
        return learned
    powers = [np.ones(len(sizes)), sizes] + ([sizes**2] if len(sizes) >= MIN_FOR_CURVE else [])
    design = np.column_stack(powers)
    line: Any = np.linalg.lstsq(design, learned, rcond=None)[0]
    return np.asarray(learned - design @ line)
