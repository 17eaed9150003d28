"""The literal table of early stopping: what may end a trial before its last epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sweeps.search.pareto_asha import ParetoASHA


class StoppingRule(Protocol):
    """Judges trials by their costs, vectors to minimise."""

    def note(self, trial: int, epoch: int, cost: Sequence[float]) -> None:
        """Note a trial's cost after `epoch`; the same result told again changes nothing."""

    def should_stop(self, trial: int, epoch: int, cost: Sequence[float]) -> bool:
        """Note a trial's cost after `epoch`, and say whether the trial ends here."""


# name -> (reference costs, which objectives are known before training, epochs of a trial, reduction factor, first rung)
SCHEDULERS: dict[str, Callable[[tuple[float, ...], tuple[bool, ...], int, float, int], StoppingRule] | None] = {
    "none": None,  # every trial runs to its end
    "pareto_asha": ParetoASHA,
}


def build_rule(
    name: str,
    reference: tuple[float, ...],
    static: tuple[bool, ...],
    num_epochs: int,
    reduction_factor: float,
    min_epochs: int,
    is_scarce: bool,
) -> StoppingRule | None:
    """The rule of that name; None where the budget can go through the whole space (`is_scarce`).

    There a stop costs a configuration for good, not a few epochs: nothing proposes it again.
    """
    build = None if is_scarce else SCHEDULERS[name]
    return None if build is None else build(reference, static, num_epochs, reduction_factor, min_epochs)
