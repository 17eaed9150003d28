"""The state of a sweep, from its folder alone: never the network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeps.fronts.front import Front, build_front, count_states
from sweeps.record.ledger import DASHBOARD, KEPT_OUT, SERVED_NODES
from sweeps.record.sweep import Sweep
from sweeps.record.sweep_state import SweepState
from sweeps.record.trials import FINAL_STATES
from sweeps.record.usage import Usage
from sweeps.tracking.delivery import set_aside, tracker_ids, undelivered


def sweep_facts(path: str | Path) -> dict[str, str | None]:
    """What is recorded of a sweep's origin: hashes of data and teacher, the code's commit, and where MLflow has it."""
    sweep = Sweep.open(path)
    attrs, (uri, _, parent) = sweep.ledger.attrs(), tracker_ids(sweep.path)
    recorded = {key: attrs.get(key) for key in ("git_commit", "data_hash", "teacher_hash")}
    return {**recorded, "tracking_uri": uri, "experiment": sweep.spec.experiment, "parent_run_id": parent}


def sweep_status(path: str | Path) -> dict[str, Any]:
    """The contract's status mapping; a sweep whose driver died is `interrupted`."""
    sweep = Sweep.open(path)
    spec, records = sweep.spec, sweep.records()
    uri, experiment_id, run_id = tracker_ids(sweep.path)
    attrs = sweep.ledger.attrs()
    front, spent_s = build_front(spec, sweep.ledger.sweep_id, records), attrs.get("spent_s", 0.0)
    counts = count_states(records)
    files, why = set_aside(sweep.path)
    used = Usage.of(sweep.ledger).facts(spec.resources)
    kept_out = list(attrs.get(KEPT_OUT, {}).values())
    served = [value for key, value in attrs.items() if key.startswith(SERVED_NODES)]
    return {
        "name": spec.name,
        "sweep_id": sweep.ledger.sweep_id,
        "state": sweep.state,
        "trials": counts,
        "hypervolume": front.hypervolume,
        "best": _best(front),
        "budget": {
            **spec.budget.model_dump(),
            "spent_s": spent_s,
            **_outlook(sweep, counts, spent_s),
            **({"cost": used["cost"]} if "cost" in used else {}),
        },
        "usage": used,
        **({"dashboard": attrs[DASHBOARD]} if attrs.get(DASHBOARD) else {}),
        **({"kept_out": kept_out} if kept_out else {}),
        **({"served": served} if served else {}),
        "mlflow": {
            "tracking_uri": uri,
            "experiment_id": experiment_id,
            "parent_run_id": run_id,
            "undelivered": undelivered(sweep.path),
            **({"set_aside": files, "set_aside_because": why} if files else {}),
        },
    }


def _best(front: Front) -> dict[str, dict[str, float]]:
    """For each objective the front's best value, and the trial that has it."""
    found = {}
    for objective in front.objectives if front.points else ():
        _, trial = min((objective.cost(point.values[objective.metric]), point.trial) for point in front.points)
        value = next(point.values[objective.metric] for point in front.points if point.trial == trial)
        found[objective.metric] = {"trial": trial, "value": value}
    return found


def _outlook(sweep: Sweep, counts: Mapping[str, int], spent_s: float) -> dict[str, float]:
    """How long the rest takes when it goes on as before, and where hours alone are set how many trials that makes.

    Nothing of a sweep that is not running.
    """
    done, budget = sum(counts[state] for state in FINAL_STATES), sweep.spec.budget
    if sweep.state is not SweepState.RUNNING or not done or not spent_s:
        return {}
    by_time = math.inf if budget.hours is None else max(0.0, 3600 * budget.hours - spent_s)
    if budget.trials is None:
        return {"left_s": by_time, "expected_trials": done + int(by_time / (spent_s / done))}
    return {"left_s": max(0.0, min(by_time, spent_s / done * (budget.trials - done)))}
