"""What the page shows, as plain data: trials by column, so that ten thousand of them stay small."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dfkd_core.errors import ConfigError
from sweeps import pareto
from sweeps.definition.metric_facts import goal_of, meaning_of, unit_of, words_of
from sweeps.definition.objectives import Objective, costs
from sweeps.definition.spec import SweepSpec
from sweeps.fronts import choose
from sweeps.fronts.dimension_importance import importance
from sweeps.fronts.front import Front, FrontPoint, has_point, trial_ranks
from sweeps.fronts.front_csv import union
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.tracking.addresses import RunAddresses
from sweeps.trust.trust_words import sentences, standing

SIGNIFICANT = 6  # digits kept of every number on the page; front.json and front.csv hold them all


KNEE = (
    "The knee is the point furthest from the line between the front's extremes, on its better side: where giving up a "
    "little of one objective no longer buys much of another. A front that lies on that line or behind it has none; the "
    "smallest of its points within a tenth of its range of quality from the best is shown first then."
)


def page_content(
    folder: Path, front: Front, records: Sequence[TrialRecord], spec: SweepSpec, addresses: RunAddresses
) -> dict[str, Any]:
    """Everything but sounds and reference models."""
    metrics = metric_columns([r.metrics for r in records], front.objectives)
    return {
        "name": front.name,
        "sweep_id": front.sweep_id,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "confirmed": front.confirmed,
        "standing": standing(front),
        "budget": {"trials": spec.budget.trials, "hours": spec.budget.hours, "epochs": spec.budget.epochs_per_trial},
        "counts": front.trials,
        "objectives": [o.model_dump() for o in front.objectives],
        "reference": front.reference_point,
        "hypervolume": compact(front.hypervolume),
        "history": _history(records, spec),
        "constraints": [{"metric": c.metric, "sign": c.sign, "limit": c.limit} for c in spec.constraints],
        "metrics": metrics,
        "params": param_columns([r.params for r in records], spec.space),
        "trials": _trials(records, spec, addresses),
        **_rules(front.of(records), metrics),
        "trust": {
            "points": {point.trial: repeated_point(point) for point in front.repeated},
            "sentences": sentences(front),
            "command": f"dfkd front confirm {shlex.quote(str(folder))} --seeds 3",
        },
        "importance": [importance(records, o, list(spec.space)) for o in front.objectives],
        "config": plain(spec.config),
        "export": export_command(folder, front.name),
        "look": addresses.how_to_look(),
    }


def _trials(records: Sequence[TrialRecord], spec: SweepSpec, addresses: RunAddresses) -> dict[str, Any]:
    rank = trial_ranks(records, spec.objectives)
    states = list(TrialState)
    runs = {r.number: address for r in records if (address := addresses.of(r.number))}
    heads = {address.rpartition("/")[:2] for address in runs.values()}
    place = "".join(heads.pop()) if len(heads) == 1 else ""  # said once, not with every run
    return {
        "number": [r.number for r in records],
        "state": [states.index(r.state) for r in records],
        "states": [str(s) for s in states],
        "rank": [rank.get(r.number) for r in records],
        "epochs": [r.epochs for r in records],
        "reason": {r.number: r.reason for r in records if r.reason},
        "run": {"at": place, "of": {number: address.removeprefix(place) for number, address in runs.items()}},
        "params": {key: coded([plain(r.params.get(key)) for r in records]) for key in union(r.params for r in records)},
        "metrics": {key: [compact(r.metrics.get(key)) for r in records] for key in union(r.metrics for r in records)},
    }


def coded(values: list[Any]) -> list[Any] | dict[str, list[Any]]:
    """A column of few values that recur as these values and, for each trial, the place of its own among them."""
    names = list({repr(value): value for value in values}.values())
    if len(names) * 4 > len(values):
        return values
    places = {repr(value): place for place, value in enumerate(names)}
    return {"values": names, "codes": [places[repr(value)] for value in values]}


def _rules(front: Front, metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How points are chosen: the rules' choices, and what the page needs to answer a bound as they would.

    `orders` has every complete trial by each metric with a better end, the best first: within bounds the first that
    meets them is the answer. `beaten` names, for each complete trial beside the front, a point that beats it.
    """
    complete = front.complete()
    judged = [metric["name"] for metric in metrics if metric["goal"]] if front.points else []
    orders = {name: [point.trial for point in choose.best_first(front, complete, name)] for name in judged}
    return {
        "choices": _choices(front),
        "about_knee": KNEE,
        "orders": {name: order for name, order in orders.items() if order},
        "beaten": choose.beaten(front, complete) if front.points else {},
    }


