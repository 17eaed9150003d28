"""Run a sweep, or go on with one: the whole story, in order."""

from __future__ import annotations

import math
import os
import shlex
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.resources import check_fits
from cluster.session import Session, connect
from cluster.storage import check_shared
from sweeps.definition.spec import SweepSpec
from sweeps.engine.checking import changes, check_unchanged, resolved
from sweeps.engine.conductor import Conductor, sweep_tags
from sweeps.engine.disk_full import told_of_full_disk
from sweeps.engine.display import Display
from sweeps.engine.front_updates import FrontUpdates, tell_artifacts, write_front_of
from sweeps.engine.interrupts import Interrupts
from sweeps.engine.mending import mend
from sweeps.engine.retelling import retell
from sweeps.engine.tune_run import run_trials
from sweeps.engine.warm_start import lessons
from sweeps.engine.watch import STOP_REQUEST, Watch
from sweeps.fronts.front import Front
from sweeps.git_commit import git_commit
from sweeps.record.driver_lock import DriverLock
from sweeps.record.ledger import Ledger, Lesson
from sweeps.record.sweep_folder import SweepFolder
from sweeps.stopped import SweepStopped
from sweeps.tracking.delivery import deliver_all, recorded_states, start_delivery, undelivered, wait_delivered
from sweeps.tracking.tracker import Tracker
from sweeps.workload import Workload, domain_of

PATIENCE_S = 20.0  # without progress of the delivery, at the end


@dataclass
class Sweep:
    """An open sweep: what its driver works on."""

    spec: SweepSpec
    workload: type[Workload]
    folder: SweepFolder
    ledger: Ledger


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
    workload, display = workload or default_workload(), display or Display()
    spec = resolved(spec, workload)
    folder = SweepFolder(out or Path("runs") / spec.name)
    folder.refuse_second()
    with ray_for(spec, folder, address) as session:
        hashes = prepare(spec, workload, display)
        taught = lessons(spec, hashes)
        is_new = not folder.path.exists()
        with locked(folder) as lock:
            folder.refuse_second()
            with folder.removed_unless_begun(is_new):
                folder.create()
                check_shared(folder.path)
                sweep = _begin(spec, workload, folder, hashes, taught)
            return _drive(sweep, lock, session, display)


def resume_sweep(
    path: str | Path,
    workload: type[Workload] | None = None,
    address: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    display: Display | None = None,
) -> Front:
    """Go on with a sweep, extend it (`overrides={"budget.trials": 40}`), or find nothing to do; returns its front.

    No finished trial runs again; unfinished ones go on from their last epoch under their own number and run.
    """
    folder, display = SweepFolder(path), display or Display()
    spec = folder.spec(changes(overrides or {}))
    with locked(folder) as lock:
        ledger = Ledger.open(folder.path, spec, folder.note()["sweep_id"])
        if ledger.num_finished() >= spec.budget.trials and ledger.attrs().get("state") == "finished":
            return deliver_owed(folder, spec, ledger)
        sweep = Sweep(spec, workload or folder.workload(), folder, ledger)
        mend(ledger, folder.path, domain_of(sweep.workload))
        if ledger.num_finished() >= spec.budget.trials:  # all ended, but the driver died before it had told so
            return _drive(sweep, lock, None, display)
        with ray_for(spec, folder, address) as session:
            check_unchanged(sweep, prepare(spec, sweep.workload, display))
            folder.write_spec(spec)
            check_shared(folder.path)
            return _drive(sweep, lock, session, display)


def sync_sweep(path: str | Path) -> int:
    """Deliver what MLflow is owed and write the run ids into the front; returns what is still owed."""
    folder = SweepFolder(path)
    spec = folder.spec()
    with locked(folder):
        ledger = Ledger.open(folder.path, spec, folder.note()["sweep_id"])
        deliver_owed(folder, spec, ledger)
    return undelivered(folder.path)


def deliver_owed(folder: SweepFolder, spec: SweepSpec, ledger: Ledger) -> Front:
    """Deliver the spool, then the front with the run ids that this has brought."""
    with closing(Tracker(folder.path, spec.storage.tracking_uri)) as tracker:
        tracker.sweep_goes_to(spec.name, spec.experiment, ledger.sweep_id)
        deliver_all(folder.path)
        front = write_front_of(folder.path, spec, ledger)
        tell_artifacts(tracker, folder.path)
        deliver_all(folder.path)
    return front


def prepare(spec: SweepSpec, workload: type[Workload], display: Display) -> dict[str, str | None]:
    """Build what all trials share; returns the hashes that make their results comparable."""
    domain = domain_of(workload)
    config = domain.trial_config(spec.config, spec.budget.epochs_per_trial)
    hashes = domain.prepare(config, display.progress)
    used = [*(o.metric for o in spec.objectives), *(c.metric for c in spec.constraints)]
    domain.require_reported(config, used)
    return hashes


