"""Models from elsewhere, measured on the same clips, that belong on the picture of a front."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dfkd_core.base.documents import read_json

REFERENCES = Path("front") / "references"  # one file a model, as `sweeps.fronts.references` writes them

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReferenceModel:
    """A name and its values by metric, in their own units.

    It is drawn as a mark where both axes are measured, as a line where one is.
    """

    name: str
    values: Mapping[str, float]

    def __str__(self) -> str:
        return "  ".join([self.name, *(f"{name} {value:.4g}" for name, value in self.values.items())])


def noisy_input(trial_folders: Iterable[Path]) -> list[ReferenceModel]:
    """What the unprocessed validation mixtures score, as told by the first model folder that knows; else nothing."""
    for folder in trial_folders:
        try:
            record = read_json(folder / "metrics.json")
            scores = record["noisy"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # another workload's trial
        taught = any(name.startswith("val_teacher/") for name in record.get("metrics", ()))
        group = "val_teacher" if taught else "val"
        values = {f"{group}/{name}": value for name, value in scores.items() if value is not None}
        return [ReferenceModel("noisy input", values)]
    return []


def read_references(folder: Path) -> list[ReferenceModel]:
    """The models that were measured for the sweep in `folder`, by name; a damaged file is told and left out."""
    found = []
    for path in sorted((folder / REFERENCES).glob("*.json")):
        try:
            told = read_json(path)
            found.append(ReferenceModel(told["name"], {name: float(value) for name, value in told["values"].items()}))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("%s: must hold a measured model, but %s; measure it again", path, error)
    return found
