"""The driver's side of MLflow: every call writes one record to the spool on disk, and never waits for a network."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeps.tracking.addresses import resolve_tracking_uri
from sweeps.tracking.credentials import scrub, secrets
from sweeps.tracking.run_key import PARENT, TRIAL, RunKey
from sweeps.tracking.spool import SPOOL, SpoolWriter
from sweeps.tracking.spool_state import DeliveryState


class Tracker:
    """Records what happens in the sweep in `folder`; `sweeps.tracking.delivery` brings it to MLflow.

    Safe to call from several threads. A trial is named by its number, a later training of it by a `RunKey`. Each
    record carries its time: now, or `time_s` (seconds since 1970) when the event is told late. Raises OSError when
    the disk refuses a record; the spool stays readable.
    """

    def __init__(self, folder: Path, tracking_uri: str | None = None) -> None:
        self._folder = Path(folder)
        self._uri = resolve_tracking_uri(self._folder, tracking_uri)
        self._hidden = secrets()
        self._lock = threading.Lock()
        self._writer = SpoolWriter(self._folder / SPOOL, DeliveryState.load(self._folder).cursor)
        self._last_epochs: dict[str, tuple[int, dict[str, float]]] = {}

    @property
    def uri(self) -> str:
        """Where records go, without any password."""
        return self._uri

    def sweep_started(
        self,
        name: str,
        experiment: str,
        sweep_id: str,
        tags: Mapping[str, Any],
        dataset: Mapping[str, str] | None = None,
    ) -> None:
        """The sweep begins, or goes on; `dataset` (name, digest, source) is what its runs read."""
        where = {"name": name, "experiment": experiment, "sweep_id": sweep_id, "uri": self._uri, "dataset": dataset}
        self._append("sweep_started", tags=tags, **where)

    def goes_to(
        self,
        name: str,
        experiment: str,
        folder_id: str,
        root: RunKey = PARENT,
        dataset: Mapping[str, str] | None = None,
    ) -> None:
        """Where this folder's records go now; files that were set aside are tried again. No run begins or ends.

        `root` is the folder's own run: a sweep's, or a model's.
        """
        where = {"name": name, "experiment": experiment, "sweep_id": folder_id, "uri": self._uri, "dataset": dataset}
        self._append("goes_to", root=root.text, **where)

    def trial_started(
        self, run: int | RunKey, params: Mapping[str, Any], tags: Mapping[str, Any], time_s: float | None = None
    ) -> None:
        """A trial begins, or goes on; `params` are its searched values by key path."""
        self._append("trial_started", time_s, run=_text(run), params=params, tags=tags)

    def trial_tags(self, run: int | RunKey, tags: Mapping[str, Any]) -> None:
        """Something about a trial became known, such as where it runs."""
        self._append("trial_tags", run=_text(run), tags=tags)

    def trial_epoch(
        self, run: int | RunKey, epoch: int, metrics: Mapping[str, float], time_s: float | None = None
    ) -> None:
        """An epoch (counted from 1) ended with `metrics`."""
        self._last_epochs[_text(run)] = epoch, dict(metrics)
        self._append("trial_epoch", time_s, run=_text(run), epoch=epoch, metrics=metrics)

    def trial_finished(
        self,
        run: int | RunKey,
        state: str,
        fidelity: float,
        reason: str | None,
        metrics: Mapping[str, float],
        *,
        time_s: float | None = None,
    ) -> None:
        """A trial ended in `state`; of `metrics`, what its last epoch has not told is added to that epoch."""
        epoch, sent = self._last_epochs.pop(_text(run), (0, {}))
        new = {name: value for name, value in metrics.items() if sent.get(name) != value}
        fields = {"state": str(state), "fidelity": fidelity, "reason": reason, "epoch": epoch, "metrics": new}
        self._append("trial_finished", time_s, run=_text(run), **fields)

    def trial_rank(self, run: int | RunKey, pareto: bool, rank: int | None) -> None:
        """The trial is on the front now, or is not; `rank` 0 is the front, None has no rank."""
        self._append("trial_rank", run=_text(run), pareto=bool(pareto), rank=rank)

    def front(self, num_finished: int, hypervolume: float, size: int) -> None:
        """The front after `num_finished` trials."""
        metrics = {"front/hypervolume": hypervolume, "front/size": size}
        self._append("front", run=PARENT.text, epoch=num_finished, metrics=metrics)

    def usage(self, num_finished: int, used: Mapping[str, float]) -> None:
        """What the sweep's trials have used by the time that `num_finished` of them have ended."""
        metrics = {f"usage/{name}": value for name, value in used.items()}
        self._append("usage", run=PARENT.text, epoch=num_finished, metrics=metrics)

    def artifact(self, path: str | Path, artifact_dir: str | None = None, run: int | RunKey = PARENT) -> None:
        """A file of the sweep folder changed: its content at the time of delivery goes to the sweep's run, or to `run`.

        `path` is relative to the sweep folder; `artifact_dir` is where it goes, by default the folder it lies in.
        """
        directory = Path(path).parent.as_posix() if artifact_dir is None else artifact_dir
        directory = "" if directory == "." else directory
        self._append("artifact", run=_text(run), path=Path(path).as_posix(), artifact_dir=directory)

    def sweep_finished(self, state: str) -> None:
        """The sweep ended: finished, failed or interrupted."""
        self._append("sweep_finished", state=str(state))

    def close(self) -> None:
        """Close the spool; records that are not delivered stay on disk."""
        with self._lock:
            self._writer.close(DeliveryState.load(self._folder).cursor)

    def _append(self, event: str, time_s: float | None = None, /, **fields: Any) -> None:
        fields = scrub(fields, self._hidden) if self._hidden else fields
        with self._lock:
            self._writer.append(event, time.time() if time_s is None else time_s, fields)


def _text(run: int | RunKey) -> str:
    return RunKey(TRIAL, run).text if isinstance(run, int) else run.text
