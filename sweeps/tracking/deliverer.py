"""Brings the records of one spool to MLflow, in order, in rounds, however often MLflow fails on the way."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sweeps.tracking.retrying import Patience, Retry, Stopped
from sweeps.tracking.run_updates import SWEEP_STARTED, fold, replaced_by
from sweeps.tracking.spool import SPOOL, Record, SpoolReader
from sweeps.tracking.spool_state import DeliveryState
from sweeps.tracking.sweep_runs import SweepRuns

_READ_AHEAD = 20_000  # records in memory


class Deliverer:
    """One spool's way to MLflow. `is_alone()` tells whether the driver is gone.

    A round folds all that is pending into one update a run. Its items are delivered in the order of their first
    records, so the cursor may follow: what is interrupted is told again, which changes nothing.
    """

    def __init__(self, folder: Path, is_alone: Callable[[], bool], patience: Patience | None = None) -> None:
        self._folder, self._patience = folder, patience or Patience()
        self._state = DeliveryState.load(folder)
        self._reader = SpoolReader(folder / SPOOL, self._state.cursor)
        self._retry = Retry(folder, is_alone, self._patience)
        self._runs = SweepRuns(folder, self._state, self._retry)
        self._pending: deque[Record] = deque()
        self._newest: dict[str, int] = {}  # sequence number of the newest record that replaces its like
        self._saved_s = 0.0

    def run(self) -> None:
        """Deliver until nothing is left and the sweep is finished or the driver gone; raises Stopped."""
        finished = False
        while True:
            began = time.monotonic()
            for record in self._reader.read(_READ_AHEAD - len(self._pending)):
                self._pending.append(record)
                if (what := replaced_by(record)) is not None:
                    self._newest[what] = record.sequence
            while self._reader.unreadable:
                self._runs.reject("not a record", self._reader.unreadable.pop().decode(errors="replace"))
            if self._pending:
                finished = self._deliver_round()
                self._retry.pause(0 if finished else self._patience.round_s - (time.monotonic() - began))
            elif finished or self._retry.is_alone():
                return
            else:
                time.sleep(self._patience.poll_s)

    def _deliver_round(self) -> bool:
        last = self._pending[-1].sequence
        # what has no like is not in `_newest`: it replaces nothing and nothing replaces it
        newest = (r for r in self._pending if self._newest.get(replaced_by(r) or "", 0) <= r.sequence)
        folded = fold(newest)
        for record in folded.malformed:
            self._runs.reject("malformed record", f"{record.event} {json.dumps(dict(record.fields))}")
        if folded.start is not None:
            self._runs.begin(folded.start)
        elif not self._state.tracking_uri:
            raise Stopped(f"no {SWEEP_STARTED} record says where to; resume the sweep, which says it again")
        items = list(folded.items.values())
        if items:
            self._runs.expect(items)
        for item, following in zip(items, [*items[1:], None], strict=True):
            self._runs.deliver(item)
            if following is not None and time.monotonic() - self._saved_s > self._patience.save_s:
                self._advance(following.sequence - 1)
        self._advance(last)
        return folded.finished

    def _advance(self, sequence: int) -> None:
        """All records up to `sequence` are delivered."""
        while self._pending and self._pending[0].sequence <= sequence:
            self._pending.popleft()
        self._runs.flush()
        self._state.cursor = sequence
        self._state.unsure = [key for key in self._state.unsure if key not in self._state.runs]
        self._retry.on_disk(partial(self._state.save, self._folder))
        self._reader.discard(sequence)
        self._saved_s = time.monotonic()
