"""Early stopping where configurations are few: what is stopped there does not come back.

In a space that the budget can go through whole, a wrong stop costs a configuration, not a few epochs. So the verdict of
the rungs counts only when the sweep's own finished trials say that the rung can tell: a cost at the end is predicted
from that at the rung,

    final - y  =  a + c (y - mean y) + residual,

by a ridge regression over finished trials, weighed by how near they are in size. With that mean and variance each trial
that came to the rung has a chance to end better than every finished one no larger. A trial stops when its chance for
each epoch that is left is far below the usual one of trials of its size at the beginning. Where early ranks tell
nothing, all have about the same chance, and nobody stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from sweeps.search.pareto_asha import ParetoASHA

Array = NDArray[np.float64]
FAR_BELOW = 0.25  # of the usual chance for an epoch
NEAR = 0.15  # of the range of sizes: how far trials teach each other
LEAST = 4  # finished trials, without which nothing is known of a rung
PRIOR = 2.0  # how many trials' worth the prior on the slope and on the residual's variance is


@dataclass
class SureStops:
    """A rule's verdicts, of which only those are kept that finished trials bear out."""

    rule: ParetoASHA
    costs: dict[int, dict[int, tuple[float, ...]]] = field(default_factory=dict)  # trial -> epoch -> cost

    def note(self, trial: int, epoch: int, cost: Sequence[float]) -> None:
        """Note a trial's cost after `epoch`; the same result told again changes nothing."""
        self.rule.note(trial, epoch, cost)
        if epoch in self.rule.rungs or epoch == self.rule.num_epochs:
            self.costs.setdefault(trial, {})[epoch] = tuple(cost)

    def should_stop(self, trial: int, epoch: int, cost: Sequence[float]) -> bool:
        """Note a trial's cost after `epoch`, and say whether the trial ends here."""
        self.note(trial, epoch, cost)
        return self.rule.should_stop(trial, epoch, cost) and self._is_far_below(trial, epoch)

    def _is_far_below(self, trial: int, epoch: int) -> bool:
        """Whether the trial's chance for an epoch is far below the usual one."""
        static, last = np.array(self.rule.static), self.rule.num_epochs
        there = {number: seen for number, seen in self.costs.items() if epoch in seen}
        at_rung = np.array([seen[epoch] for seen in there.values()])
        at_end = np.array([seen.get(last, (np.nan,) * len(static)) for seen in there.values()])
        is_over = np.isfinite(at_end).all(axis=1)
        own = list(there).index(trial)
        sizes = at_rung[:, static] / np.maximum(np.ptp(at_rung[:, static], axis=0), 1e-12)
        near = np.exp(-0.5 * ((sizes - sizes[own]) ** 2).sum(axis=1) / NEAR**2)
        if is_over.sum() < LEAST or near[is_over].sum() < 2:
            return False
        is_smaller = (sizes[None, is_over] <= sizes[:, None] + 1e-9).all(axis=2)  # (trial, finished trial)
        misses = np.ones(len(there))
        for objective in np.flatnonzero(~static):
            ends = at_end[is_over, objective]
            needed = np.where(is_smaller, ends, np.inf).min(axis=1)
            mean, sd = expected_end(at_rung[:, objective], ends, is_over, near)
            misses *= 1 - ndtr((needed - mean) / sd)
        chance = 1 - misses
        usual = float(near @ chance / near.sum())
        return bool(chance[own] / (last - epoch) < FAR_BELOW * usual / last)


def expected_end(costs: Array, ends: Array, is_over: NDArray[np.bool_], weights: Array) -> tuple[Array, Array]:
    """Mean and standard deviation (trial,) of costs at the end, from those at a rung (trial,).

    `ends` are those of the trials that have ended (`is_over`), and `weights` (trial,) say how much each trial teaches.
    """
    there, weight = costs[is_over], weights[is_over]
    number = float(weight.sum())
    centre, gain, end = (float(weight @ values / number) for values in (there, ends - there, ends))
    spread = float(weight @ (there - centre) ** 2 / number) + 1e-18
    slope = float(weight @ ((there - centre) * (ends - there - gain)) / number) / spread * number / (number + PRIOR)
    left = ends - there - gain - slope * (there - centre)
    expected = 0.25 * float(weight @ (ends - end) ** 2 / number)  # before any residual is known
    variance = (float(weight @ left**2) + PRIOR * expected) / (max(number - 1, 0.0) + PRIOR) + 1e-18
    leverage = 1 + 1 / number + (costs - centre) ** 2 / spread / (number + PRIOR)
    return costs + gain + slope * (costs - centre), np.sqrt(variance * leverage)
