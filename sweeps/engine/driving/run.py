"""Run a sweep, or go on with one: the whole story, in order."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.session import Session
from sweeps.definition.spec import SweepSpec
from sweeps.engine.deciding.inputs import sweep_tags
from sweeps.engine.driving.checking import (
    BEGUN_WITH,
    changes,
    check_begun,
    check_same,
    check_unchanged,
    resolved,
)
from sweeps.engine.driving.driver import Driver, Trials, outcome
from sweeps.engine.driving.front_updates import FrontUpdates
from sweeps.engine.driving.mirroring import bring_or_refuse, catch_up, fetched, mirrored
from sweeps.engine.driving.preparing import (
    default_workload,
    locked,
    prepare,
    ray_for,
    require_inputs,
    require_read,
    tell_blind_nodes,
)
from sweeps.engine.driving.recovery import deliver_owed, mend, with_own_id, with_retries
from sweeps.engine.driving.warm_start import lessons
from sweeps.fronts.front import Front
from sweeps.git_commit import git_commit
from sweeps.record.driver_lock import DriverLock, wait_for_silence
from sweeps.record.ledger import DASHBOARD, Ledger
from sweeps.record.sweep import Sweep
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.sweep_state import SweepState, SweepStopped
from sweeps.record.usage import Usage
from sweeps.terminal.display import Display
from sweeps.terminal.notebook import display_here
from sweeps.tracking.addresses import resolve_tracking_uri
from sweeps.tracking.credentials import trust_tracker
from sweeps.tracking.delivery import recorded_states, undelivered
from sweeps.tracking.fresh_database import require_whole
from sweeps.workload import Workload, domain_of

FILLED_HOURS = "filled_hours"  # of the ledger: the budget of hours in which nothing more would have ended
LAST_PATIENCE_S = 1.0  # for a sweep's last records, when MLflow has not answered those before


def run_sweep(
    spec: SweepSpec,
    out: str | Path | None = None,
    workload: type[Workload] | None = None,
    address: str | None = None,
    display: Display | None = None,
) -> Front:
    """Run a new sweep into `out` (default `runs/<name>`) and return its front.

    Raises ConfigError for wrong input (nothing is written then) and SweepStopped when it ends before its budget.
    """
    workload, display = workload or default_workload(), display or display_here()
    spec = resolved(spec, workload)
    folder = SweepFolder(out or Path("runs") / spec.name)
    folder.refuse_second()
    require_whole(resolve_tracking_uri(folder.path, spec.storage.tracking_uri))
    bring_or_refuse(folder, spec, brings=False)
    require_inputs(spec, workload, display)
    with ray_for(spec, folder, address) as session:
        hashes = prepare(spec, workload, display)
        learned = lessons(spec, hashes)
        is_new = not folder.path.exists()
        with locked(folder) as lock:
            folder.refuse_second()
            with folder.removed_unless_begun(is_new):
                folder.create()
                tell_blind_nodes(folder, display)
                sweep_id = uuid.uuid4().hex
                folder.write_note(sweep_id, workload)
                trust_tracker(sweep_id, spec.storage.tracking_uri)
                ledger = Ledger.create(folder.path, spec, sweep_id, learned)
                for key, value in {
                    **hashes,
                    "git_commit": git_commit(),
                    BEGUN_WITH: spec.model_dump(mode="json"),
                }.items():
                    ledger.set_attr(key, value)
                folder.write_spec(spec)  # comes last, and makes the folder a sweep
                folder.agree_to_code()
                sweep = Sweep(folder, spec, ledger)
            return _drive(sweep, workload, lock, session, display)


def resume_sweep(
    path: str | Path,
    workload: type[Workload] | None = None,
    address: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    display: Display | None = None,
    retry_failed: bool = False,
) -> Front:
    """Go on with a sweep, extend it (`overrides={"budget.trials": 40}`), or find nothing to do; returns its front.

    `path` is its folder, or the URL of its copy in a store, which is then brought to `runs/<name>`.

    No finished trial runs again; unfinished ones go on from their last epoch under their own number and run. With
    `retry_failed` the values of FAILED trials are tried once more, as further trials by which the budget grows.
    """
    changes(overrides or {})
    folder, display = SweepFolder(fetched(path)), display or display_here()
    folder.require()
    with locked(folder) as lock:
        catch_up(folder)
        sweep = Sweep.open(folder.path, overrides)
        check_begun(sweep)
        if retry_failed:
            sweep = with_retries(sweep, overrides or {})
        spec, ledger = sweep.spec, sweep.ledger
        hours = spec.budget.hours
        out_of_time = hours is not None and ledger.attrs().get(FILLED_HOURS, 0.0) >= hours
        all_ended = ledger.num_finished() >= spec.budget.most_trials
        nothing_new = ledger.is_used_up and all(record.state.is_finished for record in ledger.records())
        if ledger.state is SweepState.FINISHED and (all_ended or out_of_time or nothing_new):
            with mirrored(sweep, lock):
                return deliver_owed(sweep)
        workload = workload or folder.workload()
        sweep = with_own_id(sweep)
        ledger = sweep.ledger
        mend(ledger, folder.path, domain_of(workload))
        if all_ended:  # all ended, but the driver died before it had told so
            return _drive(sweep, workload, lock, None, display)
        require_read(spec, workload, display)
        with ray_for(spec, folder, address) as session:
            check_unchanged(sweep, prepare(spec, workload, display))
            folder.write_spec(spec)
            tell_blind_nodes(folder, display)
            return _drive(sweep, workload, lock, session, display)


def run_or_resume(
    spec: SweepSpec,
    out: str | Path | None = None,
    workload: type[Workload] | None = None,
    address: str | None = None,
    display: Display | None = None,
) -> Front:
    """Begin the sweep, go on with it, or find nothing to do: the same call, however often and wherever it is made.

    Raises ConfigError, naming the key that differs, where `out` holds another sweep.
    """
    folder = SweepFolder(out or Path("runs") / spec.name)
    if not folder.is_sweep:
        bring_or_refuse(folder, spec, brings=True)
    if not folder.is_sweep:
        return run_sweep(spec, folder.path, workload, address, display)
    wanted = check_same(Sweep.open(folder.path), spec, workload or default_workload())
    wait_for_silence(folder.path)
    return resume_sweep(folder.path, workload, address, wanted, display)


def sync_sweep(path: str | Path) -> int:
    """Deliver what MLflow is owed and write the run ids into the front; returns what is still owed."""
    folder = SweepFolder(path)
    folder.require()
    with locked(folder) as lock:
        catch_up(folder)
        sweep = Sweep.open(path)
        check_begun(sweep)
        require_whole(resolve_tracking_uri(sweep.path, sweep.spec.storage.tracking_uri))
        with mirrored(sweep, lock):
            deliver_owed(sweep)
    return undelivered(folder.path)


def dataset_of(sweep: Sweep) -> dict[str, str] | None:
    """The corpus as MLflow lists it: name, digest, source; None for a workload that knows none."""
    data, digest = sweep.spec.config.get("data"), sweep.ledger.attrs().get("data_hash")
    corpus = data.get("corpus") if isinstance(data, dict) else None
    if not isinstance(corpus, str) or not digest:
        return None
    return {"name": Path(corpus).name, "digest": digest, "source": json.dumps({"uri": corpus})}


def _drive(
    sweep: Sweep, workload: type[Workload], lock: DriverLock, session: Session | None, display: Display
) -> Front:
    """Work until the budget is used up or something ends the sweep, then leave everything told."""
    spec, path, ledger = sweep.spec, sweep.path, sweep.ledger
    with Driver.at_work(sweep, workload, lock, display) as driver:
        trials = Trials(ledger, path, lambda number: number, recorded_states(path))
        tags = {"mlflow.note.content": spec.description, **sweep_tags(ledger)}
        dashboard = session.dashboard if session else None
        if dashboard != ledger.attrs().get(DASHBOARD):
            ledger.set_attr(DASHBOARD, dashboard)
        if dashboard:
            display.note(f"dashboard {dashboard}")
            tags["dfkd.dashboard"] = dashboard
        driver.tracker.sweep_started(spec.name, spec.experiment, ledger.sweep_id, tags, dataset_of(sweep))
        driver.tracker.artifact("sweep.yaml")
        driver.take_up(trials)
        updates = FrontUpdates(ledger, spec, path, driver.tracker)
        conductor = driver.work(trials, updates, session)
        state, front = outcome(conductor), updates.write()
        if conductor.is_out_of_time and spec.budget.hours is not None:
            ledger.set_attr(FILLED_HOURS, spec.budget.hours)
        driver.tracker.usage(conductor.counts.total(), Usage.of(ledger).facts(spec.resources))
        if state is SweepState.FINISHED:
            domain = domain_of(workload)
            config = domain.trial_config(spec.config, spec.budget.epochs_per_trial)
            domain.record_sounds(path, [point.trial for point in front.points], config)
            domain.measure_own_teacher(path, config)
        owed = driver.deliver()
        front = updates.write()
        driver.tracker.sweep_finished(state)
        ledger.state = state
        driver.deliver(LAST_PATIENCE_S if owed else None)
        if state is not SweepState.FINISHED:
            raise SweepStopped(state, conductor.stopping or "trials are left", path)
        return front
