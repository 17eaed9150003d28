"""A comparison in sentences, the same on the page and on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sweeps.comparing.comparison import Comparison
from sweeps.comparing.size_classes import Contest, size_and_judge

SURE = 0.95  # share of the draws from which a class is called won


def headline(comparison: Comparison) -> str:
    """Who has the larger hypervolume, by how much, and whether that can be told from noise."""
    labels, volumes = comparison.labels, [volume.value for volume in comparison.hypervolumes]
    first, second = sorted(range(len(labels)), key=lambda index: -volumes[index])[:2]
    pair = next(p for p in comparison.pairs if (p.first, p.other) == (first, second))
    if volumes[first] == volumes[second]:
        return f"{labels[first]} and {labels[second]} have the same hypervolume, {volumes[first]:.4g}."
    larger = "larger" if len(labels) == 2 else "largest"
    told = f"{labels[first]} has the {larger} hypervolume, {volumes[first]:.4g} against {volumes[second]:.4g} of "
    told += f"{labels[second]}: {pair.hypervolume.value:.3g} more"
    if pair.hypervolume.interval is None:
        return f"{told}."
    low, high = pair.hypervolume.interval
    doubt = ", which other clips could turn around" if low <= 0 else ""
    return f"{told} (95 %: {low:.3g} to {high:.3g}){doubt}."


def classes_won(comparison: Comparison) -> str:
    """How many classes of size each front wins; empty where there are no classes."""
    if not comparison.contests:
        return ""
    size, judge = size_and_judge(comparison.fronts[0].front) or (None, None)
    counted = Counter(_holder(contest, comparison.labels) for contest in comparison.contests)
    told = ", ".join(f"{name} {counted[name]}" for name in [*comparison.labels, "open", "equal"] if counted[name])
    return f"Of {len(comparison.contests)} classes of {size and size.metric}, by {judge and judge.metric}: {told}."


def verdict(contest: Contest, labels: Sequence[str]) -> str:
    """Who wins a class of size, and in how many draws where it is open."""
    holder = _holder(contest, labels)
    if holder == "open" and contest.winner is not None:
        return f"open ({labels[contest.winner]} in {contest.share:.0%})"
    return holder


def trust(comparison: Comparison) -> str:
    """What the intervals are, or why there are none."""
    if comparison.no_interval:
        return f"No intervals: {comparison.no_interval}."
    is_seeded = any(compared.repeated for compared in comparison.fronts)
    drawn = "validation clips by speaker x noise family" + (" and seeds" if is_seeded else "")
    return (
        f"Intervals: 95 %, from drawing {drawn}, the same for every front. A class is open when its winner wins in "
        f"fewer than {SURE:.0%} of the draws."
    )


def cautions(comparison: Comparison) -> list[str]:
    """What else to know before believing it."""
    told = [f"{c.label} is still running." for c in comparison.fronts if c.state == "running"]
    budgets = {(c.spec.budget.trials, c.spec.budget.epochs_per_trial) for c in comparison.fronts}
    if len(budgets) > 1:
        told.append("The sweeps had different budgets.")
    single = [c.label for c in comparison.fronts if not c.front.confirmed]
    if single:
        told.append(f"Unconfirmed: {', '.join(single)}; each point was trained once.")
    if single and len(single) < len(comparison.fronts):
        told.append("The others count with the mean of fresh seeds, which is the stricter measure.")
    return told


def _holder(contest: Contest, labels: Sequence[str]) -> str:
    if contest.winner is None:
        return "equal"
    return labels[contest.winner] if contest.share is None or contest.share >= SURE else "open"
