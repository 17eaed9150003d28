"""Brings the records of one spool to MLflow, in order, in rounds, however often MLflow fails on the way."""

from __future__ import annotations

import json
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from sweeps.credentials import scrub, secrets
from sweeps.mlflow_runs import MlflowRuns, RefusedError, UnreachableError
from sweeps.run_key import PARENT, RunKey
from sweeps.run_updates import RUNNING, STATUS_OF_STATE, MetricPoint, Round, RunUpdate, SweepStart, fold, replaced_by
from sweeps.spool import SPOOL, Record, SpoolReader
from sweeps.spool_state import DeliveryState, HealthReport

_log = logging.getLogger(__name__)
_R = TypeVar("_R")
_READ_AHEAD = 20_000  # records in memory
_ROUND_S = (2.0, 5.0)  # a faster round grows the next one, a slower one shrinks it


class Stopped(Exception):  # noqa: N818 - not an error
    """The driver is gone and MLflow cannot be reached: what is left waits for the next driver."""


@dataclass(frozen=True)
class Patience:
    """How long to wait between tries and between rounds, in seconds."""

    first_retry_s: float = 0.2
    longest_retry_s: float = 15.0
    round_s: float = 1.0
    poll_s: float = 0.2
    alone_s: float = 60.0  # without a driver


