"""Train a front again with fresh seeds: what the search was lucky with shows, and what can be trusted."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.session import Session
from cluster.storage import check_shared
from dfkd_core.errors import ConfigError
from sweeps.definition.objectives import costs
from sweeps.engine.checking import check_unchanged
from sweeps.engine.conductor import Conductor
from sweeps.engine.display import Display
from sweeps.engine.front_updates import RepeatUpdates
from sweeps.engine.interrupts import Interrupts
from sweeps.engine.mending import mend
from sweeps.engine.retelling import retell
from sweeps.engine.run import PATIENCE_S, Sweep, deliver_owed, locked, prepare, ray_for
from sweeps.engine.tune_run import run_trials
from sweeps.engine.watch import Watch
from sweeps.fronts.front import Front, build_front, count_states, has_point
from sweeps.git_commit import git_commit
from sweeps.record.driver_lock import DriverLock
from sweeps.record.ledger import Ledger
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.trials import TrialRecord
from sweeps.stopped import SweepStopped
from sweeps.tracking.delivery import DeliveryHandle, recorded_run_states, start_delivery, wait_delivered
from sweeps.tracking.tracker import Tracker
from sweeps.trust.confirmed_front import with_repeats
from sweeps.trust.near_neighbours import near_neighbours
from sweeps.trust.repeats import SEEDS, Repeats, own_seed, wanted_repeats
from sweeps.workload import Workload, domain_of

COMMAND = "front confirm"
IN_PYTHON = "confirm_front({path!r}, seeds=3, workload={name})"


@dataclass
class Confirming:
    """A finished sweep whose front is trained again: its candidates' records, its repeats and its driver's parts."""

    sweep: Sweep
    repeats: Repeats
    seeds: int
    candidates: dict[int, TrialRecord]
    lock: DriverLock
    display: Display

    @property
    def params(self) -> dict[int, Mapping[str, Any]]:
        """The searched values of every trial of the search."""
        return {record.number: record.params for record in self.sweep.ledger.records()}

    def mend(self) -> None:
        """Bring ledger and folders up to what a driver that died had decided."""
        self.repeats.enqueue(self.params)
        mend(self.repeats.ledger, self.repeats.folder, domain_of(self.sweep.workload))

    def begin_round(self) -> bool:
        """Ask for the repeats that are wanted next; false when nothing is left to train."""
        if self.repeats.num_waiting:
            return True
        wanted = self.wanted()
        if wanted:
            self.repeats.add(wanted, self.params)
        return bool(wanted)

    def wanted(self) -> dict[int, int]:
        """How many repeats of which trials the next round needs."""
        asked, front = self.repeats.num_asked(), self.front()
        probability = {point.trial: point.probability_on_front for point in front.repeated}
        return wanted_repeats(list(self.candidates), asked, probability, self.seeds)

    def front(self) -> Front:
        """The front with what is known by now."""
        ledger, spec = self.sweep.ledger, self.sweep.spec
        records = ledger.records()
        return with_repeats(build_front(spec, ledger.sweep_id, records), self.sweep.folder.path, spec, records)


def confirm_front(
    path: str | Path,
    seeds: int,
    workload: type[Workload] | None = None,
    address: str | None = None,
    display: Display | None = None,
) -> Front:
    """Train the front and its near neighbours again, with `seeds` fresh seeds each and more where that is needed.

    Goes on where an earlier call was interrupted. Raises ConfigError for a sweep that cannot be confirmed and
    SweepStopped when it ends before everything is trained.
    """
    if seeds < 1:
        raise ConfigError(f"must be at least 1, but got {seeds}; 3 is a good beginning", key="--seeds")
    folder, display = SweepFolder(path), display or Display()
    spec = folder.spec()
    with locked(folder) as lock:
        ledger = Ledger.open(folder.path, spec, folder.note()["sweep_id"])
        sweep = Sweep(spec, workload or folder.workload(IN_PYTHON), folder, ledger)
        candidates = _candidates(sweep)
        begun = Repeats.find(folder.path, spec)
        if begun is not None:
            job = Confirming(sweep, begun, seeds, candidates, lock, display)
            job.mend()
            if not (begun.num_waiting or job.wanted()):
                return deliver_owed(folder, spec, ledger) if begun.is_finished else _drive(job, None)
        with ray_for(spec, folder, address, f"{COMMAND} --seeds {seeds}") as session:
            check_unchanged(sweep, prepare(spec, sweep.workload, display))
            check_shared(folder.path)
            repeats = begun or Repeats.begin(folder.path, spec, sweep.workload)
            return _drive(Confirming(sweep, repeats, seeds, candidates, lock, display), session)


def _candidates(sweep: Sweep) -> dict[int, TrialRecord]:
    """The front and its near neighbours, by number; ConfigError when there is nothing that can be confirmed."""
    spec, ledger, place = sweep.spec, sweep.ledger, sweep.folder.path
    records = ledger.records()
    ranked = {record.number: record for record in records if has_point(record, spec.objectives)}
    state = ledger.attrs().get("state")
    if state != "finished":
        done, way = ledger.num_finished(), f"`dfkd sweep resume {shlex.quote(str(place))}`"
        rule = f"must hold a finished sweep, but it is {state or 'interrupted'} after {done} of {spec.budget.trials}"
        raise ConfigError(f"{rule} trials; finish it with {way}, or here with `--set budget.trials={done}`", file=place)
    if not ranked:
        counted = ", ".join(f"{count} {name}" for name, count in count_states(records).items() if count)
        rule = f"must have a complete trial, but has none ({counted}): there is no front to confirm"
        raise ConfigError(f"{rule}; see front/front.html for what became of them", file=place)
    front = build_front(spec, ledger.sweep_id, records)
    static = ledger.epochs(front.points[0].trial).get(0, {})
    cost, numbers = [costs(spec.objectives, record.metrics) for record in ranked.values()], list(ranked)
    near = near_neighbours(cost, [objective.metric not in static for objective in spec.objectives])
    chosen = [*(point.trial for point in front.points), *(numbers[index] for index in near)]
    for number in chosen:
        own_seed(spec, ranked[number].params)
    return {number: ranked[number] for number in chosen}


def _drive(job: Confirming, session: Session | None) -> Front:
    """Train round after round until nothing is wanted, then leave everything told."""
    sweep, repeats, path = job.sweep, job.repeats, job.sweep.folder.path
    hashes = {key: value for key, value in sweep.ledger.attrs().items() if key.endswith("_hash")}
    for key, value in {**hashes, "git_commit": git_commit(), "state": None, SEEDS: job.seeds}.items():
        repeats.ledger.set_attr(key, value)
    with closing(Tracker(path, sweep.spec.storage.tracking_uri)) as tracker:
        _retell(repeats, tracker, path)
        updates = RepeatUpdates(sweep.ledger, sweep.spec, path, tracker)
        delivery = start_delivery(path)
        try:
            ended = None
            while session is not None and job.begin_round():
                ended = _train(job, session, tracker, updates, delivery)
                if ended.stopping:
                    break
            return _end(job, ended, tracker, updates, delivery)
        finally:
            delivery.stop()


def _retell(repeats: Repeats, tracker: Tracker, path: Path) -> None:
    states = recorded_run_states(path)
    told = {n: states[key] for n in range(len(repeats.pairs)) if (key := repeats.run_key(n)) in states}
    retell(repeats.ledger, tracker, told, repeats.run_key)


def _train(
    job: Confirming, session: Session, tracker: Tracker, updates: RepeatUpdates, delivery: DeliveryHandle
) -> Conductor:
    """One round: train every repeat that has no final state."""
    repeats, spec = job.repeats, job.repeats.ledger.spec
    conductor = Conductor(repeats.ledger, spec, job.sweep.workload, repeats.folder, tracker, job.lock.session)
    conductor.home, conductor.run_of = job.sweep.folder.path, repeats.run_key
    watch = Watch(conductor, updates, job.lock, delivery, job.display)
    conductor.on_finish, conductor.fence = watch.finished, job.lock.check
    try:
        with job.display, Interrupts(conductor.stop):
            run_trials(conductor, watch, session.is_own)
    except KeyboardInterrupt:
        conductor.stop("interrupted twice")
    job.lock.check()
    watch.note_time()
    return conductor


def _end(
    job: Confirming, ended: Conductor | None, tracker: Tracker, updates: RepeatUpdates, delivery: DeliveryHandle
) -> Front:
    """Write the front, deliver while MLflow answers, and say how it ended; the sweep itself stays finished."""
    path, stopping = job.sweep.folder.path, ended.stopping if ended else None
    state = "failed" if ended and ended.failed else "interrupted" if stopping else "finished"
    job.repeats.ledger.set_attr("state", state)
    front = updates.write()
    tracker.sweep_finished("finished")
    wait_delivered(path, delivery, 0.0 if stopping == "interrupted twice" else PATIENCE_S)
    if stopping:
        command = f"{COMMAND} --seeds {job.seeds}"
        raise SweepStopped(state, stopping, path, what="confirmation", command=command)
    return front
