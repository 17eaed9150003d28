"""What a driver left half-told when it died is told to the end: outcomes to the study, results to trial folders."""

from __future__ import annotations

from pathlib import Path

from sweeps.record.ledger import Ledger
from sweeps.record.trial_folder import TrialFolder
from sweeps.workload import Domain


def mend(ledger: Ledger, folder: Path, domain: Domain) -> None:
    """Bring study and trial folders up to what was decided; only the sweep's driver may call this."""
    ledger.settle()
    for record in ledger.records():
        files = TrialFolder(folder, record.number)
        if record.state.is_finished and not files.has_result:
            files.finish(record, domain)