def metric_columns(measured: Iterable[Mapping[str, float]], objectives: Sequence[Objective]) -> list[dict[str, Any]]:
    """Name, unit, goal and scale of everything that can stand on an axis, the objectives first."""
    named = {o.metric: o.scale for o in objectives}
    names = [*named, *(name for name in union(measured) if name not in named)]
    return [
        {
            "name": name,
            "unit": unit_of(name),
            "goal": _goal(name, objectives),
            "log": named[name] == "log" if name in named else name.startswith("model/") and not name.endswith("_ms"),
            "about": meaning_of(name),
            "words": list(words_of(name)),
        }
        for name in names
    ]


def _goal(metric: str, objectives: Sequence[Objective]) -> str | None:
    try:
        return goal_of(metric, objectives)
    except ConfigError:
        return None  # an axis without a better end


def param_columns(searched: Sequence[Mapping[str, Any]], space: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The searched dimensions: name, and whether their space is logarithmic."""
    columns = []
    for name in union([space, *searched]):
        alternatives = space.get(name)
        options = alternatives if isinstance(alternatives, list) else [alternatives]
        is_log = any(isinstance(option, Mapping) and bool(option.get("log")) for option in options)
        columns.append({"name": name, "log": is_log})
    return columns


def _history(records: Iterable[TrialRecord], spec: SweepSpec) -> list[float | None]:
    """The hypervolume after each finished trial, in the order in which they finished."""
    finished = [r for r in records if r.state.is_finished]
    finished.sort(key=lambda r: (r.finished if r.finished is not None else math.inf, r.number))
    steps = [costs(spec.objectives, r.metrics) if has_point(r, spec.objectives) else None for r in finished]
    return [compact(v) for v in pareto.hypervolume_history(steps, costs(spec.objectives, spec.reference_point))]


def _choices(front: Front) -> list[dict[str, Any]]:
    """The choosing rules that need no question, each with its points and why; `best` names what a rule optimises."""
    if not front.points:
        return []
    label = "Small and good" if choose.knee_of(front) is None else "Knee"  # the picture marks what is called a knee
    rules: list[tuple[str, str | None, list[choose.Choice]]] = [(label, None, [choose.choose_knee(front)])]
    rules += [(f"Best {o.metric}", o.metric, [choose.choose_best(front, o.metric)]) for o in front.objectives]
    if choose.decade_objective(front) is not None:
        rules.append(("One per decade", None, choose.choose_per_decade(front)))
    return [
        {"label": label, "best": best, "points": [{"trial": c.point.trial, "why": c.why} for c in chosen]}
        for label, best, chosen in rules
    ]


def repeated_point(point: FrontPoint) -> dict[str, Any]:
    """What repeats have shown of one point."""
    return {
        "seeds": list(point.seeds),
        "mean": plain(point.mean),
        "interval": plain(point.interval),
        "probability": point.probability_on_front,
        "alike": list(point.indistinguishable_from),
    }


def export_command(folder: Path, name: str) -> dict[str, str]:
    """What stands before and after a trial's number in the command that exports it."""
    return {"before": f"dfkd export {shlex.quote(str(folder))} --trial ", "after": f" -o {shlex.quote(name)}-t"}


def compact(value: float | None) -> float | None:
    """The number with few digits; None when it is missing or not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{SIGNIFICANT}g}")


def plain(value: Any) -> Any:
    """The value as JSON can hold it: numbers shortened, unknown types as text."""
    if isinstance(value, float):
        return compact(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)
