"""Where runs are tracked: the sweep file's word, else MLFLOW_TRACKING_URI, else SQLite beside the sweep folders."""

from __future__ import annotations

import os
from pathlib import Path

from sweeps.tracking.credentials import public_uri, user_and_password

_SQLITE = "sqlite:///"


def resolve_tracking_uri(folder: Path, given: str | None = None) -> str:
    """Return the absolute address for the sweep in `folder`, without any password: fit to be written down."""
    uri = given or os.environ.get("MLFLOW_TRACKING_URI") or _SQLITE + str(folder.resolve().parent / "mlflow.db")
    database = sqlite_file(uri)
    return public_uri(uri) if database is None else _SQLITE + str(database.resolve())


def sqlite_file(uri: str) -> Path | None:
    """Return the database file of a SQLite address, None for anything else."""
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None


def artifact_location(uri: str) -> str | None:
    """Return where a new experiment keeps artifacts: beside a SQLite file; a server decides for itself (None)."""
    database = sqlite_file(uri)
    return None if database is None else (database.resolve().parent / "mlartifacts").as_uri()


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