def default_workload() -> type[Workload]:
    """Distillation, the workload that this project exists for."""
    from sweeps.distillation_workload import DistillationWorkload

    return DistillationWorkload


@contextmanager
def locked(folder: SweepFolder) -> Iterator[DriverLock]:
    """The folder's lock, held by this driver."""
    folder.path.mkdir(parents=True, exist_ok=True)
    lock = DriverLock.acquire(folder.path)
    (folder.path / STOP_REQUEST).unlink(missing_ok=True)  # it was meant for a driver that has died
    try:
        yield lock
    finally:
        lock.release()


@contextmanager
def ray_for(
    spec: SweepSpec, folder: SweepFolder, address: str | None, command: str = "sweep resume"
) -> Iterator[Session]:
    """A Ray that can hold a trial; one of our own has room for `max_concurrent`, and no more than this machine has."""
    wanted, limit = spec.resources.cpus_per_trial, spec.resources.max_concurrent
    num_cpus = os.cpu_count() or 1
    if limit is not None and wanted:
        num_cpus = min(num_cpus, math.ceil(limit * wanted))
    remedy = f"go on with `dfkd {command} {shlex.quote(str(folder.path))}`"
    with connect(address, num_cpus=num_cpus, remedy=remedy) as session:
        check_fits(spec.resources.bundle, session.nodes())
        yield session


def _begin(
    spec: SweepSpec,
    workload: type[Workload],
    folder: SweepFolder,
    hashes: Mapping[str, str | None],
    taught: Sequence[Lesson],
) -> Sweep:
    """Write the new sweep's files; the spec comes last and makes the folder a sweep."""
    sweep_id = uuid.uuid4().hex
    folder.write_note(sweep_id, workload)
    ledger = Ledger.create(folder.path, spec, sweep_id, taught)
    for key, value in {**hashes, "git_commit": git_commit()}.items():
        ledger.set_attr(key, value)
    folder.write_spec(spec)
    return Sweep(spec, workload, folder, ledger)


def _drive(sweep: Sweep, lock: DriverLock, session: Session | None, display: Display) -> Front:
    """Work until the budget is used up or something ends the sweep, then leave everything told."""
    spec, path, ledger = sweep.spec, sweep.folder.path, sweep.ledger
    with told_of_full_disk(path), closing(Tracker(path, spec.storage.tracking_uri)) as tracker:
        told = recorded_states(path)
        tracker.sweep_started(spec.name, spec.experiment, ledger.sweep_id, sweep_tags(ledger))
        tracker.artifact("sweep.yaml")
        retell(ledger, tracker, told)
        conductor = Conductor(ledger, spec, sweep.workload, path, tracker, lock.session)
        updates = FrontUpdates(ledger, spec, path, tracker)
        ledger.set_attr("state", None)
        delivery = start_delivery(path)
        try:
            watch = Watch(conductor, updates, lock, delivery, display)
            conductor.on_finish, conductor.fence = watch.finished, lock.check
            patience_s = _work(conductor, watch, session, display)
            lock.check()
            return _end(sweep, conductor, updates, tracker, watch, patience_s)
        finally:
            delivery.stop()


def _work(conductor: Conductor, watch: Watch, session: Session | None, display: Display) -> float:
    """Run trials; returns how long MLflow may be waited for afterwards: not at all after a second interrupt."""
    try:
        with display, Interrupts(conductor.stop):
            if session is not None:
                run_trials(conductor, watch, session.is_own)
    except KeyboardInterrupt:
        conductor.stop("interrupted twice")
        return 0.0
    return PATIENCE_S


def _end(
    sweep: Sweep, conductor: Conductor, updates: FrontUpdates, tracker: Tracker, watch: Watch, patience_s: float
) -> Front:
    """Write the last front, wait for MLflow while it answers, and say how the sweep ended."""
    state = "failed" if conductor.failed else "finished" if conductor.is_finished else "interrupted"
    watch.note_time()
    front = updates.write()
    if state == "finished":
        domain = domain_of(sweep.workload)
        domain.record_sounds(sweep.folder.path, [p.trial for p in front.points], sweep.spec.config)
        domain.measure_own_teacher(sweep.folder.path, sweep.spec.config)
    owed = wait_delivered(sweep.folder.path, watch.delivery, patience_s)
    front = updates.write()
    tracker.sweep_finished(state)
    sweep.ledger.set_attr("state", state)
    wait_delivered(sweep.folder.path, watch.delivery, min(patience_s, 1.0) if owed else patience_s)
    if state != "finished":
        raise SweepStopped(state, conductor.stopping or "trials are left", sweep.folder.path)
    return front
