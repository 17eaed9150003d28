"""Keeps fronts, ranks and their records current while a sweep runs, for a small share of its time."""

from __future__ import annotations

import time
from pathlib import Path

from sweeps.definition.objectives import costs
from sweeps.definition.spec import SweepSpec
from sweeps.distillation.sounds import read_sounds
from sweeps.fronts.front import Front, build_front, place_in_front, trial_ranks
from sweeps.fronts.reference_models import noisy_input, read_references
from sweeps.page.report import write_front
from sweeps.pareto import GrowingFront
from sweeps.record.ledger import Ledger
from sweeps.record.trial_folder import TrialFolder
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.tracking.addresses import RunAddresses
from sweeps.tracking.delivery import run_ids, tracker_ids
from sweeps.tracking.tracker import Tracker
from sweeps.trust.confirmed_front import with_repeats
from sweeps.trust.full_budget import with_full_budget
from sweeps.trust.repeats import CONFIRM

MIN_INTERVAL_S = 5.0
MAX_SHARE = 0.008  # of the sweep's time; what is told with each trial comes on top, and 0.01 is promised


class FrontUpdates:
    """Follows finished trials: hypervolume at once, ranks and files every now and then."""

    def __init__(self, ledger: Ledger, spec: SweepSpec, folder: Path, tracker: Tracker) -> None:
        self._ledger, self._spec, self._folder, self._tracker = ledger, spec, folder, tracker
        self._growing = GrowingFront(spec.reference_costs)
        self._complete: dict[int, TrialRecord] = {}
        self._places: dict[int, tuple[float, ...]] = {}  # what each is sorted by
        self._front: tuple[TrialRecord, ...] | None = ()  # None: to be put in order again
        self._ranks: dict[int, int | None] = {}
        self._num_finished = 0
        self._is_stale, self._not_before = False, 0.0
        for record in sorted(ledger.records(), key=lambda r: r.finished or 0):
            if record.state.is_finished:
                self._count(record)

    @property
    def hypervolume(self) -> float:
        """Of all that has finished so far."""
        return self._growing.hypervolume

    @property
    def front(self) -> tuple[TrialRecord, ...]:
        """The trials on the front so far, in its order."""
        if self._front is None:
            on_front = sorted(self._places[number] for number in self._growing.labels)
            self._front = tuple(self._complete[int(number)] for *_, number in on_front)
        return self._front

    def finished(self, record: TrialRecord) -> None:
        """A trial has ended: its hypervolume is recorded, the rest follows with `refresh`."""
        if self._count(record):
            self._tracker.front(self._num_finished, self.hypervolume, len(self._growing))
        self._is_stale = True

    def refresh(self) -> None:
        """Write ranks and files, when something has changed and the last time is long enough ago."""
        started = time.monotonic()
        if self._is_stale and started >= self._not_before:
            self.write()
            self._not_before = time.monotonic() + max(MIN_INTERVAL_S, (time.monotonic() - started) / MAX_SHARE)

    def write(self) -> Front:
        """Write ranks and files now."""
        self._is_stale = False
        records = self._ledger.records()
        ranks = trial_ranks(records, self._spec.objectives)
        for record in records:
            rank = ranks.get(record.number)
            if record.state.is_finished and self._ranks.get(record.number, -1) != rank:
                self._ranks[record.number] = rank
                self._tracker.trial_rank(record.number, rank == 0, rank)
        front = write_front_of(self._folder, self._spec, self._ledger, records)
        self._tracker.front(self._num_finished, front.hypervolume, len(front.points))
        tell_artifacts(self._tracker, self._folder)
        return front

    def _count(self, record: TrialRecord) -> bool:
        """Take a finished trial in; true when the front's figures have changed."""
        self._num_finished += 1
        if record.state is TrialState.COMPLETE:
            self._growing.add(costs(self._spec.objectives, record.metrics), record.number)
            self._complete[record.number], self._front = record, None
            self._places[record.number] = place_in_front(record, self._spec.objectives)
            return True
        return self._num_finished == 1


class RepeatUpdates(FrontUpdates):
    """Follows repeats of a sweep that has ended: they change what is known of its points, not which they are."""

    def finished(self, record: TrialRecord) -> None:
        """A repeat has ended: its scores are kept, its training state has served."""
        TrialFolder(self._folder / CONFIRM, record.number).drop_checkpoints()
        self._is_stale = True

    def write(self) -> Front:
        """Write the files now."""
        self._is_stale = False
        front = write_front_of(self._folder, self._spec, self._ledger)
        tell_artifacts(self._tracker, self._folder)
        return front


def tell_artifacts(tracker: Tracker, folder: Path) -> None:
    """The front's files have changed: their content goes to the sweep's run."""
    for path in sorted((folder / "front").glob("front.*")):
        tracker.artifact(path.relative_to(folder))


def write_front_of(folder: Path, spec: SweepSpec, ledger: Ledger, records: list[TrialRecord] | None = None) -> Front:
    """Build the front from the ledger and write its files, with the run ids that MLflow has given so far."""
    records = ledger.records() if records is None else records
    uri, experiment_id, _ = tracker_ids(folder)
    addresses = RunAddresses(uri, experiment_id, run_ids(folder))
    searched = build_front(spec, ledger.sweep_id, records, addresses.run_ids)
    front = with_repeats(searched, folder, spec, records, addresses.run_ids)
    front = with_full_budget(front, folder, spec)
    measured = read_references(folder)
    listening = read_sounds(folder, [point.trial for point in front.points], [model.name for model in measured])
    others = [*noisy_input((folder / point.config).parent for point in front.points), *measured]
    front = front.model_copy(update={"references": tuple(others)})
    write_front(folder, front, records, spec, addresses=addresses, listening=listening)
    return front
