"""Where the runs of a sweep can be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweeps.tracking.credentials import public_uri


@dataclass(frozen=True)
class RunAddresses:
    """Run ids by trial, and the tracker that holds them; what is not delivered yet is None or absent."""

    tracking_uri: str | None = None
    experiment_id: str | None = None
    run_ids: Mapping[int, str] = field(default_factory=dict)

    def of(self, trial: int) -> str | None:
        """The web address of a trial's run, its bare run id when the tracker is no server, None when it has none."""
        run_id = self.run_ids.get(trial)
        if run_id is None or self.experiment_id is None or not self._is_server:
            return run_id
        return f"{public_uri(self.tracking_uri or '').rstrip('/')}/#/experiments/{self.experiment_id}/runs/{run_id}"

    def how_to_look(self) -> str | None:
        """The command that opens the tracker's own pages; None when the address is a server's or unknown."""
        if self.tracking_uri is None or self._is_server:
            return None
        return f"mlflow ui --backend-store-uri {public_uri(self.tracking_uri)}"

    @property
    def _is_server(self) -> bool:
        return (self.tracking_uri or "").startswith(("http://", "https://"))
