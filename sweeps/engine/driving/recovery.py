"""What a driver left half-done when it died, or MLflow did not take, is brought to its end."""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from dfkd_core.base.documents import read_yaml
from sweeps.engine.deciding.inputs import run_tags
from sweeps.engine.driving.front_updates import tell_artifacts, write_front_of
from sweeps.fronts.front import Front
from sweeps.record.ledger import Ledger
from sweeps.record.sweep import Sweep
from sweeps.record.trial_folder import TrialFolder
from sweeps.tracking.addresses import resolve_tracking_uri
from sweeps.tracking.delivery import deliver_all
from sweeps.tracking.run_key import RunKey
from sweeps.tracking.spool import SPOOL
from sweeps.tracking.tracker import Tracker
from sweeps.workload import Domain

log = logging.getLogger(__name__)


def mend(ledger: Ledger, folder: Path, domain: Domain[Any]) -> None:
    """Bring study and trial folders up to what was decided; only the sweep's driver may call this."""
    ledger.settle()
    epochs = ledger.spec.budget.epochs_per_trial
    for record in ledger.records():
        files = TrialFolder(folder, record.number)
        if record.state.is_finished and not files.has_result:
            files.finish(record, domain, lambda: domain.trial_config(read_yaml(files.path / "config.yaml"), epochs))  # noqa: B023 - called at once


def retell(
    ledger: Ledger, tracker: Tracker, recorded: Mapping[int, str], run_of: Callable[[int], int | RunKey]
) -> None:
    """Tell the tracker of every finished trial whose end it does not know (`recorded`: newest state by number).

    After a crash the spool may lag behind the ledger; what it has not heard is told with its own time.
    """
    for record in ledger.records():
        if not record.state.is_finished or recorded.get(record.number) == record.state:
            continue
        run = run_of(record.number)
        tracker.trial_started(run, record.params, run_tags(ledger, record.number), time_s=record.started)
        times = ledger.epoch_times(record.number)
        for epoch, metrics in ledger.epochs(record.number).items():
            tracker.trial_epoch(run, epoch, metrics, time_s=times.get(epoch, record.finished))
        how = (record.fidelity, record.reason, record.metrics)
        tracker.trial_finished(run, record.state, *how, time_s=record.finished)


def with_retries(sweep: Sweep, overrides: Mapping[str, Any]) -> Sweep:
    """The sweep with one further trial for each FAILED one that has not been tried again, and a budget for them."""
    failed = sweep.ledger.failed()
    if not failed:
        return sweep
    trials = sweep.spec.budget.trials
    wanted = {} if trials is None else {"budget.trials": trials + len(failed)}  # hours alone decide for themselves
    grown = Sweep.open(sweep.path, {**overrides, **wanted})
    grown.folder.write_spec(grown.spec)
    for record in failed:
        grown.ledger.retry(record)
    log.warning("trials %s are tried again, as further ones", ", ".join(str(record.number) for record in failed))
    return grown


def with_own_id(sweep: Sweep) -> Sweep:
    """A copy that is worked on gets an id of its own where both would be told to one tracker, and says so.

    Under the same id its runs would lie below the original's parent run, numbers twice.
    """
    original = sweep.folder.original()
    uri = sweep.spec.storage.tracking_uri
    if original is not None and resolve_tracking_uri(original.path, uri) == resolve_tracking_uri(sweep.path, uri):
        shutil.rmtree(sweep.path / SPOOL, ignore_errors=True)  # the original's; all is told again under the new id
        sweep = sweep.renamed(uuid.uuid4().hex)
        log.warning("%s is a copy of %s: it gets an id and runs of its own", sweep.path, original.path)
    else:
        sweep.folder.renote(sweep.ledger.sweep_id)
    return sweep


def deliver_owed(sweep: Sweep) -> Front:
    """Deliver the spool, then the front with the run ids that this has brought."""
    spec, path = sweep.spec, sweep.path
    with closing(Tracker(path, spec.storage.tracking_uri)) as tracker:
        tracker.goes_to(spec.name, spec.experiment, sweep.ledger.sweep_id)
        deliver_all(path)
        front = write_front_of(path, spec, sweep.ledger)
        tell_artifacts(tracker, path)
        deliver_all(path)
    return front
