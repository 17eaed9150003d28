"""Decides what runs next and what becomes of every trial. Knows the ledger, not Ray."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from dfkd_core.base.key_paths import with_overrides
from dfkd_core.errors import ConfigError, DFKDError
from sweeps.definition.constraints import broken
from sweeps.definition.objectives import costs
from sweeps.engine.deciding.failures import Failure, FailureKind, in_words, may_retry
from sweeps.engine.deciding.faults import fault_of, plain, static_fault_of
from sweeps.engine.deciding.inputs import INPUTS, Inputs, run_tags, without_start
from sweeps.engine.deciding.last_hours import LastHours
from sweeps.engine.deciding.trial_log import TrialLog
from sweeps.record.ledger import KEPT_OUT, Ledger
from sweeps.record.trial_folder import TrialFolder
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.search.schedulers import StoppingRule, build_rule
from sweeps.tracking.credentials import scrub, secrets
from sweeps.tracking.run_key import RunKey
from sweeps.tracking.tracker import Tracker
from sweeps.workload import Workload, domain_of

MIN_JUDGED = 5  # finished trials before the share of failed ones can end a sweep
MAX_LATE = 8  # drawn trials that would not end in time, before nothing more is drawn
MAX_UNTRAINED = 50  # drawn trials in a row that cost no training, before the driver looks around

log = logging.getLogger(__name__)


@dataclass
class Assignment:
    """A trial to be worked on: its number, its resolved config and what is known of it before training."""

    number: int
    params: dict[str, Any]
    config: dict[str, Any] = field(default_factory=dict)
    parsed: Any = None  # the config as the domain knows it
    static: dict[str, float] = field(default_factory=dict)
    start_hash: str | None = None
    inputs: tuple[str, dict[str, str | None]] = ("", {})  # key and hashes of data and teacher that are not the base's
    where: dict[str, str] = field(default_factory=dict)  # node and device
    started: float | None = None  # by this driver, monotonic seconds; None while it waits for a worker


class Lock(Protocol):
    """What a conductor must know of its driver's lock."""

    @property
    def folder(self) -> Path:
        """Where it lies."""

    @property
    def session(self) -> str:
        """Identifies the driver."""

    def check(self) -> None:
        """Raise when this driver no longer holds the sweep."""


