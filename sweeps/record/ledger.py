"""The one truth about trials: an Optuna study whose trials carry the states of the contract.

A trial's number in the sweep is its number in the study minus the warm-start trials in front of it.
"""

from __future__ import annotations

import math
import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Self

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial
from optuna.trial import TrialState as StudyState

from dfkd_core.errors import ConfigError, DFKDError
from search_spaces.space import Space
from sweeps.definition.spec import SweepSpec
from sweeps.record.facts import fault_of_facts
from sweeps.record.journal import DurableJournal
from sweeps.record.sweep_state import SweepState
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.search.history import Outlook, Turnout, trial_at
from sweeps.search.samplers import Experience, build_sampler

JOURNAL = "ledger.journal"
EPOCH = "epoch:"  # user attributes: one per finished epoch, holding its metrics
TIME = "$time"  # and, among them, when it was first noted
STATE = "state"  # of the study
WARM_START = "warm_start"  # of the study: how many trials in front are another sweep's
KEPT_OUT = "kept_out"  # of the study: why nodes get no trials of the driver at work, or got none of the last, by node
SERVED_NODES = "served/"  # of the study, one each: what nodes were given that lacked what trials read, and its cost
DASHBOARD = "dashboard"  # of the study: where the last driver's cluster is looked at
OUTCOME, SESSION, STARTED, EVENT = "outcome", "session", "started", "event:"
VALUES = "values"  # of a trial: what was drawn, by key path; its parameters hold ranks of a list, which may grow
TAGS = "tags"  # of a trial: data and teacher where these are its own, and the node that told of its last epoch
RETRY_OF = "retry_of"  # of a trial: the number of a failed one whose values it tries again
STOPPED = "stopped early"  # the constraint that tells TPE not to take a pruned trial for a good one

optuna.logging.set_verbosity(optuna.logging.WARNING)

Told = tuple[dict[str, Any], dict[str, float]]  # the study's parameters, and the metrics they led to


