"""Where runs are tracked and looked at: what the sweep file says, else MLFLOW_TRACKING_URI, else SQLite beside it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dfkd_core.base.documents import open_plain
from dfkd_core.errors import ConfigError
from sweeps.tracking.credentials import public_uri, user_and_password

ARTIFACTS = "mlartifacts"  # beside a SQLite file
_SQLITE = "sqlite:///"
_SQLITE_HEAD = b"SQLite format 3\0"  # of every database with a table
_SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks", "databricks-uc", "uc")
_LOCAL_PAGES = "http://127.0.0.1:5000"  # where `mlflow ui` serves when nothing else is said


def resolve_tracking_uri(folder: Path, given: str | None = None) -> str:
    """Return the absolute address for the sweep in `folder`, without any password: fit to be written down."""
    uri = given or os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(folder.resolve().parent / "mlflow.db")
    return public_uri(absolute_uri(uri, Path.cwd()))


def absolute_uri(uri: str, base: Path) -> str:
    """Return the address as it holds anywhere: that of a SQLite file is a path, seen from `base`."""
    database = sqlite_file(uri)
    return uri if database is None or not database.name else sqlite_uri((base / database).resolve())


def require_tracker(given: str | None = None) -> None:
    """ConfigError where the given address, else the environment's, is none under which MLflow keeps runs."""
    uri, key = (
        given or os.environ.get("MLFLOW_TRACKING_URI"),
        "storage.tracking_uri" if given else "MLFLOW_TRACKING_URI",
    )
    if not uri:
        return
    scheme, database = uri.partition(":")[0].partition("+")[0], sqlite_file(uri)
    known = {*_SCHEMES, *(plugin.name for plugin in entry_points(group="mlflow.tracking_store"))}
    rule = f"must be http(s)://HOST, sqlite:///FILE or a database's URL, but got {public_uri(uri)!r}"
    if scheme == "file" or (":" not in uri and uri not in known):
        if os.environ.get("MLFLOW_ALLOW_FILE_STORE", "").lower() not in ("true", "1"):
            raise ConfigError(f"{rule}, a folder, which MLflow takes no longer; name sqlite:///mlflow.db", key=key)
    elif scheme not in known or (scheme == "sqlite" and (database is None or not database.name)):
        raise ConfigError(f"{rule}; without one runs go to mlflow.db beside the sweep folders", key=key)
    elif database is not None:
        _require_database(database, key)
    elif scheme in ("http", "https") and not _has_host(uri):
        raise ConfigError(f"{rule}, in which no host is named", key=key)


def _has_host(uri: str) -> bool:
    try:
        host = urlsplit(uri).hostname
    except ValueError:  # of brackets
        return False
    return bool(host) and not any(letter.isspace() for letter in uri)


def _require_database(file: Path, key: str) -> None:
    """ConfigError where there is something that is no SQLite database, nor empty."""
    try:
        with open_plain(file) as content:
            head = content.read(len(_SQLITE_HEAD))
    except FileNotFoundError:
        return
    except ConfigError as error:
        raise error.at(key=key) from error
    if head not in (b"", _SQLITE_HEAD):
        raise ConfigError("must be a SQLite database, but is another file; name one, there or not", key=key, file=file)


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
