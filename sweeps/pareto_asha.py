"""Early stopping for several objectives: asynchronous successive halving by non-dominated rank.

At each rung (min_epochs x reduction_factor^k epochs) an arriving trial is compared with all that came before it,
without waiting for others. It goes on when it is among the best 1/reduction_factor by (non-dominated rank, then
hypervolume contribution), on the objectives' scales, or when it is the best for its size.

Size is known before training, and two faults follow if nothing is done about it. A small model is never dominated,
so it would survive by its size alone: the quota counts hypervolume, and a small model of poor quality adds little
of it next to good ones of about its size. A large model learns more slowly and would be dominated early, so it
would die by its size: each trial is therefore also judged among the 2 x reduction_factor nearest in size, after
the straight trend of quality over size is taken out, and the best of those goes on.

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
MIN_FOR_TREND = 4  # a line through fewer points leaves no residual to judge


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
        return not (self._in_quota(arrived) or self._best_for_its_size(arrived))

    def _in_quota(self, arrived: Array) -> bool:
        """True when the last of `arrived` (trial, objective) is among the best 1/reduction_factor."""
        ranks, last = pareto.ranks(arrived), len(arrived) - 1
        peers = np.flatnonzero(ranks == ranks[last])
        gain = pareto.hypervolume_contributions(arrived[peers], self.reference)
        ahead = int((ranks < ranks[last]).sum() + (gain > gain[peers == last]).sum())
        return ahead < math.ceil(len(arrived) / self.reduction_factor)

    def _best_for_its_size(self, arrived: Array) -> bool:
        """True when none of the trials nearest in size beats the last of `arrived`, trend removed."""
        static = np.array(self.static)
        num_peers = int(2 * self.reduction_factor)
        if not static.any() or static.all() or len(arrived) < num_peers:
            return False
        sizes = pareto.normalised(arrived[:, static])
        near = np.argsort(np.linalg.norm(sizes - sizes[-1], axis=1), kind="stable")[:num_peers]
        excess = without_trend(sizes[near], arrived[near][:, ~static])
        mine = excess[near == len(arrived) - 1]
        return not bool((excess < mine).all(axis=1).any())


def rung_epochs(min_epochs: int, reduction_factor: float, num_epochs: int) -> list[int]:
    """Epochs at which trials are judged: min_epochs x reduction_factor^k, below the full number."""
    found: list[int] = []
    epochs = float(min_epochs)
    while epochs < num_epochs:
        found.append(int(epochs))
        epochs *= reduction_factor
    return sorted(set(found))


def without_trend(sizes: Array, learned: Array) -> Array:
    """Learned costs (trial, objective) less their least-squares line over the sizes (trial, static objective)."""
    if len(sizes) < MIN_FOR_TREND:
        return learned
    design = np.column_stack([np.ones(len(sizes)), sizes])
    line: Any = np.linalg.lstsq(design, learned, rcond=None)[0]
    return np.asarray(learned - design @ line)
