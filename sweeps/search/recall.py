"""What TPE recalls of a long sweep: the best trials and an even part of all others, so that proposals stay quick.

TPE goes through every trial again for each parameter. Its model needs two densities: of the best tenth, and of all
others, which some hundred of them tell as well as ten thousand. Up to KEPT finished trials nothing is left out.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from sweeps import pareto

KEPT = 400  # finished trials
BEST = 100  # of them: twice as many as TPE calls good


@dataclass
class Recall:
    """Finished trials of one study, told as they end."""

    kept: int = KEPT
    _told: list[FrozenTrial] = field(default_factory=list)  # but for failed ones, from which nothing is learned
    _best: list[FrozenTrial] = field(default_factory=list)

    def tell(self, ended: Iterable[FrozenTrial]) -> None:
        """Take in trials that have ended since."""
        learned = [trial for trial in ended if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
        if learned:
            self._told += learned
            self._best = _best_of([*self._best, *learned], self.kept * BEST // KEPT)

    def trials(self) -> list[FrozenTrial]:
        """At most `kept` of them, in their order."""
        if len(self._told) <= self.kept:
            return list(self._told)
        best = {trial.number for trial in self._best}
        others = [trial for trial in self._told if trial.number not in best]
        spread = np.linspace(0, len(others) - 1, self.kept - len(best)).astype(np.int64)
        return sorted([*self._best, *(others[i] for i in spread.tolist())], key=lambda trial: trial.number)


def _best_of(trials: Sequence[FrozenTrial], number: int) -> list[FrozenTrial]:
    """At most `number` trials: those that meet the constraints by rank, then the others by how far they miss them.

    Of the last rank, where not all find room, those that lie evenly along the first objective.
    """
    missed = np.array([sum(v for v in trial.constraints.values() if v > 0) for trial in trials])
    complete = [trial.state is TrialState.COMPLETE for trial in trials]
    good = np.flatnonzero(complete & (missed == 0))
    others = sorted(set(range(len(trials))) - set(good.tolist()), key=lambda i: (missed[i], i))
    if not len(good):
        return [trials[i] for i in others[:number]]
    costs = np.array([trials[i].values for i in good.tolist()])
    ranks = pareto.ranks(costs)
    order = np.lexsort((costs[:, 0], ranks))
    if len(order) > number:
        last = ranks[order[number]]
        ahead, tied = order[ranks[order] < last], order[ranks[order] == last]
        room = number - len(ahead)
        order = np.array([*ahead, *tied[np.linspace(0, len(tied) - 1, room).astype(np.int64)]], dtype=np.int64)
    return [trials[i] for i in [*good[order].tolist(), *others][:number]]


class RecalledStudy(Study):
    """A study as a sampler sees it: of its trials only those that are recalled."""

    def __init__(self, study: Study, trials: Sequence[FrozenTrial]) -> None:
        self.__dict__.update(study.__dict__)
        self._recalled = list(trials)

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        """The recalled trials, never copied: samplers do not change them."""
        return [trial for trial in self._recalled if states is None or trial.state in states]
