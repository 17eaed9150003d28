"""Train a front again with fresh seeds: what the search was lucky with shows, and what can be trusted."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.session import Session
from dfkd_core.errors import ConfigError
from sweeps.definition.objectives import costs
from sweeps.engine.deciding.inputs import INPUTS
from sweeps.engine.driving.checking import check_begun, check_unchanged
from sweeps.engine.driving.driver import Driver, Trials, outcome
from sweeps.engine.driving.front_updates import RepeatUpdates
from sweeps.engine.driving.mirroring import catch_up
from sweeps.engine.driving.preparing import locked, prepare, ray_for, tell_blind_nodes
from sweeps.engine.driving.recovery import deliver_owed, mend
from sweeps.fronts.front import Front, build_front, count_states, has_point
from sweeps.git_commit import git_commit
from sweeps.record.driver_lock import DriverLock
from sweeps.record.sweep import Sweep
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.sweep_state import SweepState, SweepStopped
from sweeps.record.trial_folder import TrialFolder
from sweeps.record.trials import TrialRecord
from sweeps.terminal.display import Display
from sweeps.terminal.notebook import display_here
from sweeps.tracking.delivery import recorded_run_states
from sweeps.trust.confirmed_front import with_repeats
from sweeps.trust.near_neighbours import near_neighbours
from sweeps.trust.repeats import SEEDS, Repeats, cost, own_seed, wanted_repeats
from sweeps.workload import Workload, domain_of

COMMAND = "front confirm"
IN_PYTHON = "confirm_front({path!r}, seeds=3, workload={name})"


@dataclass
class Confirming:
    """A finished sweep whose front is trained again: its candidates' records and its repeats."""

    sweep: Sweep
    repeats: Repeats
    seeds: int
    candidates: dict[int, TrialRecord]

    @property
    def params(self) -> dict[int, Mapping[str, Any]]:
        """The searched values of every trial of the search."""
        return {record.number: record.params for record in self.sweep.ledger.records()}

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
        spec, records = self.sweep.spec, self.sweep.ledger.records()
        searched = build_front(spec, self.sweep.ledger.sweep_id, records)
        front = with_repeats(searched, self.sweep.path, spec, records)  # with what is known by now
        probability = {point.trial: point.probability_on_front for point in front.repeated}
        return wanted_repeats(list(self.candidates), self.repeats.num_asked(), probability, self.seeds)


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
    folder, display = SweepFolder(path), display or display_here()
    folder.require()
    with locked(folder) as lock:
        catch_up(folder)
        sweep = Sweep.open(path)
        check_begun(sweep)
        workload = workload or folder.workload(IN_PYTHON)
        candidates = _candidates(sweep)
        begun = Repeats.find(folder.path, sweep.spec)
        if begun is not None:
            job = Confirming(sweep, begun, seeds, candidates)
            begun.enqueue(job.params)
            mend(begun.ledger, begun.folder, domain_of(workload))
            for record in begun.ledger.records():  # of a driver that died at it
                if record.state.is_finished:
                    TrialFolder(begun.folder, record.number).drop_checkpoints()
            if not (begun.num_waiting or job.wanted()):
                return deliver_owed(sweep) if begun.is_finished else _drive(job, workload, lock, None, display)
        asked, waiting = (begun.num_asked(), begun.waiting()) if begun else ({}, {})
        display.note(cost(sweep.ledger, list(candidates), asked, waiting, seeds).text())
        with ray_for(sweep.spec, folder, address, f"{COMMAND} --seeds {seeds}") as session:
            check_unchanged(sweep, prepare(sweep.spec, workload, display))
            tell_blind_nodes(folder, display)
            repeats = begun or Repeats.begin(folder.path, sweep.spec, workload)
            return _drive(Confirming(sweep, repeats, seeds, candidates), workload, lock, session, display)


def _candidates(sweep: Sweep) -> dict[int, TrialRecord]:
    """The front and its near neighbours, by number; ConfigError when there is nothing that can be confirmed."""
    spec, ledger = sweep.spec, sweep.ledger
    records = ledger.records()
    require_finished(sweep, records)
    ranked = {record.number: record for record in records if has_point(record, spec.objectives)}
    front = build_front(spec, ledger.sweep_id, records)
    static = ledger.epochs(front.points[0].trial).get(0, {})
    cost, numbers = [costs(spec.objectives, record.metrics) for record in ranked.values()], list(ranked)
    near = near_neighbours(cost, [objective.metric not in static for objective in spec.objectives])
    chosen = [*(point.trial for point in front.points), *(numbers[index] for index in near)]
    for number in chosen:
        own_seed(spec, ranked[number].params)
    return {number: ranked[number] for number in chosen}


def require_finished(sweep: Sweep, records: Sequence[TrialRecord]) -> None:
    """ConfigError when the sweep has not ended, or has no front."""
    ledger, place, spec = sweep.ledger, sweep.path, sweep.spec
    if ledger.state is not SweepState.FINISHED:
        done, way = ledger.num_finished(), f"`dfkd sweep resume {shlex.quote(str(place))}`"
        rule = f"must hold a finished sweep, but it is {ledger.state or SweepState.INTERRUPTED} after {done} of"
        remedy = f"finish it with {way}, or here with `--set budget.trials={done}`"
        raise ConfigError(f"{rule} {spec.budget}; {remedy}", file=place)
    if not any(has_point(record, spec.objectives) for record in records):
        counted = ", ".join(f"{count} {name}" for name, count in count_states(records).items() if count)
        rule = f"must have a complete trial, but has none ({counted}): there is no front to confirm"
        raise ConfigError(f"{rule}; see front/front.html for what became of them", file=place)


def _drive(
    job: Confirming, workload: type[Workload], lock: DriverLock, session: Session | None, display: Display
) -> Front:
    """Train round after round until nothing is wanted, then leave everything told; the sweep itself stays finished."""
    sweep, repeats, path = job.sweep, job.repeats, job.sweep.path
    hashes = {k: value for k, value in sweep.ledger.attrs().items() if k.endswith("_hash") or k.startswith(INPUTS)}
    for key, value in {**hashes, "git_commit": git_commit(), SEEDS: job.seeds}.items():
        repeats.ledger.set_attr(key, value)
    with Driver.at_work(sweep, workload, lock, display) as driver:
        states, keys = recorded_run_states(path), {n: repeats.run_key(n) for n in range(len(repeats.pairs))}
        recorded = {n: states[key] for n, key in keys.items() if key in states}
        trials = Trials(repeats.ledger, repeats.folder, repeats.run_key, recorded)
        driver.take_up(trials)
        updates = RepeatUpdates(sweep.ledger, sweep.spec, path, driver.tracker)
        state, stopping = SweepState.FINISHED, None
        while session is not None and stopping is None and job.begin_round():
            conductor = driver.work(trials, updates, session)
            state, stopping = outcome(conductor), conductor.stopping
        repeats.ledger.state = state
        front = updates.write()
        driver.tracker.sweep_finished(SweepState.FINISHED)
        driver.deliver()
        if stopping:
            command = f"{COMMAND} --seeds {job.seeds}"
            raise SweepStopped(state, stopping, path, what="confirmation", command=command)
        return front
