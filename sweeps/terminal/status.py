"""The state of a sweep, from its folder alone: never the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sweeps.fronts.front import build_front, count_states
from sweeps.record.sweep import Sweep
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
    files, why = set_aside(sweep.path)
    return {
        "name": spec.name,
        "sweep_id": sweep.ledger.sweep_id,
        "state": sweep.state,
        "trials": count_states(records),
        "hypervolume": build_front(spec, sweep.ledger.sweep_id, records).hypervolume,
        "budget": {**spec.budget.model_dump(), "spent_s": sweep.ledger.attrs().get("spent_s", 0.0)},
        "mlflow": {
            "tracking_uri": uri,
            "experiment_id": experiment_id,
            "parent_run_id": run_id,
            "undelivered": undelivered(sweep.path),
            **({"set_aside": files, "set_aside_because": why} if files else {}),
        },
    }
