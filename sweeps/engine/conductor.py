"""Decides what runs next and what becomes of every trial. Knows the ledger, not Ray."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dfkd_core.config import with_overrides
from dfkd_core.errors import ConfigError
from sweeps.definition.constraints import broken
from sweeps.definition.objectives import costs
from sweeps.definition.spec import SweepSpec
from sweeps.engine.failures import Failure, FailureKind
from sweeps.engine.faults import fault_of, plain, static_fault_of
from sweeps.engine.trial_log import TrialLog
from sweeps.record.ledger import Ledger
from sweeps.record.trial_folder import TrialFolder
from sweeps.record.trials import TrialState
from sweeps.search.pareto_asha import ParetoASHA
from sweeps.tracking.credentials import scrub, secrets
from sweeps.tracking.run_key import RunKey
from sweeps.tracking.tracker import Tracker
from sweeps.workload import Workload, domain_of

MIN_JUDGED = 5  # finished trials before the share of failed ones can end a sweep
MAX_DEATHS_IN_PLACE = 3  # lost workers in a row without an epoch in between


@dataclass
class Assignment:
    """A trial to be worked on: its number, its resolved config and what is known of it before training."""

    number: int
    config: dict[str, Any]
    static: dict[str, float] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)  # node and device
    started: float | None = None  # by this driver, monotonic seconds; None while it waits for a worker


class Conductor:
    """The sweep's mind: one call per thing that can happen to a trial."""

    def __init__(
        self, ledger: Ledger, spec: SweepSpec, workload: type[Workload], folder: Path, tracker: Tracker, session: str
    ) -> None:
        self.ledger, self.spec, self.folder, self.tracker = ledger, spec, folder, tracker
        self.workload, self.domain, self.session = workload, domain_of(workload), session
        self.on_finish: Callable[[int, TrialState], None] = lambda number, state: None
        self.fence: Callable[[], None] = lambda: None  # raises when this driver no longer holds the sweep
        self.home = folder  # where the driver's lock lies
        self.run_of: Callable[[int], int | RunKey] = lambda number: number  # a trial's run in the tracker
        self._hidden = secrets()
        self.live: dict[int, Assignment] = {}
        self.stopping: str | None = None  # why no further epoch begins
        self.failed: str | None = None  # why the sweep was given up
        records = ledger.records()
        self.counts = Counter(record.state for record in records if record.state.is_finished)
        self._waiting = deque(record.number for record in records if not record.state.is_finished)
        self._num_trials = len(records)
        self._asha: ParetoASHA | None = None
        self.closed = False  # no further trial begins; running ones finish

    def next(self) -> Assignment | None:
        """The next trial to work on; None when there is nothing to begin at present."""
        self.fence()
        while not self.is_ending:
            drawn = self._draw()
            if drawn is None:
                return None
            assignment = self._prepare(*drawn)
            if assignment is not None:
                self.live[assignment.number] = assignment
                return assignment
        return None

    @property
    def is_done(self) -> bool:
        """True when nothing is at work and nothing will be."""
        if self.live:
            return False
        exhausted = not self._waiting and self._num_trials >= self.spec.budget.trials
        return self.is_ending or exhausted

    @property
    def is_finished(self) -> bool:
        """True when the budget is used up: its trials have all ended, or its hours have passed."""
        is_late = self.closed and not self.live and not self.stopping
        return self.counts.total() >= self.spec.budget.trials or is_late

    @property
    def is_ending(self) -> bool:
        """True when no further trial begins."""
        return bool(self.stopping or self.closed)

    def started(self, number: int) -> None:
        """A worker has taken the trial up."""
        self.fence()
        assignment = self.live[number]
        assignment.started = time.monotonic()
        self.ledger.start(number, self.session)
        self._tell_start(assignment)

    def report(
        self, number: int, epoch: int, reported: Mapping[str, Any], where: Mapping[str, str] | None = None
    ) -> bool:
        """An epoch has ended, on the node and device of `where`; returns whether the trial goes on."""
        assignment = self.live.get(number)
        if assignment is None:
            return False
        self.fence()
        fault = fault_of(self.spec.objectives, {**assignment.static, **reported})
        if fault:
            self._finish(number, TrialState.FAILED, fault)
            return False
        metrics = plain({**assignment.static, **reported})
        time_s = self.ledger.record_epoch(number, epoch, metrics)
        self.tracker.trial_epoch(self.run_of(number), epoch, metrics, time_s)
        self._note_place(assignment, where or {})
        if epoch >= self.spec.budget.epochs_per_trial:
            self._complete(number, metrics)
            return False
        if self._should_stop_early(number, epoch, metrics):
            self._finish(number, TrialState.PRUNED, None)
            return False
        if self.stopping:
            del self.live[number]
            return False
        return True

    def fail(self, number: int, failure: Failure) -> None:
        """An attempt has ended badly: try again where that is allowed, else the trial is FAILED."""
        if number not in self.live:
            return
        self.fence()
        if failure.kind is FailureKind.DISK_FULL:
            self._wait_for_room(number, failure)
            return
        count = self.ledger.note_event(number, failure.kind, scrub(failure.reason, self._hidden))
        if self._may_retry(number, failure.kind, count):
            del self.live[number]
            self._waiting.appendleft(number)
        else:
            tries = f" (attempt {count})" if count > 1 else ""
            self._finish(number, TrialState.FAILED, f"{failure.reason}{tries}")

    def _wait_for_room(self, number: int, failure: Failure) -> None:
        """Every other trial would fail in the same way: the sweep ends, and a resume takes this one up again."""
        del self.live[number]
        self.failed = self.failed or f"trial {number} had no room to write ({failure.reason}); free some disk space"
        self.stop(self.failed)

    def overdue(self, now: float) -> list[int]:
        """Trials that this driver has worked on for longer than `trial_timeout_s`."""
        limit = self.spec.failures.trial_timeout_s
        return [n for n, a in self.live.items() if limit and a.started is not None and now - a.started > limit]

    def withdraw(self, number: int) -> None:
        """Take back a trial that no worker has taken up: it waits for a later driver."""
        if number in self.live and self.live[number].started is None:
            del self.live[number]

    def stop(self, reason: str) -> None:
        """No further trial begins, and running ones end after their epoch, to be gone on with later."""
        self.stopping = self.stopping or reason

    def _draw(self) -> tuple[int, dict[str, Any]] | None:
        if self._waiting:
            number = self._waiting.popleft()
            return number, self.ledger.again(number)
        if self._num_trials >= self.spec.budget.trials:
            return None
        self._num_trials += 1
        return self.ledger.ask()

    def _prepare(self, number: int, params: dict[str, Any]) -> Assignment | None:
        """Build the trial's config and judge what is known before training; None when that ends the trial."""
        assignment = Assignment(number, with_overrides(self.spec.config, params), params=params)
        fault = self._know(assignment)
        if assignment.static:
            self.ledger.record_epoch(number, 0, assignment.static)
        fault = fault or static_fault_of(self.spec.objectives, assignment.static)
        if fault:
            self._refuse(assignment, TrialState.FAILED, fault)
        elif broken(self.spec.constraints, assignment.static):
            self._refuse(assignment, TrialState.INFEASIBLE, None)
        else:
            return assignment
        return None

    def _know(self, assignment: Assignment) -> str | None:
        """Fill in what is known of a trial before training, and make its folder; returns why it cannot be trained."""
        files = TrialFolder(self.folder, assignment.number)
        try:
            epochs = self.spec.budget.epochs_per_trial
            assignment.config = self.domain.trial_config(assignment.config, epochs)
            files.create(assignment.config)
            assignment.static = plain(self.workload.static_metrics(assignment.config))
        except ConfigError as error:
            files.create(assignment.config)
            return f"the drawn config breaks a rule: {error}"
        except Exception as error:  # the workload's own code: anything may go wrong there
            with TrialLog(files.path / "log.txt") as log:
                return f"static_metrics raised {log.note_exception(error)}"
        return None

    def _refuse(self, assignment: Assignment, state: TrialState, reason: str | None) -> None:
        self.live[assignment.number] = assignment
        self.started(assignment.number)
        self._finish(assignment.number, state, reason)

    def _note_place(self, assignment: Assignment, where: Mapping[str, str]) -> None:
        """Tell the tracker where the trial runs, when that has changed."""
        if where and where != assignment.where:
            assignment.where = dict(where)
            self._tell_start(assignment)

    def _tell_start(self, assignment: Assignment) -> None:
        where = {f"dfkd.{key}": value for key, value in assignment.where.items()}
        run = self.run_of(assignment.number)
        self.tracker.trial_started(run, assignment.params, {**sweep_tags(self.ledger), **where})

    def _complete(self, number: int, metrics: Mapping[str, float]) -> None:
        missing = [str(c) for c in self.spec.constraints if c.metric not in metrics]
        if missing:
            self._finish(number, TrialState.FAILED, f"constraint {missing[0]!r} names a metric that was never reported")
            return
        state = TrialState.INFEASIBLE if broken(self.spec.constraints, metrics) else TrialState.COMPLETE
        self._finish(number, state, None)

    def _finish(self, number: int, state: TrialState, reason: str | None) -> None:
        """Write a trial's end into ledger, folder and spool, in this order."""
        del self.live[number]
        metrics = self.ledger.record(number).metrics
        violations = {str(c): c.violation(metrics) for c in self.spec.constraints if c.metric in metrics}
        if state is TrialState.INFEASIBLE:
            reason = "breaks " + ", ".join(str(c) for c in broken(self.spec.constraints, metrics))
        self.ledger.finish(number, state, reason=scrub(reason, self._hidden), violations=violations)
        record = self.ledger.record(number)
        TrialFolder(self.folder, number).finish(record, self.domain)
        told = (record.fidelity, record.reason, record.metrics)
        self.tracker.trial_finished(self.run_of(number), state, *told, time_s=record.finished)
        self.counts[state] += 1
        self._judge_failures()
        self.on_finish(number, state)

    def _judge_failures(self) -> None:
        finished, num_failed = self.counts.total(), self.counts[TrialState.FAILED]
        limit = self.spec.failures.max_failed_share
        if finished >= MIN_JUDGED and num_failed > limit * finished and not self.failed:
            self.failed = f"{num_failed} of {finished} trials failed, more than failures.max_failed_share {limit:g}"
            self.stop(self.failed)

    def _may_retry(self, number: int, kind: FailureKind, count: int) -> bool:
        if kind in (FailureKind.ERROR, FailureKind.OUT_OF_MEMORY):
            return count <= self.spec.failures.max_retries
        if kind is not FailureKind.LOST or count > self.spec.failures.max_lost_nodes:
            return False
        deaths = [event["epochs"] for event in self.ledger.events(number, kind)[-MAX_DEATHS_IN_PLACE:]]
        return len(deaths) < MAX_DEATHS_IN_PLACE or len(set(deaths)) > 1

    def _should_stop_early(self, number: int, epoch: int, metrics: Mapping[str, float]) -> bool:
        if self.spec.scheduler.name == "none":
            return False
        if self._asha is None:
            self._asha = self._rule(self.live[number])
        return self._asha.should_stop(number, epoch, costs(self.spec.objectives, metrics))

    def _rule(self, assignment: Assignment) -> ParetoASHA:
        """The stopping rule, with all that earlier trials (also of earlier drivers) have shown at its rungs."""
        objectives, config = self.spec.objectives, self.spec.scheduler
        static = tuple(objective.metric in assignment.static for objective in objectives)
        num_epochs = self.spec.budget.epochs_per_trial
        rule = ParetoASHA(self.spec.reference_costs, static, num_epochs, config.reduction_factor, config.min_epochs)
        for record in self.ledger.records():
            for epoch, metrics in self.ledger.epochs(record.number).items():
                if epoch > 0:
                    rule.note(record.number, epoch, costs(objectives, metrics))
        return rule


def sweep_tags(ledger: Ledger) -> dict[str, str]:
    """What every run of a sweep carries: the hashes of its data and teacher, and the code's commit."""
    recorded = ledger.attrs()
    return {f"dfkd.{key}": recorded[key] for key in ("data_hash", "teacher_hash", "git_commit") if recorded.get(key)}