class Deliverer:
    """One spool's way to MLflow. `alone()` tells whether the driver is gone; alone, a failure is not retried.

    A round folds what is pending into one update a run; its cursor is saved when all of it is delivered. Whatever is
    interrupted is repeated, which changes nothing: metrics carry their own times and steps, params and tags are
    values, and a run whose creation was perhaps not answered is looked up before it is created.
    """

    def __init__(self, folder: Path, alone: Callable[[], bool], patience: Patience) -> None:
        self._folder, self._alone, self._patience = folder, alone, patience
        self._state = DeliveryState.load(folder)
        self._reader = SpoolReader(folder / SPOOL, self._state.cursor)
        self._pending: deque[Record] = deque()
        self._newest: dict[str, int] = {}  # sequence number of the newest pending record that replaces its like
        self._limit = 200  # records a round
        self._health = HealthReport(folder)
        self._hidden = secrets()
        self._runs: MlflowRuns | None = None
        self._alone_since_s: float | None = None

    def run(self) -> None:
        """Deliver until the sweep is finished or the driver gone, and nothing is left; raises Stopped."""
        finished = False
        while True:
            self._read()
            if self._pending:
                began = time.monotonic()
                finished = self._deliver_round()
                if not finished and not self._pending:
                    self._pause(self._patience.round_s - (time.monotonic() - began))
            elif finished or self._alone():
                return
            else:
                time.sleep(self._patience.poll_s)
            self._leave_if_alone_for_long()

    def _leave_if_alone_for_long(self) -> None:
        if not self._alone():
            self._alone_since_s = None
        elif self._alone_since_s is None:
            self._alone_since_s = time.monotonic()
        elif time.monotonic() - self._alone_since_s > self._patience.alone_s:
            raise Stopped(f"MLflow is too slow: {len(self._pending)} records are left for the next driver")

    def _read(self) -> None:
        for record in self._reader.read(_READ_AHEAD - len(self._pending)):
            self._pending.append(record)
            if (what := replaced_by(record)) is not None:
                self._newest[what] = record.sequence
        while self._reader.unreadable:
            self._reject("unreadable record", self._reader.unreadable.pop().decode(errors="replace"))

    def _deliver_round(self) -> bool:
        batch = [self._pending[i] for i in range(min(self._limit, len(self._pending)))]
        began = time.monotonic()
        folded = fold(record for record in batch if not self._is_replaced(record))
        folded.last_sequence = batch[-1].sequence
        self._deliver(folded)
        for _ in batch:
            self._pending.popleft()
        self._adapt(time.monotonic() - began)
        return folded.finished

    def _is_replaced(self, record: Record) -> bool:
        what = replaced_by(record)
        return what is not None and self._newest[what] > record.sequence

    def _adapt(self, took_s: float) -> None:
        fast, slow = _ROUND_S
        if took_s < fast:
            self._limit = min(2 * self._limit, _READ_AHEAD)
        elif took_s > slow:
            self._limit = max(self._limit // 2, 1)

    def _deliver(self, folded: Round) -> None:
        for record in folded.malformed:
            self._reject("malformed record", f"{record.event} {json.dumps(dict(record.fields))}")
        if folded.start is not None:
            self._begin(folded.start)
        if folded.updates or folded.artifacts:
            runs = self._open()
            self._note_creations(folded)
            for update in folded.updates.values():
                self._deliver_update(runs, update)
            for path, artifact_dir in folded.artifacts:
                self._upload(runs, path, artifact_dir)
            if folded.finished and self._state.doubles_possible:
                self._remove_doubles(runs)
        self._advance(folded.last_sequence)

    def _begin(self, start: SweepStart) -> None:
        state = self._state
        if state.tracking_uri not in (None, start.uri):
            _log.warning("runs so far are in %s, further ones go to %s", state.tracking_uri, start.uri)
            state.runs, state.states, state.experiment_id, self._runs = {}, {}, None, None
            state.doubles_possible = True
        if start.experiment != state.experiment:
            state.experiment_id = None
        state.tracking_uri, state.sweep_id = start.uri, start.sweep_id
        state.name, state.experiment = start.name, start.experiment

    def _open(self) -> MlflowRuns:
        state = self._state
        if self._runs is None:
            if not state.tracking_uri:
                self._begin(self._first_start())
            uri, sweep_id = str(state.tracking_uri), state.sweep_id
            self._runs = runs = self._retry(lambda: MlflowRuns(uri, sweep_id))
            known = state.experiment_id is not None
            state.experiment_id = self._retry(lambda: runs.experiment(state.experiment))
            if state.unsure or not known:
                self._adopt(runs)
        return self._runs

    def _first_start(self) -> SweepStart:
        """Return the sweep that pending records belong to, when the state that knew it is lost."""
        start = fold(record for record in self._pending if record.event == "sweep_started").start
        if start is None:
            raise Stopped("the spool does not say which sweep it belongs to; resume the sweep, which says it again")
        return start

    def _adopt(self, runs: MlflowRuns) -> None:
        """Take over the runs that exist: an earlier delivery may have ended before it knew their ids."""
        found = self._retry(lambda: runs.find(str(self._state.experiment_id)))
        for key, run_ids in found.items():
            self._state.runs.setdefault(key, run_ids[0])
        # A request in flight when a delivery dies may be carried out after this look-up.
        self._state.doubles_possible = bool(self._state.unsure) or any(len(ids) > 1 for ids in found.values())
        self._state.unsure = []

    def _note_creations(self, folded: Round) -> None:
        """Before the first create: should this process die, its successor looks these runs up."""
        creations = [key for key in folded.updates if key not in self._state.runs]
        if creations:
            self._state.unsure = creations
            self._save()
            self._state.unsure = []

    def _deliver_update(self, runs: MlflowRuns, update: RunUpdate) -> None:
        try:
            self._deliver_to_run(runs, update)
        except RefusedError as refusal:
            self._reject(str(refusal), update)

    def _deliver_to_run(self, runs: MlflowRuns, update: RunUpdate) -> None:
        key, tags = update.key.text, update.tags
        if key not in self._state.runs:
            created = self._create(runs, update)
            tags = {} if created else tags
        run_id = self._state.runs[key]
        self._log_parts(runs, run_id, (update.metrics, list(update.params.items()), list(tags.items())))
        if update.state is None:
            return
        status = STATUS_OF_STATE.get(update.state, "FINISHED")
        if status != STATUS_OF_STATE.get(self._state.states.get(key, RUNNING)):
            self._retry(lambda: runs.set_status(run_id, status, update.end_ms))
        self._state.states[key] = update.state

    def _create(self, runs: MlflowRuns, update: RunUpdate) -> bool:
        """Create the run with its tags; False when it turned out to exist and still needs them."""
        key, state = update.key, self._state
        name, tags = key.run_name(state.name), {**update.tags, **key.tags(state.sweep_id)}
        if key != PARENT:
            tags["mlflow.parentRunId"] = self._parent(runs)
        experiment_id, num_tries = str(state.experiment_id), 0

        def look_up_and_create() -> bool:
            nonlocal num_tries
            num_tries += 1
            known = runs.find(experiment_id, key).get(key.text, []) if num_tries > 1 else []
            state.runs[key.text] = known[0] if known else runs.create(experiment_id, name, update.time_ms, tags)
            return not known

        created = self._retry(look_up_and_create)
        # A request that seemed lost may still be carried out later than the look-up.
        state.doubles_possible |= num_tries > 1
        return created

    def _parent(self, runs: MlflowRuns) -> str:
        if PARENT.text not in self._state.runs:
            self._create(runs, RunUpdate(PARENT, round(1000 * time.time())))
        return self._state.runs[PARENT.text]

    def _log_parts(self, runs: MlflowRuns, run_id: str, parts: _Parts) -> None:
        """Log it all in one go; if that is refused, halve until only what is wrong is left out."""
        metrics, params, tags = parts
        size = sum(map(len, parts))
        if not size:
            return
        try:
            self._retry(lambda: runs.log(run_id, metrics, dict(params), dict(tags)))
        except RefusedError as refusal:
            if size == 1:
                self._reject(str(refusal), [*metrics, *params, *tags][0])
                return
            for half in _halves(parts):
                self._log_parts(runs, run_id, half)

    def _upload(self, runs: MlflowRuns, path: str, artifact_dir: str) -> None:
        run_id = self._parent(runs)
        try:
            self._retry(lambda: runs.upload(run_id, self._folder / path, artifact_dir))
        except RefusedError as refusal:
            self._reject(str(refusal), f"artifact {path}")

    def _remove_doubles(self, runs: MlflowRuns) -> None:
        found = self._retry(lambda: runs.find(str(self._state.experiment_id)))
        for key, run_ids in found.items():
            kept = self._state.runs.setdefault(key, run_ids[0])
            for run_id in run_ids:
                if run_id != kept:
                    _log.warning(
                        "%s had a second run, %s: deleted", RunKey.parse(key).run_name(self._state.name), run_id
                    )
                    self._retry(partial(runs.delete, run_id))
        self._state.doubles_possible = False

    def _advance(self, sequence: int) -> None:
        self._state.cursor = sequence
        self._save()
        self._reader.discard(sequence)

    def _save(self) -> None:
        self._retry_on_disk(lambda: self._state.save(self._folder))

    def _retry_on_disk(self, write: Callable[[], None]) -> None:
        def attempt() -> None:
            try:
                write()
            except OSError as error:
                raise UnreachableError(f"the spool cannot be written: {error}") from error

        self._retry(attempt)

    def _retry(self, call: Callable[[], _R]) -> _R:
        """Call until it is answered, waiting longer each time; raises RefusedError, or Stopped when alone."""
        wait_s = self._patience.first_retry_s
        while True:
            try:
                answer = call()
            except UnreachableError as failure:
                self._trouble(failure)
                self._pause(wait_s * random.uniform(0.7, 1.0))  # noqa: S311 - spreads retries, no secret
                wait_s = min(2 * wait_s, self._patience.longest_retry_s)
            else:
                self._health.progress()
                return answer

    def _trouble(self, failure: UnreachableError) -> None:
        what = str(scrub(str(failure), self._hidden))
        if self._health.trouble(what):
            _log.warning("not delivered, retrying: %s", what)
        if self._alone():
            raise Stopped(what)

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._alone() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, self._patience.poll_s))

    def _reject(self, why: str, what: object) -> None:
        """Keep what can never be delivered out of the way, where a person finds it."""
        self._state.num_rejected += 1
        line = {"time_s": time.time(), "why": scrub(why, self._hidden), "what": scrub(str(what), self._hidden)}
        _log.error("rejected, see spool/rejected.jsonl: %s", line["why"])
        self._retry_on_disk(lambda: _append(self._folder / SPOOL / "rejected.jsonl", json.dumps(line)))


_Parts = tuple[Sequence[MetricPoint], Sequence[tuple[str, str]], Sequence[tuple[str, str]]]


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _halves(parts: _Parts) -> tuple[_Parts, _Parts]:
    metrics, params, tags = parts
    if sum(map(bool, parts)) > 1:  # first tell the kinds apart
        return (metrics, [], []), ([], params, tags)
    cut = [len(part) // 2 for part in parts]
    first = (metrics[: cut[0]], params[: cut[1]], tags[: cut[2]])
    return first, (metrics[cut[0] :], params[cut[1] :], tags[cut[2] :])
