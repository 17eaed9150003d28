"""What every adapter speaks with `benchmarks/search/outside.py`: a JSON object a line in, its answer a line out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, Protocol


class Search(Protocol):
    """A run of a package's search."""

    def ask(self) -> dict[str, Any] | None:
        """Key, values, first and last epoch of a training; None when there is none at present."""

    def report(self, key: int, epoch: int, costs: list[float]) -> bool:
        """Whether the training goes on behind this epoch."""


def answer_calls(new: Callable[[dict[str, Any]], Search]) -> None:
    """Answer calls until the input ends; each `begin` (space, seed, number of epochs) leaves the search before it."""
    search: Search | None = None
    for line in sys.stdin:
        call = json.loads(line)
        if call["do"] == "begin":
            search = new(call)
            answer = None
        else:
            assert search is not None, "begin comes first"
            answer = search.ask() if call["do"] == "ask" else search.report(call["key"], call["epoch"], call["costs"])
        print(json.dumps(answer), flush=True)
