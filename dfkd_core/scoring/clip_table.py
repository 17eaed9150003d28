"""Scores of every validation clip of one training, kept beside its result so that means can be doubted later."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.documents import read_json

CLIPS = "clips.json"


@dataclass(frozen=True)
class ClipTable:
    """Scores by metric name (`val/pesq_wb`), nan where undefined; clips of one cluster resemble each other.

    Names, clusters and each metric's scores are in the order of the clips.
    """

    names: tuple[str, ...]
    clusters: tuple[str, ...]
    scores: Mapping[str, tuple[float, ...]]

    def write(self, folder: Path) -> None:
        """Write the table into a folder; an undefined score becomes null."""
        scores = {m: [v if math.isfinite(v) else None for v in values] for m, values in self.scores.items()}
        content = {"clips": self.names, "clusters": self.clusters, "scores": scores}
        write_atomic(folder / CLIPS, json.dumps(content, separators=(",", ":")).encode())

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The table of a folder; None when it has none that can be read."""
        try:
            content = read_json(folder / CLIPS)
            scores = {str(m): tuple(map(_number, values)) for m, values in content["scores"].items()}
            table = cls(tuple(map(str, content["clips"])), tuple(map(str, content["clusters"])), scores)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        sizes = {len(table.names), len(table.clusters), *(len(values) for values in scores.values())}
        return table if len(sizes) == 1 else None


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
