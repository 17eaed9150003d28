"""The table of trained configurations: one JSON object a line, schema in docs/search.md.

The loader, for anybody's benchmark:

    rows = [json.loads(line) for line in Path("benchmarks/search/table.jsonl").read_text().splitlines()]
    curve = rows[0]["scores"]["val/pesq_wb"]  # after each epoch
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.search.problem import Array, Point, cost
from dfkd_core.errors import ConfigError
from sweeps import pareto

TABLE = Path(__file__).with_name("table.jsonl")
SCHEMA_VERSION = 1
SCORE = "val/pesq_wb"
NOISY = 1.208  # PESQ-WB of the demo's noisy validation mixtures: what is there without a model
START = "training.start_from"
BLOCK = 30  # rows that are a grid of their own
NOT_SEARCHED = (START, "seed")


def key_of(values: Mapping[str, Any]) -> str:
    """A row's values as something to look up."""
    return json.dumps(values, sort_keys=True)


def read_table(path: Path = TABLE) -> list[dict[str, Any]]:
    """All rows; ConfigError for a row of another version or a line that is none."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            row = json.loads(line)
            version = row["version"]
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"line {number} must be a row of the table, but is none ({error})", file=path) from error
        if version != SCHEMA_VERSION:
            rule = f"line {number} must be of version {SCHEMA_VERSION}, but is of {version!r}"
            raise ConfigError(f"{rule}; make the table again: python -m benchmarks.search.make_table", file=path)
        rows.append(row)
    return rows


@dataclass(frozen=True)
class Table:
    """The rows of one kind of start and one seed, as a problem: every proposal is one of them."""

    name: str
    rows: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, name: str, rows: Sequence[Mapping[str, Any]], is_sliced: bool, seed: int = 0) -> Table:
        """The grid of one start."""
        return cls(
            name, [r for r in rows if (r["values"][START] is not None) == is_sliced and r["values"]["seed"] == seed]
        )

    def whole(self) -> Table:
        """The largest grid in which no combination of values is missing: the first 1, 2 or 4 blocks."""
        num_blocks = len(self.rows) // BLOCK
        return Table(self.name, self.rows[: BLOCK * (1 << num_blocks.bit_length() >> 1)])

    @cached_property
    def space(self) -> dict[str, Any]:
        """The values that vary."""
        found: dict[str, Any] = {}
        for key in (key for key in self.rows[0]["values"] if key not in NOT_SEARCHED):
            values = sorted({row["values"][key] for row in self.rows})
            if len(values) > 1:
                found[key] = {"values": values}
        return found

    @property
    def num_epochs(self) -> int:
        """Of every row."""
        return len(self.rows[0]["scores"][SCORE])

    @property
    def reference(self) -> tuple[float, float]:
        """No better than no model, and a tenth larger than the largest."""
        return NOISY, 1.1 * max(row["params"] for row in self.rows)

    def curve(self, point: Point, draw: np.random.Generator) -> Array:
        """As it was trained."""
        return np.array(self._row(point)["scores"][SCORE])

    def final(self, point: Point) -> float:
        """As it was trained."""
        return float(self._row(point)["scores"][SCORE][-1])

    def size(self, point: Point) -> float:
        """Number of parameters."""
        return float(self._row(point)["params"])

    def epoch_s(self, point: Point) -> float:
        """CPU seconds."""
        return float(np.mean(self._row(point)["cpu_s"]))

    def ideal(self) -> Array:
        """The front of all rows."""
        return self.costs[pareto.non_dominated(self.costs)]

    def ideal_seconds(self) -> Array:
        """CPU seconds of each row on the front."""
        seconds = np.array([float(np.sum(row["cpu_s"])) for row in self.rows])
        return seconds[pareto.non_dominated(self.costs)]

    @cached_property
    def costs(self) -> Array:
        return np.array([cost(row["scores"][SCORE][-1], row["params"]) for row in self.rows])

    def _row(self, point: Point) -> Mapping[str, Any]:
        return self._by_point[key_of({key: point[key] for key in self.space})]

    @cached_property
    def _by_point(self) -> dict[str, Mapping[str, Any]]:
        return {key_of({key: row["values"][key] for key in self.space}): row for row in self.rows}