class Conductor:
    """The sweep's mind: one call per thing that can happen to a trial.

    Trials are those of `ledger`, with their files below `folder`; `run_of` gives a trial's run in the tracker,
    `left_s` the seconds that are left of the budget's hours, and `on_finish` hears of every trial that has ended.
    """

    def __init__(
        self,
        ledger: Ledger,
        workload: type[Workload],
        folder: Path,
        lock: Lock,
        tracker: Tracker,
        run_of: Callable[[int], int | RunKey],
        left_s: Callable[[], float],
        on_finish: Callable[[Conductor, TrialRecord], None],
    ) -> None:
        self.ledger, self.spec, self.folder, self.lock = ledger, ledger.spec, folder, lock
        self.workload, self.domain, self.tracker = workload, domain_of(workload), tracker
        self.run_of, self._on_finish = run_of, on_finish
        self._hidden = secrets()
        hashes = {key: value for key, value in ledger.attrs().items() if key.endswith("_hash") and value}
        self.inputs = Inputs(self.spec.config, self.spec.budget.epochs_per_trial, hashes)
        self._found = {key: value for key, value in ledger.attrs().items() if key.startswith(INPUTS)}
        self.live: dict[int, Assignment] = {}
        self.notes: deque[str] = deque()  # lines that nobody has shown yet
        self.kept_out: dict[str, str] = {}  # why nodes get no trials, by Ray's id
        self.stopping: str | None = None  # why no further epoch begins
        self.failed: str | None = None  # why the sweep was given up
        records = ledger.records()
        self.counts = Counter(record.state for record in records if record.state.is_finished)
        self._counts_before = Counter(self.counts)  # of earlier drivers
        self._waiting = deque(record.number for record in records if not record.state.is_finished)
        self._num_trials = len(records)
        self._rule: StoppingRule | None = None
        self.hours = LastHours(ledger, left_s)
        self.late: list[int] = []  # trials that would not end in time, and wait for a budget of more hours
        self.is_full = False  # nothing further would end in time, or be anything new; running trials finish
        self.is_used_up = False  # every configuration of the space has a trial; one that failed may begin again

    def next(self) -> Assignment | None:
        """The next trial to work on; None when there is nothing to begin at present.

        Towards the end of a budget of hours, of those that wait the ones that may reach the front come first.
        """
        self.lock.check()
        num_drawn_late = num_untrained = 0
        while not self.is_ending and not self.is_full and num_untrained < MAX_UNTRAINED:
            is_drawn = not self._waiting
            if self._waiting:
                number = self._waiting[0]
                if self.hours.counts:
                    number = next(filter(self.hours.may_reach_front, self._waiting), number)
                self._waiting.remove(number)
                assignment = Assignment(number, self.ledger.again(number))
            elif self._num_trials < self.spec.budget.most_trials and not self._note_used_up():
                self._num_trials += 1
                assignment = Assignment(*self.ledger.ask())
                TrialFolder(self.folder, assignment.number).discard()
            else:
                return None
            self.live[assignment.number] = assignment
            is_over = is_drawn and self.spec.budget.trials is None and self.ledger.is_repeat(assignment.number)
            if not self._may_train(assignment):
                num_untrained += 1
            elif not is_over and self.hours.is_in_time(assignment.number, assignment.static):
                return assignment
            else:
                del self.live[assignment.number]
                self.late.append(assignment.number)
                num_drawn_late += is_drawn
                self.is_full = is_over or num_drawn_late >= MAX_LATE
        return None

    @property
    def num_unbegun(self) -> int:
        """How many trials may still begin, or go on after an earlier attempt."""
        if self.is_ending or self.is_full:
            return 0
        return len(self._waiting) + (0 if self.is_used_up else max(0, self.spec.budget.most_trials - self._num_trials))

    @property
    def is_done(self) -> bool:
        """True when nothing is at work and nothing will be."""
        return not self.live and not self.num_unbegun

    @property
    def num_usable(self) -> int:
        """How many trials could be at work at once, if there were room for all; of a budget of hours twice as many."""
        limit = self.spec.resources.max_concurrent
        more = self.num_unbegun if self.spec.budget.trials is not None else min(self.num_unbegun, len(self.live) + 1)
        left = len(self.live) + more
        return left if limit is None else min(left, limit)

    @property
    def is_finished(self) -> bool:
        """True when the budget is used up: its trials have all ended, or nothing more would end within its hours."""
        return self.counts.total() >= self.spec.budget.most_trials or self.is_out_of_time

    @property
    def is_out_of_time(self) -> bool:
        """True when its hours have ended the sweep, or the want of anything new to try."""
        is_over = self.hours.left_s() <= 0 or self.is_full
        has_all = bool(self.late or self.is_used_up) and not self._waiting
        return (is_over or has_all) and not self.live and not self.stopping

    @property
    def is_ending(self) -> bool:
        """True when no further trial begins."""
        return bool(self.stopping) or self.hours.left_s() <= 0

    def must_wait(self, number: int) -> bool:
        """Whether a trial that no worker has taken up is not to begin any more."""
        assignment = self.live.get(number)
        late = assignment is not None and not self.hours.is_in_time(number, assignment.static)
        return self.is_ending or late

    def started(self, number: int) -> None:
        """A worker has taken the trial up."""
        self.lock.check()
        assignment = self.live[number]
        assignment.started = time.monotonic()
        self.hours.began(number, time.time())
        self.ledger.start(number, self.lock.session)
        self._tell_start(assignment)

    def report(
        self, number: int, epoch: int, reported: Mapping[str, Any], where: Mapping[str, str] | None = None
    ) -> bool:
        """An epoch has ended, on the node and device of `where`; returns whether the trial goes on."""
        assignment = self.live.get(number)
        if assignment is None:
            return False
        self.lock.check()
        fault = fault_of(self.spec.objectives, {**assignment.static, **reported})
        if fault:
            self._finish(number, TrialState.FAILED, fault)
            return False
        metrics = plain({**assignment.static, **reported})
        time_s = self.ledger.record_epoch(number, epoch, metrics)
        self.hours.epoch_ended(number, assignment.static, time_s)
        self.tracker.trial_epoch(self.run_of(number), epoch, metrics, time_s)
        if where and where != assignment.where:
            assignment.where = dict(where)
            self._tell_start(assignment)
        if epoch >= self.spec.budget.epochs_per_trial:
            missing = [f"constraint {str(c)!r}" for c in self.spec.constraints if c.metric not in metrics]
            state = TrialState.INFEASIBLE if broken(self.spec.constraints, metrics) else TrialState.COMPLETE
            why = f"{missing[0]} names a metric that was never reported" if missing else None
            self._finish(number, TrialState.FAILED if missing else state, why)
            return False
        if self._should_stop_early(number, epoch, metrics) and not self._is_worth_ending(assignment):
            self._finish(number, TrialState.PRUNED, None)
            return False
        if self.stopping:
            del self.live[number]
            return False
        return True

    def fail(self, number: int, failure: Failure) -> None:
        """An attempt has ended badly: try again where that is allowed, else the trial is FAILED.

        A full disk ends the sweep, and a resume takes the trial up again. A node that has not what the sweep began
        with gets no further trial, and this one goes elsewhere.
        """
        if number not in self.live:
            return
        self.lock.check()
        if failure.kind is FailureKind.NODE_DIFFERS:
            self._requeue(number)
            self._keep_out(failure)
            return
        if failure.kind is FailureKind.DISK_FULL:  # every other trial would fail in the same way
            del self.live[number]
            self.failed = self.failed or f"trial {number} had no room to write ({failure.reason}); free some disk space"
            self.stop(self.failed)
            return
        count = self.ledger.note_event(number, failure.kind, scrub(in_words(failure.reason), self._hidden))
        deaths = [event["epochs"] for event in self.ledger.events(number, failure.kind)]
        if may_retry(failure.kind, deaths, self.spec.failures):
            self._requeue(number)
        else:
            tries = f" (attempt {count})" if count > 1 else ""
            self._finish(number, TrialState.FAILED, f"{failure.reason}{tries}")

    def overdue(self, now: float) -> list[int]:
        """Trials that this driver has worked on for longer than `trial_timeout_s`."""
        limit = self.spec.failures.trial_timeout_s
        return [n for n, a in self.live.items() if limit and a.started is not None and now - a.started > limit]

    def withdraw(self, number: int) -> None:
        """Take back a trial that no worker has taken up; once the sweep is ending it waits for a later driver."""
        if number in self.live and self.live[number].started is None:
            self._requeue(number)

    def stop(self, reason: str) -> None:
        """No further trial begins, and running ones end after their epoch, to be gone on with later."""
        self.stopping = self.stopping or reason

    def _note_used_up(self) -> bool:
        """Look, and tell it once, whether every configuration of the space has a trial."""
        if not self.is_used_up and self.ledger.is_used_up:
            self.is_used_up = True
            self.notes.append(f"every configuration of the space has been tried, in {self._num_trials} trials")
        return self.is_used_up

    def _requeue(self, number: int) -> None:
        del self.live[number]
        self._waiting.appendleft(number)

    def _keep_out(self, failure: Failure) -> None:
        """Tell of a node once."""
        if failure.node not in self.kept_out:
            self.kept_out[failure.node] = scrub(in_words(failure.reason), self._hidden)
            self.ledger.set_attr(KEPT_OUT, self.kept_out)
            log.warning("no trials for %s", self.kept_out[failure.node])

    def _may_train(self, assignment: Assignment) -> bool:
        """Build the trial's config and judge what is known before training; false when that ends the trial."""
        fault = self._know(assignment)
        if assignment.static:
            self.ledger.record_epoch(assignment.number, 0, assignment.static)
        fault = fault or static_fault_of(self.spec.objectives, assignment.static)
        if not fault and not broken(self.spec.constraints, assignment.static):
            return True
        self.started(assignment.number)
        self._finish(assignment.number, TrialState.FAILED if fault else TrialState.INFEASIBLE, fault)
        return False

    def _know(self, assignment: Assignment) -> str | None:
        """Fill in what is known of a trial before training, and make its folder; returns why it cannot be trained."""
        files = TrialFolder(self.folder, assignment.number)
        assignment.config = with_overrides(self.spec.config, assignment.params)
        try:
            assignment.parsed = config = self.domain.trial_config(assignment.config, self.spec.budget.epochs_per_trial)
            assignment.config = self.domain.dump(config)
            files.create(assignment.config)
            assignment.static = plain(self.domain.static_metrics(self.workload, config))
            assignment.start_hash, assignment.inputs = self._start_of(config), self._inputs_of(config)
        except ConfigError as error:
            files.create(assignment.config)
            return f"the drawn config breaks a rule: {error}"
        except (Exception, SystemExit) as error:  # the workload's own code: anything may go wrong there
            with TrialLog(files.path / "log.txt") as log:
                return f"static_metrics raised {log.note_exception(error)}"
        return None

    def _inputs_of(self, config: Any) -> tuple[str, dict[str, str | None]]:
        """Key and hashes of a trial's data and teacher, where these are searched: no node was asked for them so far."""
        key = self.domain.input_key(config)
        if not key or not self.inputs.hashes or key == self._base_key:
            return "", {}
        try:
            return key, without_start(self._first_found(key, lambda: self.domain.hashes(config)))
        except ConfigError:
            raise
        except (DFKDError, OSError) as error:
            raise ConfigError(f"must name data and a teacher that can be read here, but {error}") from error

    def _start_of(self, config: Any) -> str | None:
        """The hash of what a trial begins with: that of the first trial that began so."""
        found = self.domain.start_hash(config)
        if found is None:
            return None
        key = json.dumps([self.domain.start_name(config), self.domain.input_key(config)])
        return self._first_found(key, lambda: {"start_hash": found})["start_hash"]

    def _first_found(self, key: str, find: Callable[[], dict[str, str | None]]) -> dict[str, str | None]:
        """Hashes as the ledger has them, which asks this machine when it has none: a later driver finds the same."""
        name = INPUTS + hashlib.sha256(key.encode()).hexdigest()[:32]
        if name not in self._found:
            self._found[name] = find()
            self.ledger.set_attr(name, self._found[name])
        return dict(self._found[name])

    @cached_property
    def _base_key(self) -> str:
        config = self.domain.trial_config(self.spec.config, self.spec.budget.epochs_per_trial)
        return self.domain.input_key(config)

    def _tell_start(self, assignment: Assignment) -> None:
        self.ledger.note_tags(assignment.number, {**assignment.inputs[1], **assignment.where})
        run = self.run_of(assignment.number)
        self.tracker.trial_started(run, assignment.params, run_tags(self.ledger, assignment.number))

    def _finish(self, number: int, state: TrialState, reason: str | None) -> None:
        """Write a trial's end into ledger, folder and spool, in this order; too many failed ones end the sweep."""
        parsed = self.live.pop(number).parsed
        metrics = self.ledger.record(number).metrics
        violations = {str(c): c.violation(metrics) for c in self.spec.constraints if c.metric in metrics}
        if state is TrialState.INFEASIBLE:
            reason = "breaks " + ", ".join(str(c) for c in broken(self.spec.constraints, metrics))
        said = None if reason is None else scrub(in_words(reason), self._hidden)
        self.ledger.finish(number, state, reason=said, violations=violations)
        record = self.ledger.record(number)
        TrialFolder(self.folder, number).finish(record, self.domain, lambda: parsed)
        run, how = self.run_of(number), (record.fidelity, record.reason, record.metrics)
        self.tracker.trial_finished(run, state, *how, time_s=record.finished)
        self.counts[state] += 1
        since = self.counts - self._counts_before  # an earlier driver's failures may be mended by now
        finished, num_failed = since.total(), since[TrialState.FAILED]
        limit = self.spec.failures.max_failed_share
        if finished >= MIN_JUDGED and num_failed > limit * finished and not self.failed:
            rule = f"{num_failed} of {finished} trials failed, more than failures.max_failed_share {limit:g}"
            self.failed = f"{rule}; the last: {said:.200} (a resume with --retry-failed tries them again)"
            self.stop(self.failed)
        self._on_finish(self, record)

    def _is_worth_ending(self, assignment: Assignment) -> bool:
        """Whether a trial that the stopping rule would end goes on, since its worker has nothing better to do."""
        number = assignment.number
        is_idle = (self.is_full or self.is_used_up) and self.hours.counts
        return is_idle and self.hours.is_in_time(number, assignment.static) and self.hours.may_reach_front(number)

    def _should_stop_early(self, number: int, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Ask the stopping rule, which first hears all that trials (also of earlier drivers) have shown."""
        objectives, config = self.spec.objectives, self.spec.scheduler
        if self._rule is None:
            static = tuple(objective.metric in self.live[number].static for objective in objectives)
            setting = (self.spec.reference_costs, static, self.spec.budget.epochs_per_trial)
            rungs = (config.reduction_factor, config.min_epochs)
            self._rule = build_rule(config.name, *setting, *rungs, self.ledger.is_scarce)
            if self._rule is None:
                return False
            for record in self.ledger.records():
                for past, reported in self.ledger.epochs(record.number).items():
                    if past > 0:
                        self._rule.note(record.number, past, costs(objectives, reported))
        return self._rule.should_stop(number, epoch, costs(objectives, metrics))
