"""front.csv: every trial of a sweep, one row each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sweeps.definition.metric_facts import words_of
from sweeps.definition.objectives import Objective
from sweeps.fronts.front import trial_ranks
from sweeps.record.trials import TrialRecord


def front_csv(records: Sequence[TrialRecord], objectives: Sequence[Objective], run_ids: Mapping[int, str]) -> str:
    """CSV text: trial, state, rank (0 is the front), objectives, searched values, other metrics, progress, run id.

    A metric whose numbers are names has these in a column of its own, as `model/runtime_words`.
    """
    rank = trial_ranks(records, objectives)
    named = [objective.metric for objective in objectives]
    params = union(record.params for record in records)
    metrics = [name for name in union(record.metrics for record in records) if name not in named]
    spoken = {name: words for name in [*named, *metrics] if (words := words_of(name))}

    def called(name: str, value: float | None) -> str | None:
        return None if value is None or not 0 <= value < len(spoken[name]) else spoken[name][int(value)]

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    head = ["trial", "state", "rank", *named, *params, *metrics, *(f"{name}_words" for name in spoken)]
    head += ["epochs", "fidelity", "reason", "run_id"]
    rows: list[list[Any]] = [
        [record.number, record.state, rank.get(record.number)]
        + [record.metrics.get(name) for name in named]
        + [record.params.get(name) for name in params]
        + [record.metrics.get(name) for name in metrics]
        + [called(name, record.metrics.get(name)) for name in spoken]
        + [record.epochs, record.fidelity, record.reason, run_ids.get(record.number)]
        for record in records
    ]
    writer.writerows([inert(cell) for cell in row] for row in (head, *rows))
    return out.getvalue()


def inert(cell: Any) -> Any:
    """A cell that no spreadsheet runs: text that would begin a formula gets an apostrophe; numbers stay numbers."""
    if cell is None or isinstance(cell, bool | int | float):
        return cell
    text = str(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def union(mappings: Iterable[Mapping[str, object]]) -> list[str]:
    """Every key that occurs, in the order of first occurrence."""
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))
