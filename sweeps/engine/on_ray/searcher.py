"""Ray Tune's searcher over the conductor: Tune asks, the ledger answers."""

from __future__ import annotations

import json
from typing import Any

from ray.tune.search import Searcher

from sweeps.engine.deciding.conductor import Conductor


class LedgerSearcher(Searcher):  # type: ignore[misc]
    """Hands out the conductor's assignments. Tune's own snapshots of it are empty: the ledger is the truth."""

    def __init__(self, conductor: Conductor, max_concurrent: int | None = None) -> None:
        super().__init__()
        self._conductor, self._max_concurrent = conductor, max_concurrent

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next trial; None when there is none at present, FINISHED when there will be none."""
        if self._conductor.is_done:
            return str(Searcher.FINISHED)
        if self._max_concurrent is not None and len(self._conductor.live) >= self._max_concurrent:
            return None
        assignment = self._conductor.next()
        if assignment is not None:
            return {
                "number": assignment.number,
                "config": json.dumps(assignment.config),
                "start_hash": assignment.start_hash,
                "inputs": assignment.inputs,
                "kept_out": sorted(self._conductor.kept_out),
            }
        return str(Searcher.FINISHED) if self._conductor.is_done else None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing to do: the scheduler has told the conductor."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""
