"""One model's run in MLflow: of a training at full length, or of an evaluation."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.documents import read_json_object, read_yaml
from dfkd_core.training.seeds import trained_in
from sweeps.git_commit import git_commit
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.sweep_state import SweepState
from sweeps.record.trials import TrialState
from sweeps.tracking.addresses import RunAddresses, resolve_tracking_uri, sqlite_file
from sweeps.tracking.delivery import (
    DeliveryHandle,
    deliver_all,
    start_delivery,
    tracker_ids,
    trouble,
    wait_delivered,
)
from sweeps.tracking.run_key import EVALUATION, FINAL, SWEEP_ID, RunKey
from sweeps.tracking.spool import SPOOL, SpoolReader
from sweeps.tracking.spool_state import DeliveryState
from sweeps.tracking.tracker import Tracker

TRAINING, SCORING = RunKey(FINAL), RunKey(EVALUATION)
EXPERIMENT = "dfkd"  # of a model that comes from no sweep
FILES = ("config.yaml", "README.md", "metrics.json")
NOTED = "epochs.json"  # in the spool's folder, since what is delivered leaves the spool
PATIENCE_S, PATIENCE_AFTER_INTERRUPT_S = 20.0, 2.0


class TrainingRun:
    """The run of the model folder `out`. It begins with the first epoch that is told, and goes on with later calls."""

    def __init__(self, out: Path, config: Mapping[str, Any] | None) -> None:
        self._out, self._config, self._started_s = out, config, time.time()
        self._tracker: Tracker | None = None
        self._delivery: DeliveryHandle | None = None
        self._num_told = _num_told(out)

    def epoch(self, epoch: int, metrics: Mapping[str, float | None], origin: Mapping[str, Any]) -> None:
        """An epoch, counted from 1, has ended; `origin` holds the hashes of what it was trained on.

        One that is told again is passed over.
        """
        if self._config is None or epoch <= self._num_told:
            return
        if self._tracker is None:
            self._tracker = self._begin(self._config, origin)
        measured = {name: value for name, value in metrics.items() if value is not None}
        self._tracker.trial_epoch(TRAINING, epoch, measured)
        self._num_told = epoch
        write_atomic(self._out / SPOOL / NOTED, json.dumps({"epochs": epoch}).encode())

    def end(self, state: str, reason: str | None = None) -> None:
        """Tell how it ended, and wait for MLflow while it answers; what an earlier call owes is delivered, too."""
        if self._tracker is None or self._delivery is None:
            if self._config is not None and not _is_copy(self._out):
                deliver_all(self._out, PATIENCE_S)
            return
        with closing(self._tracker):
            for name in FILES:
                if (self._out / name).exists():
                    self._tracker.artifact(name, "", TRAINING)
            self._tracker.trial_finished(TRAINING, state, 1.0, reason, {})
            patience_s = PATIENCE_AFTER_INTERRUPT_S if state == SweepState.INTERRUPTED else PATIENCE_S
            wait_delivered(self._out, self._delivery, patience_s)
            self._delivery.stop()

    def _begin(self, config: Mapping[str, Any], origin: Mapping[str, Any]) -> Tracker:
        provenance = config.get("provenance") or {}
        if _is_copy(self._out):  # what it was copied from keeps its run
            shutil.rmtree(self._out / SPOOL)
        (self._out / SPOOL).mkdir(parents=True, exist_ok=True)
        state = DeliveryState.load(self._out)
        # noted before anything is delivered, so that a later call means the same run
        state.sweep_id, state.folder = state.sweep_id or uuid.uuid4().hex, str(self._out.resolve())
        state.save(self._out)
        tracker = Tracker(self._out, tracker_of(provenance))
        name, experiment = self._out.resolve().name, str(provenance.get("experiment") or EXPERIMENT)
        dataset = _dataset(config["data"]["corpus"], str(origin.get("data_hash")))
        tracker.goes_to(name, experiment, state.sweep_id, TRAINING, dataset)
        hashes = {f"dfkd.{key}": origin.get(key) for key in ("data_hash", "teacher_hash", "start_hash")}
        tags = {**hashes, "dfkd.git_commit": git_commit(), **_tags_of(provenance, tracker.uri)}
        tracker.trial_started(TRAINING, dict(_leaves(config)), tags, self._started_s)
        self._delivery = start_delivery(self._out)
        return tracker


def _num_told(out: Path) -> int:
    """How many epochs earlier calls have told; one that was killed may have told one more than it noted.

    A damaged note is none: an epoch may be a point twice then.
    """
    noted: list[Any] = []
    with suppress(OSError, ValueError, KeyError):
        noted = [read_json_object(out / SPOOL / NOTED)["epochs"]]
    records = SpoolReader(out / SPOOL, 0).read(sys.maxsize)
    noted += [record.fields.get("epoch") for record in records if record.event == "trial_epoch"]
    return max((epoch for epoch in noted if isinstance(epoch, int)), default=0)


@contextmanager
def tracked_training(out: Path, config: Mapping[str, Any] | None) -> Iterator[TrainingRun]:
    """A training's run; however the block is left, MLflow is told. Without a config it is not."""
    run = TrainingRun(out, config)
    try:
        yield run
    except KeyboardInterrupt:
        run.end(SweepState.INTERRUPTED)
        raise
    except Exception as error:
        run.end(TrialState.FAILED, str(error))
        raise
    run.end(TrialState.COMPLETE)


