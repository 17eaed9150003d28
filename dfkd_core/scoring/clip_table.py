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
from dfkd_core.scoring.confidence import Crossing

CLIPS = "clips.json"


@dataclass(frozen=True)
class ClipTable:
    """Scores by metric name (`val/pesq_wb`), nan where undefined; who speaks in which noise at which SNR.

    Names, the crossing's and each metric's scores are in the order of the clips. In the file an SNR may be missing,
    and `clusters` may stand for speakers and noises: "SPEAKER x FAMILY", or any name of clips that resemble each other.
    """

    names: tuple[str, ...]
    crossing: Crossing
    scores: Mapping[str, tuple[float, ...]]

    def write(self, folder: Path) -> None:
        """Write the table into a folder; an undefined score becomes null."""
        scores = {m: [v if math.isfinite(v) else None for v in values] for m, values in self.scores.items()}
        crossing = self.crossing
        content = {
            "clips": self.names,
            "speakers": crossing.speakers,
            "noise_families": crossing.noise_families,
            "snr_db": [v if math.isfinite(v) else None for v in crossing.snr_db],
            "scores": scores,
        }
        write_atomic(folder / CLIPS, json.dumps(content, separators=(",", ":")).encode())

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The table of a folder; None when it has none that can be read."""
        try:
            content = read_json(folder / CLIPS)
            scores = {str(m): tuple(map(_number, values)) for m, values in content["scores"].items()}
            table = cls(tuple(map(str, content["clips"])), _crossing(content), scores)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        sides = (table.crossing.speakers, table.crossing.noise_families, table.crossing.snr_db or table.names)
        sizes = {len(table.names), *map(len, sides), *(len(values) for values in scores.values())}
        return table if len(sizes) == 1 else None


def _crossing(content: Mapping[str, Any]) -> Crossing:
    if "clusters" in content:
        speakers, _, families = zip(*(str(name).partition(" x ") for name in content["clusters"]), strict=True)
        return Crossing(tuple(speakers), tuple(families))
    speakers, families = (tuple(map(str, content[name])) for name in ("speakers", "noise_families"))
    return Crossing(speakers, families, tuple(map(_number, content.get("snr_db", ()))))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
