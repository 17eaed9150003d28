"""After a crash the spool may lag behind the ledger: what it has not heard is told again, with its own time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sweeps.engine.conductor import sweep_tags
from sweeps.record.ledger import Ledger
from sweeps.tracking.run_key import RunKey
from sweeps.tracking.tracker import Tracker


def retell(
    ledger: Ledger,
    tracker: Tracker,
    told: Mapping[int, str],
    run_of: Callable[[int], int | RunKey] = lambda number: number,
) -> None:
    """Tell the tracker of every finished trial whose end it does not know (`told`: newest state by number)."""
    for record in ledger.records():
        if not record.state.is_finished or told.get(record.number) == record.state:
            continue
        run = run_of(record.number)
        tracker.trial_started(run, record.params, sweep_tags(ledger), time_s=record.started)
        times = ledger.epoch_times(record.number)
        for epoch, metrics in ledger.epochs(record.number).items():
            tracker.trial_epoch(run, epoch, metrics, time_s=times.get(epoch, record.finished))
        tracker.trial_finished(
            run, record.state, record.fidelity, record.reason, record.metrics, time_s=record.finished
        )
