"""What repeats have shown of a front, in sentences."""

from __future__ import annotations

from sweeps.fronts.front import Confirmation, Front, FrontPoint
from sweeps.trust.full_budget import full_sentences

MOST_PAIRS = 6
UNLIKELY, CERTAIN = 0.05, 0.95


def standing(front: Front) -> str:
    """What may be said of the front as a whole, in a few words.

    A point is clear when it is on the front with probability CERTAIN, and no point that noise does not tell it from is
    as good or better in every objective that noise does not touch.
    """
    again = [point for point in front.points if point.seeds]
    if not again:
        return "unconfirmed"
    least, most = min(len(p.seeds) for p in again), max(len(p.seeds) for p in again)
    seeds = _counted(least, "seed") if least == most else f"{least} to {most} seeds"
    if not front.confirmed:
        return f"unconfirmed, {len(again)} of {_counted(len(front.points), 'point')} repeated so far"
    clear = sum(_is_clear(front, point) for point in again)
    return f"repeated with {seeds}: {clear} of {_counted(len(front.points), 'point')} clear"


def _is_clear(front: Front, point: FrontPoint) -> bool:
    if (point.probability_on_front or 0.0) < CERTAIN:
        return False
    exact = [objective for objective in front.objectives if objective.metric not in point.interval]
    alike = [other for other in front.repeated if other.trial in point.indistinguishable_from]
    return not any(all(o.cost(a.values[o.metric]) <= o.cost(point.values[o.metric]) for o in exact) for a in alike)


def sentences(front: Front) -> list[str]:
    """What was spent, what can be resolved, what cannot be told apart, and whose place is not what it seemed."""
    known, found = front.confirmation, full_sentences(front)
    if known is not None:
        shown = [_spent(front, known), *_resolved(known), *_alike(front), *_misplaced(front, known), *_missing(front)]
        found = [*shown, *found]
    return [sentence for sentence in found if sentence]


def _spent(front: Front, known: Confirmation) -> str:
    behind = len(known.neighbours)
    near = f" ({behind} of them close behind the front)" if behind else ""
    trained = f"{_counted(len(front.repeated), 'point')}{near} trained again"
    seeds = f"with {_counted(known.seeds_per_point, 'fresh seed')} each: {_counted(known.repeats, 'training')} in all"
    more = f", {known.uncertain_repeats} of them on points whose place was uncertain" if known.uncertain_repeats else ""
    lost = f"; {known.failed_repeats} did not end complete and enter no mean" if known.failed_repeats else ""
    return f"{trained} {seeds}{more}{lost}."


def _resolved(known: Confirmation) -> list[str]:
    clips = known.smallest_difference_of_clips
    return [
        f"A difference of {value:.2g} in {metric} is told from noise in 80 % of cases"
        + (f" ({clips[metric]:.2g} by these validation clips with any number of seeds)." if metric in clips else ".")
        for metric, value in known.smallest_difference.items()
    ]


def _alike(front: Front) -> list[str]:
    pairs = [(p.trial, other) for p in front.repeated for other in p.indistinguishable_from if p.trial < other]
    if not pairs:
        return []
    named = ", ".join(f"{one} and {other}" for one, other in pairs[:MOST_PAIRS])
    more = f", and {len(pairs) - MOST_PAIRS} more pairs" if len(pairs) > MOST_PAIRS else ""
    return [f"Noise cannot tell apart the scores of trials {named}{more}."]


def _misplaced(front: Front, known: Confirmation) -> list[str]:
    lucky = [p for p in front.points if p.probability_on_front is not None and p.probability_on_front < UNLIKELY]
    missed = [p for p in known.neighbours if (p.probability_on_front or 0.0) > 1 - UNLIKELY]
    return [f"Trial {p.trial} was lucky: it is on the front with probability {_share(p)}." for p in lucky] + [
        f"Trial {p.trial}, which the search saw behind the front, is on it with probability {_share(p)}."
        for p in missed
    ]


def _missing(front: Front) -> list[str]:
    never = [str(point.trial) for point in front.points if not point.seeds]
    if never:
        return [f"Without a complete repeat so far: trial {', '.join(never)}."]
    return [] if front.confirmed else ["More repeats are wanted: `dfkd front confirm` goes on."]


def _share(point: FrontPoint) -> str:
    return f"{point.probability_on_front or 0.0:.2f}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