def tell_evaluation(model: Path, data: Path | None, scores: Mapping[str, Any]) -> str:
    """Make a run of a model's mean scores; returns a line that says where it is, or why MLflow has not taken it.

    `scores` are those of `dfkd evaluate --json`, `data` another corpus than the model's own. Nothing is owed
    afterwards: an evaluation can be repeated.
    """
    config, split = read_yaml(model / "config.yaml"), scores["split"]
    provenance = {**(config.get("provenance") or {}), **_trial_of(model)}
    trained = DeliveryState.load(trained_in(model))
    parent = trained.runs.get(TRAINING.text)
    uri = tracker_for(model, trained, provenance)
    corpus = str(data or (config.get("data") or {}).get("corpus"))
    clips = sorted(clip["name"] for clip in scores["per_clip"])
    dataset = _dataset(corpus, hashlib.sha256(json.dumps(clips).encode()).hexdigest())
    with tempfile.TemporaryDirectory() as spool:
        place = Path(spool)
        tracker = Tracker(place, uri)
        name, experiment = f"{model.resolve().name}/{split}", str(provenance.get("experiment") or EXPERIMENT)
        tracker.goes_to(name, experiment, uuid.uuid4().hex, SCORING, dataset)
        tags = {"dfkd.git_commit": git_commit(), **_tags_of(provenance, tracker.uri)}
        if parent:
            tags["mlflow.parentRunId"] = parent
        params = {"model": str(model), "split": split, "data.corpus": corpus, "clips": scores["clips"]}
        tracker.trial_started(SCORING, params, tags)
        probes = {f"probe/{name}/": means for name, means in scores.get("probes", {}).items()}
        for group, means in {"": scores["mean"], "noisy/": scores["noisy"], **probes}.items():
            measured = {f"{split}/{group}{metric}": value for metric, value in means.items() if value is not None}
            tracker.trial_epoch(SCORING, 1, measured)
        tracker.trial_finished(SCORING, TrialState.COMPLETE, 1.0, None, {})
        tracker.close()
        if deliver_all(place, PATIENCE_S):
            return f"this evaluation is not told to MLflow: {trouble(place) or 'it does not answer'}"
        found = tracker_ids(place)
    return f"run     {RunAddresses(*found[:2]).page(found[2])}"


def page_of(model: Path) -> str | None:
    """Where a trained model's run can be looked at."""
    uri, experiment_id, run_id = tracker_ids(trained_in(model))
    return RunAddresses(uri, experiment_id).page(run_id)


def tracker_for(model: Path, trained: DeliveryState, provenance: Mapping[str, Any]) -> str:
    """Where further runs of a model go: to the server that has its training's, else to its database of today.

    A database that its folder names may be that of another place, from which it was copied.
    """
    known = trained.tracking_uri
    if known is not None and sqlite_file(known) is None:
        return known
    return resolve_tracking_uri(model, tracker_of(provenance))


def _is_copy(model: Path) -> bool:
    """True when the folder that the model was trained in is another one and still has the same run."""
    state = DeliveryState.load(model)
    place = Path(state.folder or model)
    return place.is_dir() and not place.samefile(model) and DeliveryState.load(place).sweep_id == state.sweep_id


def tracker_of(provenance: Mapping[str, Any]) -> str | None:
    """The tracker of the sweep that a config comes from, where it is MLflow's own database on this machine.

    A config may come from anybody: no server that it names is told, and no other file is written.
    """
    uri = provenance.get("tracking_uri")
    database = sqlite_file(uri) if isinstance(uri, str) and not os.environ.get("MLFLOW_TRACKING_URI") else None
    if database is None or not database.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error:
        return None
    return uri if {"alembic_version", "experiments", "runs"} <= tables else None


def _trial_of(model: Path) -> dict[str, Any]:
    """What tells a trial's folder: its sweep's tracker, experiment and id, and its number; {} for other folders."""
    sweep = SweepFolder(model.resolve().parent.parent)
    if not sweep.is_sweep or not model.resolve().name.isdigit():
        return {}
    spec = sweep.spec()
    uri = resolve_tracking_uri(sweep.path, spec.storage.tracking_uri)
    trial = int(model.resolve().name)
    parent = tracker_ids(sweep.path)[2]
    known = {"sweep_id": sweep.note()["sweep_id"], "trial": trial, "parent_run_id": parent}
    return {**known, "tracking_uri": uri, "experiment": spec.experiment}


def _tags_of(provenance: Mapping[str, Any], uri: str) -> dict[str, Any]:
    """Which sweep and trial a model comes from; below the sweep's own run, where that is in the same tracker."""
    tags = {SWEEP_ID: provenance.get("sweep_id"), "dfkd.trial_number": provenance.get("trial")}
    if provenance.get("tracking_uri") == uri:
        tags["mlflow.parentRunId"] = provenance.get("parent_run_id")
    return tags


def _dataset(corpus: str, digest: str) -> dict[str, str]:
    return {"name": Path(corpus).name, "digest": digest, "source": json.dumps({"uri": corpus})}


def _leaves(config: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a config by key path; what it says of its origin is in tags."""
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{path}{key}.") if f"{path}{key}" != "provenance" else ()
        else:
            yield f"{path}{key}", value
