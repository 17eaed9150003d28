"""Models from elsewhere, measured on the same clips, that belong on the picture of a front."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ReferenceModel:
    """A name and its values by metric, in their own units.

    It is drawn as a mark where both axes are measured, as a line where one is.
    """

    name: str
    values: Mapping[str, float]


def noisy_input(trial_folders: Iterable[Path]) -> list[ReferenceModel]:
    """What the unprocessed validation mixtures score, as told by the first model folder that knows; else nothing."""
    for folder in trial_folders:
        try:
            record = json.loads((folder / "metrics.json").read_bytes())
            scores = record["noisy"]
        except (OSError, ValueError, KeyError):
            continue  # another workload's trial
        taught = any(name.startswith("val_teacher/") for name in record.get("metrics", ()))
        group = "val_teacher" if taught else "val"
        values = {f"{group}/{name}": value for name, value in scores.items() if value is not None}
        return [ReferenceModel("noisy input", values)]
    return []
