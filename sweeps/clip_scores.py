"""Each trial's scores on every validation clip, which intervals are drawn from: `trials/0007/clips.json`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dfkd_core.clip_table import ClipTable
from sweeps.resampling import Runs


def read_runs(folder: Path, trials: Iterable[int]) -> dict[int, Runs]:
    """The kept tables of these trials of the sweep in `folder`; a trial without any is left out."""
    kept = {trial: ClipTable.read(folder / "trials" / f"{trial:04d}") for trial in trials}
    return {trial: [table] for trial, table in kept.items() if table is not None}
