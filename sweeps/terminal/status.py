"""The state of a sweep, from its folder alone: never the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sweeps.fronts.front import build_front, count_states
from sweeps.record.driver_lock import live_holder
from sweeps.record.ledger import Ledger
from sweeps.record.sweep_folder import SweepFolder
from sweeps.tracking.delivery import set_aside, tracker_ids, undelivered


def sweep_facts(path: str | Path) -> dict[str, str | None]:
    """What is recorded of a sweep's origin: hashes of data and teacher, and the code's commit."""
    folder = SweepFolder(path)
    attrs = Ledger.open(folder.path, folder.spec(), folder.note()["sweep_id"]).attrs()
    return {key: attrs.get(key) for key in ("git_commit", "data_hash", "teacher_hash")}


def sweep_status(path: str | Path) -> dict[str, Any]:
    """The contract's status mapping; a sweep whose driver died is `interrupted`."""
    folder = SweepFolder(path)
    spec = folder.spec()
    ledger = Ledger.open(folder.path, spec, folder.note()["sweep_id"])
    holder, attrs = live_holder(folder.path), ledger.attrs()
    records = ledger.records(holder.session if holder else None)
    uri, experiment_id, run_id = tracker_ids(folder.path)
    files, why = set_aside(folder.path)
    return {
        "name": spec.name,
        "sweep_id": ledger.sweep_id,
        "state": "running" if holder else attrs.get("state") or "interrupted",
        "trials": count_states(records),
        "hypervolume": build_front(spec, ledger.sweep_id, records).hypervolume,
        "budget": {**spec.budget.model_dump(), "spent_s": attrs.get("spent_s", 0.0)},
        "mlflow": {
            "tracking_uri": uri,
            "experiment_id": experiment_id,
            "parent_run_id": run_id,
            "undelivered": undelivered(folder.path),
            **({"set_aside": files, "set_aside_because": why} if files else {}),
        },
    }
