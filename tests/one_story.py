"""Ledger, MLflow, front and trial folders of an ended sweep must tell one story; every disagreement is listed."""

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
from mlflow.tracking import MlflowClient

from sweeps import pareto
from sweeps.definition.objectives import costs
from sweeps.record.sweep import Sweep
from sweeps.record.trials import TrialState
from sweeps.terminal.status import sweep_status

RUN_STATUS = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "INFEASIBLE": "KILLED", "FAILED": "FAILED"}


def disagreements(folder, trials=None):
    """Everything in which the four differ; empty when all is well."""
    folder = Sweep.open(folder)
    spec, records, status = folder.spec, folder.records(), sweep_status(folder.path)
    found = [f"{status['mlflow']['undelivered']} records are owed to MLflow"] if status["mlflow"]["undelivered"] else []
    if trials is not None and Counter(r.state.is_finished for r in records) != {True: trials}:
        found.append(f"{Counter(str(r.state) for r in records)} instead of {trials} finished trials")
    runs = runs_by_number(status)
    for record in records:
        found += of_trial(record, runs.get(str(record.number), []))
        found += of_folder(record, folder.path / "trials" / f"{record.number:04d}")
    if set(runs) - {str(record.number) for record in records}:
        found.append(f"MLflow has runs of trials that the ledger does not know: {sorted(runs)}")
    return found + of_front(spec, records, json.loads((folder.path / "front" / "front.json").read_text()), runs)


def runs_by_number(status):
    client = MlflowClient(status["mlflow"]["tracking_uri"])
    query = f"tags.`dfkd.sweep_id` = '{status['sweep_id']}' and tags.`dfkd.kind` = 'trial'"
    found = {}
    for run in client.search_runs([status["mlflow"]["experiment_id"]], query, max_results=5000):
        found.setdefault(run.data.tags["dfkd.trial_number"], []).append(run)
    return found


def of_trial(record, runs):
    """A finished trial has one run, of its state, with its last metrics."""
    if not record.state.is_finished:
        return []
    if len(runs) != 1:
        return [f"trial {record.number} has {len(runs)} MLflow runs"]
    run, name = runs[0], f"trial {record.number}"
    found = []
    if run.data.tags.get("dfkd.trial_state") != record.state or run.info.status != RUN_STATUS[record.state]:
        found.append(
            f"{name} is {record.state}, MLflow says {run.data.tags.get('dfkd.trial_state')}, {run.info.status}"
        )
    if not math.isclose(float(run.data.tags.get("dfkd.fidelity", "nan")), record.fidelity):
        found.append(f"{name} has fidelity {record.fidelity}, MLflow says {run.data.tags.get('dfkd.fidelity')}")
    if record.state in (TrialState.FAILED, TrialState.INFEASIBLE) and not record.reason:
        found.append(f"{name} is {record.state} without a reason")
    if record.reason and run.data.tags.get("dfkd.failure_reason") != record.reason:
        found.append(f"{name}: {record.reason!r}, MLflow says {run.data.tags.get('dfkd.failure_reason')!r}")
    for metric, value in record.metrics.items():
        if math.isfinite(value) and not math.isclose(run.data.metrics.get(metric, math.nan), value, rel_tol=1e-9):
            found.append(f"{name}: {metric} is {value}, MLflow says {run.data.metrics.get(metric)}")
    return found


def of_folder(record, folder):
    if not record.state.is_finished:
        return []
    if not (folder / "result.json").exists():
        return [f"trial {record.number} has no result.json"]
    result = json.loads((folder / "result.json").read_text())
    wrong = (result["state"], result["epochs"]) != (record.state, record.epochs)
    return [f"{folder}: result.json says {result['state']}"] if wrong or not (folder / "config.yaml").exists() else []


def of_front(spec, records, front, runs):
    """The front holds the non-dominated COMPLETE trials, tagged so in MLflow, and their hypervolume."""
    complete = [r for r in records if r.state is TrialState.COMPLETE]
    found = [f"trial {r.number} is COMPLETE at fidelity {r.fidelity}" for r in complete if r.fidelity != 1]
    vectors = np.array([costs(spec.objectives, r.metrics) for r in complete]).reshape(-1, len(spec.objectives))
    due = {r.number for r, on in zip(complete, pareto.non_dominated(vectors), strict=True) if on} if complete else set()
    listed = {point["trial"] for point in front["points"]}
    tagged = {int(n) for n, (run, *_) in runs.items() if run.data.tags.get("dfkd.pareto") == "true"}
    for name, numbers in (("front.json lists", listed), ("MLflow tags", tagged)):
        if numbers != due:
            found.append(f"{name} {sorted(numbers)} as the front, which is {sorted(due)}")
    volume = pareto.hypervolume(vectors, spec.reference_costs) if complete else 0.0
    if not math.isclose(volume, front["hypervolume"], rel_tol=1e-9, abs_tol=1e-12):
        found.append(f"hypervolume {front['hypervolume']} is {volume}")
    ids = {n: run.info.run_id for n, (run, *_) in runs.items()}
    wrong = [p["trial"] for p in front["points"] if p["run_id"] != ids.get(str(p["trial"]))]
    return found + ([f"front.json has other run ids than MLflow for {wrong}"] if wrong else [])


def texts_below(folder):
    """Every file below a folder, read as text."""
    return {path: path.read_text(errors="replace") for path in Path(folder).rglob("*") if path.is_file()}
