"""The sweep's runs in MLflow: each made once, whatever happens between request and answer."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from sweeps.record.trials import TrialState
from sweeps.tracking.addresses import sqlite_file
from sweeps.tracking.credentials import scrub, secrets
from sweeps.tracking.mlflow_runs import MlflowRuns, RefusedError, UnreachableError, load_client
from sweeps.tracking.retrying import Retry
from sweeps.tracking.run_key import TRIAL, RunKey
from sweeps.tracking.run_updates import (
    STATUS_OF_STATE,
    Item,
    MetricPoint,
    RunUpdate,
    SweepEnd,
    SweepStart,
    Upload,
)
from sweeps.tracking.spool import SPOOL
from sweeps.tracking.spool_state import DeliveryState

_PAUSES_S = (0.2, 0.5)  # between tries to store a file while the server answers
_SLOW_S = 5.0  # a store that takes so long to fail is not tried again at once
_FILES_AGAIN_S = 120.0  # files are set aside untried for so long, so that they hold nothing else up
_log = logging.getLogger(__name__)


class SweepRuns:
    """Delivers the items of a round; what MLflow refuses for good goes to `spool/rejected.jsonl`.

    Repeating a delivery changes nothing: metrics carry their own times and steps, params and tags are values, and a
    run whose creation was perhaps not answered is looked up before it is created.
    """

    def __init__(self, folder: Path, state: DeliveryState, retry: Retry) -> None:
        self._folder, self._state, self._retry = folder, state, retry
        self._runs: MlflowRuns | None = None
        self._hidden = secrets()
        self._no_files_before_s = 0.0

    def begin(self, start: SweepStart) -> None:
        """Take the sweep's name, experiment and tracking URI from its record."""
        state = self._state
        if state.tracking_uri not in (None, start.uri):
            _log.warning("runs so far are in %s, further ones go to %s", state.tracking_uri, start.uri)
            state.forget_runs()
        if (state.tracking_uri, state.experiment) != (start.uri, start.experiment):
            state.experiment_id, self._runs = None, None
        state.tracking_uri, state.sweep_id = start.uri, start.sweep_id
        state.name, state.experiment, state.root = start.name, start.experiment, start.root
        state.dataset = state.dataset if start.dataset is None else dict(start.dataset)

    def expect(self, items: Iterable[Item]) -> None:
        """Note on disk which runs will be created: should this process die, its successor looks them up."""
        self._open()
        updates = (item for item in items if isinstance(item, RunUpdate))
        creations = [item.key.text for item in updates if item.key.text not in self._state.runs]
        if creations:
            self._state.unsure = creations
            self._retry.on_disk(partial(self._state.save, self._folder))

    def deliver(self, item: Item) -> None:
        """Deliver one item, as often as it takes."""
        try:
            if isinstance(item, RunUpdate):
                self._update(item)
            elif isinstance(item, Upload):
                self._upload(item)
            else:
                self._try_files_again()
                if isinstance(item, SweepEnd):
                    self._set_state(self._root, item.state, item.end_ms)
                    self._remove_doubles()
        except RefusedError as refusal:
            self.reject(str(refusal), item)
        except (TypeError, ValueError, LookupError) as error:  # a value nobody foresaw must not hold up the rest
            self.reject(f"{type(error).__name__}: {error}", item)

    @property
    def _root(self) -> RunKey:
        """The run of the folder as a whole."""
        return RunKey.parse(self._state.root)

    def flush(self) -> None:
        """Return when what is delivered outlives a power cut."""
        if self._runs is not None:
            self._retry(self._runs.flush)

    def reject(self, why: str, what: object) -> None:
        """Put what can never be delivered where it blocks nothing and a person finds it."""
        self._state.num_rejected += 1
        line = {"time_s": time.time(), "why": scrub(why, self._hidden), "what": scrub(str(what), self._hidden)}
        _log.error("rejected, see spool/rejected.jsonl: %s", line["why"])

        def append() -> None:
            with (self._folder / SPOOL / "rejected.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

        self._retry.on_disk(append)

    def _open(self) -> MlflowRuns:
        if self._runs is None:
            state = self._state
            self._retry.set_up(load_client)
            connect = partial(MlflowRuns, str(state.tracking_uri), state.sweep_id, self._root)
            is_local = sqlite_file(str(state.tracking_uri)) is not None
            runs = self._retry.set_up(connect) if is_local else self._retry(connect)
            known, parent = state.experiment_id, state.runs.get(state.root)
            if parent is not None and not self._retry(partial(runs.exists, parent)):
                _log.warning("the runs so far are gone from %s; further ones are made anew", state.tracking_uri)
                state.forget_runs()
                parent = None
            state.experiment_id = self._retry(partial(runs.experiment, state.experiment, parent))
            if state.unsure or known != state.experiment_id or not state.runs:
                # An earlier delivery may have ended before it knew the ids of runs that exist.
                found = self._retry(partial(runs.find, state.experiment_id))
                state.runs = {key: ids[0] for key, ids in found.items()} | state.runs
                # A request in flight when a delivery died may be carried out after this look-up.
                state.doubles_possible |= bool(state.unsure) or any(len(ids) > 1 for ids in found.values())
            self._runs = runs
        return self._runs

    def _upload(self, upload: Upload) -> None:
        """Store a file, or set it aside: an artifact store may be away for good where the server is not."""
        if not (self._folder / upload.path).resolve().is_relative_to(self._folder.resolve()):
            raise RefusedError("the file lies outside the sweep folder")
        if time.monotonic() < self._no_files_before_s:
            self._set_aside(upload, self._state.set_aside_because)
            return
        run_id = self._run_id(upload.key)
        for pause_s in (*_PAUSES_S, None):
            began = time.monotonic()
            try:
                self._open().upload(run_id, self._folder / upload.path, upload.artifact_dir)
                self._state.set_aside.pop(upload.path, None)
                return
            except UnreachableError as failure:
                why, is_slow = str(scrub(str(failure), self._hidden)), time.monotonic() - began > _SLOW_S
            self._retry(
                partial(self._open().exists, run_id)
            )  # while the server is away, nothing is wrong with the file
            if pause_s is None or is_slow:
                break
            self._retry.pause(pause_s)
        self._set_aside(upload, why)
        self._no_files_before_s = time.monotonic() + _FILES_AGAIN_S

    def _set_aside(self, upload: Upload, why: str) -> None:
        state = self._state
        if not state.set_aside:
            _log.warning("files cannot be stored, all else is delivered: %s", why)
        state.set_aside_because = why
        state.set_aside[upload.path] = [upload.key.text, upload.artifact_dir]

    def _try_files_again(self) -> None:
        self._no_files_before_s = 0.0
        for path, (key, artifact_dir) in list(self._state.set_aside.items()):
            upload = Upload(0, path, artifact_dir, RunKey.parse(key))
            try:
                self._upload(upload)
            except RefusedError as refusal:
                del self._state.set_aside[path]
                self.reject(str(refusal), upload)

    def _update(self, update: RunUpdate) -> None:
        state, key = self._state, update.key.text
        tags_told = key not in state.runs and self._create(update)
        run_id = state.runs[key]
        tags = [] if tags_told else list(update.tags.items())
        self._log(run_id, (update.metrics, list(update.params.items()), tags))
        if update.state is not None:
            self._set_state(update.key, update.state, update.end_ms)
            config = f"trials/{update.key.number or 0:04d}/config.yaml"
            if update.key.kind == TRIAL and update.state != TrialState.RUNNING and (self._folder / config).exists():
                self._upload(Upload(update.sequence, config, "", update.key))

    def _set_state(self, key: RunKey, new: str, end_ms: int | None) -> None:
        states, status = self._state.states, STATUS_OF_STATE.get(new, "FINISHED")
        if status != STATUS_OF_STATE.get(states.get(key.text, TrialState.RUNNING)):
            self._retry(partial(self._open().set_status, self._state.runs[key.text], status, end_ms))
        states[key.text] = new

    def _create(self, update: RunUpdate) -> bool:
        """Create the run with its tags; False when it turned out to exist and has still to get them."""
        state, key, runs, num_tries = self._state, update.key, self._open(), 0
        name, tags = key.run_name(state.name), {**update.tags, **key.tags(state.sweep_id)}
        if key != self._root:
            tags["mlflow.parentRunId"] = self._run_id(self._root)

        def look_up_and_create() -> tuple[str, bool]:
            nonlocal num_tries
            num_tries += 1
            found = runs.find(str(state.experiment_id), key).get(key.text, []) if num_tries > 1 else []
            if found:
                return found[0], False
            return runs.create(str(state.experiment_id), name, update.time_ms, tags), True

        state.runs[key.text], created = self._retry(look_up_and_create)
        # A request that seemed lost may still be carried out later than the look-up.
        state.doubles_possible |= num_tries > 1
        if created and state.dataset:
            try:
                self._retry(partial(runs.log_dataset, state.runs[key.text], **state.dataset))
            except RefusedError as refusal:
                self.reject(str(refusal), state.dataset)
        return created

    def _run_id(self, key: RunKey) -> str:
        if key.text not in self._state.runs:
            self._create(RunUpdate(0, key, round(1000 * time.time())))
        return self._state.runs[key.text]

    def _log(self, run_id: str, parts: _Parts) -> None:
        """Log it all in one go; if that is refused, halve until only what is wrong is left out."""
        metrics, params, tags = parts
        size = sum(map(len, parts))
        if not size:
            return
        try:
            self._retry(partial(self._open().log, run_id, metrics, dict(params), dict(tags)))
        except RefusedError as refusal:
            if size == 1:
                self.reject(str(refusal), [*metrics, *params, *tags][0])
                return
            for half in _halves(parts):
                self._log(run_id, half)

    def _remove_doubles(self) -> None:
        if not self._state.doubles_possible:
            return
        found = self._retry(partial(self._open().find, str(self._state.experiment_id)))
        for key, run_ids in found.items():
            kept = self._state.runs.setdefault(key, run_ids[0])
            for run_id in set(run_ids) - {kept}:
                _log.warning("%s had been made twice: run %s is deleted", key, run_id)
                self._retry(partial(self._open().delete, run_id))
        self._state.doubles_possible = False


_Parts = tuple[Sequence[MetricPoint], Sequence[tuple[str, str]], Sequence[tuple[str, str]]]


def _halves(parts: _Parts) -> tuple[_Parts, _Parts]:
    metrics, params, tags = parts
    if sum(map(bool, parts)) > 1:  # first tell the kinds apart
        return (metrics, [], []) if metrics else ([], params, []), ([], params if metrics else [], tags)
    cut = [len(part) // 2 for part in parts]
    first = (metrics[: cut[0]], params[: cut[1]], tags[: cut[2]])
    return first, (metrics[cut[0] :], params[cut[1] :], tags[cut[2] :])