class Ledger:
    """Numbers, states, params, metrics and reasons of every trial of one sweep."""

    def __init__(self, study: optuna.Study, spec: SweepSpec, folder: Path) -> None:
        self.study, self.spec, self._folder = study, spec, folder
        self._space = Space.parse(spec.space)
        self._turnout, self._ended = Turnout(), Counter[StudyState]()
        self._outlook = Outlook(
            self._space,
            spec.budget.epochs_per_trial,
            spec.reference_costs,
            self._curves_of,
            STOPPED,
            num_others=self.attrs().get(WARM_START, 0),
        )

    @classmethod
    def create(cls, folder: Path, spec: SweepSpec, sweep_id: str, told: Sequence[Told] = ()) -> Self:
        """Begin a new ledger; directions are those of the costs, so every objective is minimised on its scale.

        `told` is told to the study as complete trials in front of the sweep's own.
        """
        study = optuna.create_study(
            storage=_storage(folder, spec),
            study_name=sweep_id,
            directions=[StudyDirection.MINIMIZE] * len(spec.objectives),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study.set_metric_names([objective.cost_name for objective in spec.objectives])
        ledger = cls(study, spec, folder)
        for params, metrics in told:
            study.enqueue_trial(dict(params))
            trial = study.ask()
            ledger._space.suggest(trial)
            study.tell(trial, [objective.cost(metrics[objective.metric]) for objective in spec.objectives])
        study.set_user_attr(WARM_START, len(told))
        ledger._outlook.num_others = len(told)
        for point in spec.evaluate_first:
            ledger.enqueue(point)
        return ledger

    @classmethod
    def open(cls, folder: Path, spec: SweepSpec, sweep_id: str) -> Self:
        """Read an existing ledger; DFKDError when it is damaged."""
        try:
            study = optuna.load_study(storage=_storage(folder, spec), study_name=sweep_id)
        except (LookupError, ValueError, TypeError, AttributeError, AssertionError) as error:  # Optuna, at damage
            text = f"{folder}: the ledger cannot be read ({type(error).__name__}: {error}); restore it from a backup"
            raise DFKDError(text) from error
        return cls(study, spec, folder)

    def copied(self, sweep_id: str) -> Ledger:
        """A ledger of the same trials under another id, in the same storage."""
        storage = _storage(self._folder, self.spec)
        optuna.copy_study(
            from_study_name=self.sweep_id, from_storage=storage, to_storage=storage, to_study_name=sweep_id
        )
        return Ledger.open(self._folder, self.spec, sweep_id)

    @property
    def _offset(self) -> int:
        return self._outlook.num_others

    def attrs(self) -> dict[str, Any]:
        """What is recorded of the sweep itself (hashes, state, hours spent); DFKDError when that is damaged."""
        attrs = dict(self.study.user_attrs)
        if fault := fault_of_facts(attrs):
            raise DFKDError(f"{self._folder}: {fault}; restore it from a backup")
        return attrs

    def set_attr(self, key: str, value: Any) -> None:
        """Record a fact about the sweep itself."""
        self.study.set_user_attr(key, value)

    @property
    def state(self) -> SweepState | None:
        """How the last driver left the sweep; None while one is at work, and when it died at that."""
        state = self.study.user_attrs.get(STATE)
        return next((known for known in SweepState if known == state), None)

    @state.setter
    def state(self, state: SweepState | None) -> None:
        self.set_attr(STATE, state)

    @property
    def sweep_id(self) -> str:
        """The study's name."""
        return str(self.study.study_name)

    def enqueue(self, point: Mapping[str, Any], **attrs: Any) -> None:
        """Add a waiting trial with given values, by key path."""
        self.study.enqueue_trial(self._space.encode(point), user_attrs=attrs)

    def failed(self) -> list[TrialRecord]:
        """FAILED trials that have not been tried again under another number."""
        again = {trial.user_attrs.get(RETRY_OF) for trial in self._all()}
        return [r for r in self.records() if r.state is TrialState.FAILED and r.params and r.number not in again]

    def retry(self, record: TrialRecord) -> None:
        """Add a waiting trial with a failed one's values: a trial that has ended keeps its number and its state."""
        self.enqueue(record.params, **{RETRY_OF: record.number})

    def num_finished(self) -> int:
        """How many trials have reached a final state."""
        self._look()
        return self._ended.total() - self._offset

    def ask(self) -> tuple[int, dict[str, Any]]:
        """A new trial: its number and the searched values, by key path."""
        self._look()
        self.study.sampler = self._sampler(self._turnout.num_seen)
        return self._suggest(self.study.ask())

    def again(self, number: int) -> dict[str, Any]:
        """The values of an unfinished trial; those already drawn are returned as they were drawn."""
        self._look()
        self.study.sampler = self._sampler(number + self._offset)
        frozen = self._frozen(number + self._offset)
        if frozen.state is StudyState.WAITING:  # of evaluate_first; study.ask() would take the first of them
            self.study._storage.set_trial_state_values(frozen._trial_id, StudyState.RUNNING)
        return self._suggest(self._trial(number))[1]

    def start(self, number: int, session: str) -> None:
        """Note that a driver has put the trial to work; the first start's time stays."""
        trial = self._trial(number)
        trial.set_user_attr(SESSION, session)
        if STARTED not in trial.user_attrs:
            trial.set_user_attr(STARTED, time.time())

    def record_epoch(self, number: int, epoch: int, metrics: Mapping[str, float]) -> float:
        """Note one finished epoch and all that it reported; returns when it was first noted, seconds since 1970.

        An epoch that is reported again, by a trial taken up from its checkpoint, keeps its time: what is told of it
        is the same and not a second event.
        """
        frozen, key = self._frozen(number + self._offset), f"{EPOCH}{epoch}"
        known = frozen.user_attrs.get(key, {})
        noted = {**metrics, TIME: known.get(TIME, time.time())}
        if noted != known:
            self._trial(number).set_user_attr(key, noted)
        return float(noted[TIME])

    def note_tags(self, number: int, tags: Mapping[str, str | None]) -> None:
        """Note what is told of a trial beside its results; none at all leaves what is there."""
        if tags and tags != self.tags(number):
            self._trial(number).set_user_attr(TAGS, dict(tags))

    def tags(self, number: int) -> dict[str, str | None]:
        """What was noted last."""
        return dict(self._frozen(number + self._offset).user_attrs.get(TAGS, {}))

    def note_event(self, number: int, kind: str, reason: str) -> int:
        """Note a failure that was forgiven; returns how many of its kind there are now."""
        trial = self._trial(number)
        count = 1 + len([key for key in trial.user_attrs if key.startswith(f"{EVENT}{kind}:")])
        event = {"reason": reason, "time": time.time(), "epochs": _last_epoch(trial.user_attrs)[1]}
        trial.set_user_attr(f"{EVENT}{kind}:{count}", event)
        return count

    def events(self, number: int, kind: str) -> list[dict[str, Any]]:
        """The forgiven failures of one kind, in order."""
        attrs, prefix = self._trial(number).user_attrs, f"{EVENT}{kind}:"
        counts = sorted(int(key.removeprefix(prefix)) for key in attrs if key.startswith(prefix))
        return [attrs[f"{prefix}{count}"] for count in counts]

    def finish(
        self,
        number: int,
        state: TrialState,
        *,
        reason: str | None = None,
        violations: Mapping[str, float] | None = None,
    ) -> None:
        """Give a trial its final state: decided first, then told to the study; what dies in between is settled later.

        COMPLETE and measured INFEASIBLE trials are told with their costs, PRUNED and static INFEASIBLE ones as
        pruned with a constraint, FAILED ones as failed.
        """
        trial = self._trial(number)
        outcome = {"state": str(state), "reason": reason, "violations": dict(violations or {}), "time": time.time()}
        trial.set_user_attr(OUTCOME, outcome)
        self._tell(trial, outcome)

    def settle(self) -> None:
        """Tell the study what a driver had decided when it died; only the sweep's driver may call this."""
        for frozen in self._all()[self._offset :]:
            outcome = frozen.user_attrs.get(OUTCOME)
            if outcome and not frozen.state.is_finished():
                self._tell(Trial(self.study, frozen._trial_id), outcome)

    def _tell(self, trial: Trial, outcome: Mapping[str, Any]) -> None:
        metrics, epochs = _last_epoch(trial.user_attrs)
        state, constraints = TrialState(outcome["state"]), dict(outcome["violations"])
        if state is TrialState.PRUNED:
            constraints[STOPPED] = 1.0 - epochs / (self.spec.budget.epochs_per_trial + 1)
        for name in constraints.keys() - self._frozen(trial.number).constraints.keys():
            trial.set_constraint(name, constraints[name])
        if state is TrialState.FAILED:
            self.study.tell(trial, state=StudyState.FAIL)
        elif state is TrialState.PRUNED or epochs < self.spec.budget.epochs_per_trial:
            self.study.tell(trial, state=StudyState.PRUNED)
        else:
            self.study.tell(trial, values=[o.cost(metrics[o.metric]) for o in self.spec.objectives])

    def records(self, session: str | None = None) -> list[TrialRecord]:
        """Every trial, by number; unfinished ones are RUNNING when `session` has started them, else WAITING."""
        return [self._record(trial, session) for trial in self._all()[self._offset :]]

    def record(self, number: int) -> TrialRecord:
        """One trial."""
        return self._record(self._frozen(number + self._offset), None)

    def epochs(self, number: int) -> dict[int, dict[str, float]]:
        """All reported epochs of a trial, in order."""
        return _epochs(self._trial(number).user_attrs)

    def epoch_times(self, number: int) -> dict[int, float]:
        """When each epoch was first noted, in seconds since 1970; of older ledgers nothing."""
        noted = _noted(self._trial(number).user_attrs)
        return {epoch: values[TIME] for epoch, values in noted.items() if TIME in values}

    def epoch_s(self, number: int) -> float | None:
        """The median time between a trial's epochs, in seconds; None where it is not known."""
        noted, started = self.epoch_times(number), self._trial(number).user_attrs.get(STARTED)
        times = [*([] if started is None else [started]), *(noted[epoch] for epoch in sorted(noted) if epoch > 0)]
        return median(b - a for a, b in pairwise(times)) if len(times) > 1 else None

    def is_repeat(self, number: int) -> bool:
        """Whether the sweep has tried, or is about to try, this trial's values under another number."""
        in_study = number + self._offset
        return self._outlook.is_taken(self._frozen(in_study).params, self.study, in_study)

    @property
    def is_used_up(self) -> bool:
        """Whether the space has no configuration that the sweep has not tried, or is about to try."""
        return self._outlook.is_used_up(self.study)

    @property
    def is_scarce(self) -> bool:
        """Whether the budget can go through all configurations of the space, which are few."""
        return self.spec.budget.goes_through(self._outlook.num_points)

    def _curves_of(self, trial: FrozenTrial) -> dict[int, tuple[float, ...]]:
        """A trial's costs by epoch, NaN for what was not reported; of a warm-start trial its values."""
        objectives, epochs = self.spec.objectives, _epochs(trial.user_attrs)
        if not epochs and trial.values:
            return {self.spec.budget.epochs_per_trial: tuple(trial.values)}
        return {
            epoch: tuple(o.cost(metrics[o.metric]) if o.metric in metrics else math.nan for o in objectives)
            for epoch, metrics in epochs.items()
        }

    def _all(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _frozen(self, in_study: int) -> FrozenTrial:
        return trial_at(self.study, in_study)

    def _trial(self, number: int) -> Trial:
        return Trial(self.study, self._frozen(number + self._offset)._trial_id)

    def _look(self) -> None:
        """Count what has ended since the last look."""
        self._ended.update(trial.state for trial in self._turnout.ended(self.study))

    def _suggest(self, trial: Trial) -> tuple[int, dict[str, Any]]:
        values = self._space.suggest(trial)
        if VALUES not in trial.user_attrs:
            trial.set_user_attr(VALUES, values)
        return trial.number - self._offset, values

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        config, num_complete = self.spec.sampler, self._ended[StudyState.COMPLETE]
        known = Experience(self.spec.budget.most_trials, num_complete + self._ended[StudyState.PRUNED], num_complete)
        return build_sampler(config.name, config.seed, number, known, config.options, self._outlook)

    def _record(self, trial: FrozenTrial, session: str | None) -> TrialRecord:
        """One trial as the sweep sees it; DFKDError when its attributes are damaged."""
        number, attrs = trial.number - self._offset, trial.user_attrs
        try:
            metrics, epochs = _last_epoch(attrs)
            outcome = attrs.get(OUTCOME, {}) if trial.state.is_finished() else {}
            is_at_work = session is not None and attrs.get(SESSION) == session
            unfinished = TrialState.RUNNING if is_at_work else TrialState.WAITING
            return TrialRecord(
                number=number,
                state=TrialState(outcome["state"]) if outcome else unfinished,
                params=self._params(trial),
                metrics=metrics,
                epochs=epochs,
                fidelity=epochs / self.spec.budget.epochs_per_trial,
                reason=outcome.get("reason"),
                started=attrs.get(STARTED),
                finished=outcome.get("time"),
            )
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            what = f"what the ledger holds of trial {number} is damaged ({type(error).__name__}: {error})"
            raise DFKDError(f"{self._folder}: {what}; restore it from a backup") from error

    def _params(self, trial: FrozenTrial) -> dict[str, Any]:
        """The searched values as they were drawn; none of a trial whose driver died while it was drawn."""
        try:
            return dict(trial.user_attrs.get(VALUES) or self._space.suggest(_Replay(trial.params)))
        except KeyError:
            return {}


class _Replay:
    """A finished trial's params, answered to whoever asks for them again."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params

    def _answer(self, name: str, *_: Any, **__: Any) -> Any:
        return self._params[name]

    suggest_float = suggest_int = suggest_categorical = _answer


def _noted(attrs: Mapping[str, Any]) -> dict[int, dict[str, float]]:
    return dict(sorted((int(key.removeprefix(EPOCH)), value) for key, value in attrs.items() if key.startswith(EPOCH)))


def _epochs(attrs: Mapping[str, Any]) -> dict[int, dict[str, float]]:
    return {epoch: {k: v for k, v in values.items() if k != TIME} for epoch, values in _noted(attrs).items()}


def _last_epoch(attrs: Mapping[str, Any]) -> tuple[dict[str, float], int]:
    """Metrics and number of the last finished epoch; static metrics stand for epoch 0."""
    epochs = _epochs(attrs)
    last = max(epochs, default=0)
    return epochs.get(last, {}), last


def _storage(folder: Path, spec: SweepSpec) -> BaseStorage:
    if spec.storage.ledger == "journal":
        return JournalStorage(DurableJournal(folder / JOURNAL))
    try:
        return RDBStorage(spec.storage.ledger)
    except ImportError as error:
        rule = "needs a database driver that is not installed: pip install 'psycopg[binary]'"
        raise ConfigError(rule, key="storage.ledger") from error
