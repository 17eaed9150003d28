"""The front as files: front.json for programs, front.csv for tables, front.html for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dfkd_core.base.atomic_files import write_atomic
from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import FRONT_FILE, Front
from sweeps.fronts.front_csv import front_csv
from sweeps.fronts.listening import Listening
from sweeps.page import front_page
from sweeps.record.trials import TrialRecord
from sweeps.tracking.addresses import RunAddresses


def write_front(
    folder: Path,
    front: Front,
    records: Sequence[TrialRecord],
    spec: SweepSpec,
    *,
    addresses: RunAddresses | None = None,
    listening: Listening | None = None,
) -> list[Path]:
    """Write the three files under `folder`/front and return their paths; each is whole or as it was before."""
    known = addresses or RunAddresses()
    page = front_page(folder, front, records, spec, addresses=known, listening=listening)
    contents = {
        "front.json": front.to_json(),
        "front.csv": front_csv(records, spec.objectives, known.run_ids),
        "front.html": page,
    }
    target = folder / FRONT_FILE.parent
    target.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        write_atomic(target / name, text.encode(errors="backslashreplace"))
    return [target / name for name in contents]
