"""Folds spool records into one update a run, so that a run costs few calls however much happened to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sweeps.record.sweep_state import SweepState
from sweeps.record.trials import TrialState
from sweeps.tracking.run_key import PARENT, SWEEP, RunKey
from sweeps.tracking.spool import Record

# What servers accept: MLflow's limits, of older versions too.
_MAX_KEY = 250
_MOST_STEPS = 1 << 53
_MAX_PARAM = 6000
_MAX_TAG = 5000
_NOT_IN_KEYS = re.compile(r"[^\w\-. :/]")

SWEEP_STARTED = "sweep_started"
SWEEP_FINISHED = "sweep_finished"
_END, _AGAIN = "end", "files again"
STATUS_OF_STATE: dict[str, str] = {
    TrialState.RUNNING: "RUNNING",
    TrialState.COMPLETE: "FINISHED",
    TrialState.PRUNED: "KILLED",
    TrialState.INFEASIBLE: "KILLED",
    TrialState.FAILED: "FAILED",
    SweepState.FINISHED: "FINISHED",
    SweepState.INTERRUPTED: "KILLED",
    SweepState.FAILED: "FAILED",
}


@dataclass(frozen=True)
class MetricPoint:
    """One value of a metric; `time_ms` since 1970."""

    name: str
    value: float
    time_ms: int
    step: int


@dataclass
class RunUpdate:
    """What one run gets in one go. `sequence`, in every item: that of its first record."""

    sequence: int
    key: RunKey
    time_ms: int  # of the first record: the start time if the run must be created
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[MetricPoint] = field(default_factory=list)
    state: str | None = None
    end_ms: int | None = None


@dataclass(frozen=True)
class Upload:
    """A file of the sweep folder, and the run and the artifact folder it goes to."""

    sequence: int
    path: str
    artifact_dir: str
    key: RunKey = PARENT


@dataclass(frozen=True)
class FilesAgain:
    """Files that could not be stored are tried again."""

    sequence: int


@dataclass(frozen=True)
class SweepEnd:
    """The sweep's own run ends, after all that was told before."""

    sequence: int
    state: str
    end_ms: int


Item = RunUpdate | Upload | FilesAgain | SweepEnd


@dataclass(frozen=True)
class SweepStart:
    """Which sweep, or model, the records belong to, and where they go."""

    name: str
    experiment: str
    sweep_id: str
    uri: str
    root: str = SWEEP  # the folder's own run, as `RunKey.text`
    dataset: Mapping[str, str] | None = None  # what its runs read: name, digest, source


@dataclass
class Round:
    """What is delivered in one go: items in the order of their first records."""

    start: SweepStart | None = None
    items: dict[str, Item] = field(default_factory=dict)
    finished: bool = False  # the newest record is the sweep's end
    malformed: list[Record] = field(default_factory=list)

    def update(self, key: RunKey, record: Record) -> RunUpdate:
        """Return the update of a run, a new one at the first mention."""
        new = RunUpdate(record.sequence, key, round(1000 * record.time_s))
        item = self.items.setdefault(key.text, new)
        assert isinstance(item, RunUpdate)  # noqa: S101 - other items have other keys
        return item


def replaced_by(record: Record) -> str | None:
    """Return what a later record with the same answer makes superfluous: a trial's rank, a file's content."""
    fields = record.fields
    if record.event == "trial_rank":
        return f"rank {fields.get('run')}"
    return f"file {fields.get('path')} {fields.get('artifact_dir')}" if record.event == "artifact" else None


def fold(records: Iterable[Record]) -> Round:
    """Fold records, in order, into one round."""
    folded = Round()
    for record in records:
        folded.finished = record.event == SWEEP_FINISHED
        try:
            _take_in(folded, record, record.fields)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            folded.malformed.append(record)
    return folded


def _take_in(folded: Round, record: Record, fields: Mapping[str, Any]) -> None:
    """What each event changes; KeyError, TypeError or ValueError for a record that makes no sense."""
    match record.event:
        case "sweep_started":
            folded.start = _start(fields)
            folded.items.pop(_END, None)
            folded.items.setdefault(_AGAIN, FilesAgain(record.sequence))
            update = folded.update(PARENT, record)
            update.tags |= _tags({**fields["tags"], "dfkd.sweep_state": SweepState.RUNNING.value})
            update.state = TrialState.RUNNING
        case "goes_to":
            folded.start = _start(fields)
            folded.items.setdefault(_AGAIN, FilesAgain(record.sequence))
        case "sweep_finished":
            folded.update(PARENT, record).tags |= _tags({"dfkd.sweep_state": fields["state"]})
            folded.items[_END] = SweepEnd(record.sequence, fields["state"], round(1000 * record.time_s))
        case "trial_started":
            update = _update_of(folded, record)
            params = {_key(name): str(value)[:_MAX_PARAM] for name, value in fields["params"].items()}
            update.params = {**params, **update.params}
            update.tags |= _tags({**fields["tags"], "dfkd.trial_state": TrialState.RUNNING.value})
            update.state, update.end_ms = TrialState.RUNNING, None
        case "trial_tags":
            _update_of(folded, record).tags |= _tags(fields["tags"])
        case "trial_epoch" | "front" | "usage":
            points = _points(record)
            _update_of(folded, record).metrics += points
        case "trial_finished":
            state, points = fields["state"], _points(record)
            if state not in STATUS_OF_STATE:
                raise ValueError(state)
            update = _update_of(folded, record)
            tags = {"trial_state": state, "fidelity": fields["fidelity"], "failure_reason": fields["reason"]}
            update.tags |= _tags({f"dfkd.{name}": value for name, value in tags.items()})
            update.state, update.end_ms = state, round(1000 * record.time_s)
            update.metrics += points
        case "trial_rank":
            rank, update = fields["rank"], _update_of(folded, record)
            update.tags |= _tags({"dfkd.pareto": fields["pareto"], "dfkd.front_rank": rank})
            if rank is not None:  # a metric, too: MLflow's pages sort runs by metrics alone
                update.metrics.append(MetricPoint("front/rank", float(rank), round(1000 * record.time_s), 0))
        case "artifact":
            key = RunKey.parse(fields.get("run", PARENT.text))
            upload = Upload(record.sequence, fields["path"], fields["artifact_dir"], key)
            folded.items[f"file {upload.path} {upload.artifact_dir}"] = upload
        case _:
            raise ValueError(record.event)


def _update_of(folded: Round, record: Record) -> RunUpdate:
    return folded.update(RunKey.parse(record.fields["run"]), record)


def _start(fields: Mapping[str, Any]) -> SweepStart:
    where = {name: fields[name] for name in ("name", "experiment", "sweep_id", "uri")}
    return SweepStart(**where, root=fields.get("root", SWEEP), dataset=fields.get("dataset"))


def _points(record: Record) -> list[MetricPoint]:
    time_ms, step = round(1000 * record.time_s), int(record.fields["epoch"])
    if abs(step) >= _MOST_STEPS:
        raise ValueError(f"{step} is no step")
    return [MetricPoint(_key(n), float(v), time_ms, step) for n, v in record.fields["metrics"].items()]


def _tags(values: Mapping[str, Any]) -> dict[str, str]:
    texts = {n: str(v).lower() if isinstance(v, bool) else str(v) for n, v in values.items() if v is not None}
    return {_key(name): text[:_MAX_TAG] for name, text in texts.items()}


def _key(name: str) -> str:
    return _NOT_IN_KEYS.sub("_", name)[:_MAX_KEY]
