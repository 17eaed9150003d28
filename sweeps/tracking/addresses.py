"""Where runs are tracked and looked at: what the sweep file says, else MLFLOW_TRACKING_URI, else SQLite beside it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from sweeps.tracking.credentials import public_uri, user_and_password

ARTIFACTS = "mlartifacts"  # beside a SQLite file
_SQLITE = "sqlite:///"
_LOCAL_PAGES = "http://127.0.0.1:5000"  # where `mlflow ui` serves when nothing else is said


def resolve_tracking_uri(folder: Path, given: str | None = None) -> str:
    """Return the absolute address for the sweep in `folder`, without any password: fit to be written down."""
    uri = given or os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(folder.resolve().parent / "mlflow.db")
    database = sqlite_file(uri)
    return public_uri(uri) if database is None else sqlite_uri(database.resolve())


def sqlite_uri(database: Path) -> str:
    """Return the address of a SQLite file, which SQLAlchemy's `make_url` takes for that same file.

    Its own `URL` would also escape letters beyond ASCII, and MLflow makes the folders that an address spells.
    """
    return _SQLITE + str(database).replace("%", "%25").replace("?", "%3F")


def sqlite_file(uri: str) -> Path | None:
    """Return the database file of a SQLite address, None for anything else."""
    return Path(unquote(uri.removeprefix(_SQLITE).partition("?")[0])) if uri.startswith(_SQLITE) else None


def artifact_location(uri: str) -> str | None:
    """Return where a new experiment keeps artifacts: beside a SQLite file; a server decides for itself (None)."""
    database = sqlite_file(uri)
    return None if database is None else (database.resolve().parent / ARTIFACTS).as_uri()


def connect_uri(uri: str) -> str:
    """Return the address to connect to, the environment's password given back where it belongs to the same place.

    A server's user and password go into MLflow's own variables instead, so that no error text can quote them.
    """
    secret = os.environ.get("MLFLOW_TRACKING_URI")
    if not secret or public_uri(secret) != uri or secret == uri:
        return uri
    if not uri.startswith("http"):
        return secret
    user, password = user_and_password(secret)
    os.environ.setdefault("MLFLOW_TRACKING_USERNAME", user or "")
    os.environ.setdefault("MLFLOW_TRACKING_PASSWORD", password or "")
    os.environ["MLFLOW_TRACKING_URI"] = uri
    return uri


@dataclass(frozen=True)
class RunAddresses:
    """Run ids by trial, and the tracker that holds them; what is not delivered yet is None or absent."""

    tracking_uri: str | None = None
    experiment_id: str | None = None
    run_ids: Mapping[int, str] = field(default_factory=dict)

    def of(self, trial: int) -> str | None:
        """The web address of a trial's run, its bare run id when the tracker is no server, None when it has none."""
        run_id = self.run_ids.get(trial)
        return self.page(run_id) if run_id is not None and self._is_server else run_id

    def page(self, run_id: str | None) -> str | None:
        """The web address of a run, None when it is not known; where there is no server, under `mlflow ui`'s own."""
        if run_id is None or self.experiment_id is None:
            return run_id
        server = public_uri(self.tracking_uri or "").rstrip("/") if self._is_server else _LOCAL_PAGES
        return f"{server}/#/experiments/{self.experiment_id}/runs/{run_id}"

    def how_to_look(self) -> str | None:
        """The command that opens the tracker's own pages; None when the address is a server's or unknown."""
        if self.tracking_uri is None or self._is_server:
            return None
        return f"mlflow ui --backend-store-uri {shlex.quote(public_uri(self.tracking_uri))}"

    @property
    def _is_server(self) -> bool:
        return (self.tracking_uri or "").startswith(("http://", "https://"))
