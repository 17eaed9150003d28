"""A comparison in sentences, the same on the page and on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from dfkd_core.scoring.confidence import LEVEL
from sweeps.comparing.comparison import Comparison
from sweeps.comparing.size_classes import Contest, size_and_judge
from sweeps.record.sweep_state import SweepState
from sweeps.trust.membership import holm


def caveat(comparison: Comparison) -> str:
    """What must be known before any figure is read; empty where seeds were repeated."""
    if not comparison.no_interval:
        return ""
    return (
        f"No winner can be told: {comparison.no_interval}. Another seed alone moves a mean PESQ by 0.02 to 0.03, and "
        "what luck has put on a front stays there."
    )


def headline(comparison: Comparison) -> str:
    """Who has the larger hypervolume, by how much, and whether that can be told from luck."""
    labels, volumes = comparison.labels, [volume.value for volume in comparison.hypervolumes]
    first, second = sorted(range(len(labels)), key=lambda index: -volumes[index])[:2]
    pair = next(p for p in comparison.pairs if (p.first, p.other) == (first, second))
    if volumes[first] == volumes[second]:
        return f"{labels[first]} and {labels[second]} have the same hypervolume, {volumes[first]:.4g}."
    larger = "larger" if len(labels) == 2 else "largest"
    lead = f"{labels[first]} has the {larger} hypervolume, {volumes[first]:.4g} against {volumes[second]:.4g} of "
    lead += f"{labels[second]}: {pair.hypervolume.value:.3g} more"
    if pair.hypervolume.interval is None:
        return f"{lead}; how much of that is luck is not known."
    low, high = pair.hypervolume.interval
    doubt = "" if _is_clear(comparison, first, second) else ", which other seeds and clips could turn around"
    return f"{lead} (95 %: {low:.3g} to {high:.3g}){doubt}."


def classes_won(comparison: Comparison) -> str:
    """How many classes of size each front wins; empty where there are no classes or no seeds."""
    if not comparison.contests or comparison.no_interval:
        return ""
    size, judge = size_and_judge(comparison.fronts[0].front) or (None, None)
    counted = Counter(verdict(contest, comparison.labels) for contest in comparison.contests)
    only = [f"only {name}" for name in comparison.labels]
    won = ", ".join(f"{name} {counted[name]}" for name in [*comparison.labels, *only, "open", "equal"] if counted[name])
    return f"Of {len(comparison.contests)} classes of {size and size.metric}, by {judge and judge.metric}: {won}."


def verdict(contest: Contest, labels: Sequence[str]) -> str:
    """Who wins a class of size, or why nobody does."""
    if contest.leader is None:
        return "equal"
    if contest.is_unopposed:
        return f"only {labels[contest.leader]}"
    return "open" if contest.winner is None else labels[contest.winner]


def trust(comparison: Comparison) -> str:
    """What the intervals are, or why there are none."""
    if comparison.no_interval:
        return f"No intervals: {comparison.no_interval}."
    return (
        f"Intervals: 95 %; drawn were {comparison.drawn}, the same clips for every front; another search is not drawn. "
        f"A class is open when its leader's lead could be luck (over all classes together, in 5 % of cases)."
    )


def cautions(comparison: Comparison) -> list[str]:
    """What else to know before believing it."""
    found = [f"{c.label} is still running." for c in comparison.fronts if c.state is SweepState.RUNNING]
    budgets = {c.spec.budget for c in comparison.fronts}
    if len(budgets) > 1:
        found.append("The sweeps had different budgets.")
    single = [c.label for c in comparison.fronts if not c.front.confirmed]
    if single and len(single) < len(comparison.fronts):
        found.append("The others count with the mean of fresh seeds, which is the stricter measure.")
    return found


def _is_clear(comparison: Comparison, first: int, second: int) -> bool:
    """Whether a difference of hypervolumes is told from luck, with all pairs of fronts as one family of tests."""
    pairs = [pair for pair in comparison.pairs if pair.first < pair.other]
    enlarged = holm(np.array([pair.hypervolume.p_value for pair in pairs], dtype=np.float64))
    place = next(n for n, pair in enumerate(pairs) if {pair.first, pair.other} == {first, second})
    return bool(enlarged[place] < 1 - LEVEL)
