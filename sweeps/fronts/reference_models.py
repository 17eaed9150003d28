"""Models from elsewhere, measured on the same clips, that belong on the picture of a front."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dfkd_core.base.documents import read_json
from dfkd_core.errors import DFKDError

REFERENCES = Path("front") / "references"  # one file a model, as `sweeps.distillation.references` writes them

LONGEST_NAME = 80  # characters
DAMAGED = (DFKDError, OSError, ValueError, KeyError, TypeError, AttributeError)  # what a file of another form raises

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
            by_teacher = any(name.startswith("val_teacher/") for name in record.get("metrics", ()))
            group = "val_teacher" if by_teacher else "val"
            known = {n if n.startswith("probe/") else f"{group}/{n}": v for n, v in record["noisy"].items()}
            values = _numbers({name: value for name, value in known.items() if value is not None})
        except DAMAGED:
            continue  # another workload's trial
        return [ReferenceModel("noisy input", values)]
    return []


def read_references(folder: Path) -> list[ReferenceModel]:
    """The models that were measured for the sweep in `folder`, by name; a damaged file is told and left out."""
    found = []
    for path in sorted((folder / REFERENCES).glob("*.json")):
        try:
            model = read_json(path)
            if not isinstance(model["name"], str):
                raise TypeError("its name is no text")
            found.append(ReferenceModel(model["name"][:LONGEST_NAME], _numbers(model["values"])))
        except DAMAGED as error:
            _log.warning("%s: must hold a measured model, but %s; measure it again", path, error)
    return found


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The values as finite numbers; ValueError or TypeError when one is none."""
    numbers = {name: float(value) for name, value in values.items()}
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} is {value}")
    return numbers
