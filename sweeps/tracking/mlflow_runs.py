"""The calls to MLflow that delivery makes, with two kinds of failure: refused for good, or to be tried again."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from dfkd_core.errors import DFKDError
from sweeps.tracking.addresses import artifact_location, connect_uri, sqlite_file, sqlite_uri
from sweeps.tracking.credentials import withhold
from sweeps.tracking.fresh_database import create_whole, require_whole
from sweeps.tracking.run_key import PARENT, RunKey
from sweeps.tracking.run_updates import MetricPoint
from sweeps.tracking.sqlite_store import commit_without_waiting, flush, relocate_artifacts

_REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS")
_PAGE = 1000
_MAX_METRICS = 800  # of 1000 entities a call, with up to 100 params and 100 tags
_MAX_OTHERS = 100
_MAX_DATASET_NAME, _MAX_DIGEST = 500, 36
_SETTINGS = {
    # MLflow's own retries repeat a create whose answer was lost, which makes a second run.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
# Without a kind, MLflow's pages take an experiment whose runs they do not know for evaluations of language models.
_KIND = {"mlflow.experimentKind": "custom_model_development"}
_NOTE = {
    "mlflow.note.content": "Speech enhancement students, distilled in sweeps. The run named after a sweep holds its "
    "trials as child runs, and its front as the artifact `front/front.html`."
}
_DEFAULTS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "30", "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "120"}


class RefusedError(DFKDError):
    """MLflow will never take this: the same call would fail again."""


class UnreachableError(DFKDError):
    """MLflow did not answer, or answered that it cannot now; the call may have been carried out all the same."""


@contextmanager
def _failures_sorted(*, refusable: bool = True) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (RefusedError, UnreachableError):
        raise
    except DFKDError as error:
        raise UnreachableError(str(error)) from error
    except MlflowException as error:
        kind = RefusedError if refusable and error.error_code in _REFUSALS else UnreachableError
        raise kind(_one_line(error)) from error
    except Exception as error:  # SQLAlchemy, requests, the artifact store: whatever it is, another try is safe
        raise UnreachableError(_one_line(error)) from error


class MlflowRuns:
    """The runs of one sweep, or the run of one model, in one experiment.

    Every method raises UnreachableError; those that bring something raise RefusedError as well.
    """

    @_failures_sorted(refusable=False)
    def __init__(self, uri: str, folder_id: str, root: RunKey = PARENT) -> None:
        self._uri, self._folder_id, self._root = uri, folder_id, root
        withhold(folder_id, uri)
        self._client = _connect(uri)

    @_failures_sorted(refusable=False)
    def experiment(self, name: str, run_id: str | None = None) -> str:
        """Return the id of the experiment that holds the run, else of the one with this name.

        It is created or restored from deletion if need be. A run's experiment is the right one whatever its name is
        now.
        """
        from mlflow.exceptions import MlflowException

        if run_id is None:
            found = self._client.get_experiment_by_name(name)
        else:
            found = self._client.get_experiment(self._client.get_run(run_id).info.experiment_id)
        if found is None:
            try:
                return str(self._client.create_experiment(name, artifact_location(self._uri), _KIND | _NOTE))
            except MlflowException:
                # Another sweep was faster, or the answer to our own earlier request was lost.
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise
                return str(found.experiment_id)
        if found.lifecycle_stage == "deleted":
            self._client.restore_experiment(found.experiment_id)
            logging.getLogger(__name__).warning("experiment %r had been deleted; it is restored", found.name)
        for tag, value in _KIND.items():
            if tag not in found.tags:
                self._client.set_experiment_tag(found.experiment_id, tag, value)
        return str(found.experiment_id)

    @_failures_sorted(refusable=False)
    def find(self, experiment_id: str, key: RunKey | None = None) -> dict[str, list[str]]:
        """Return the ids of the sweep's runs by `RunKey.text`, oldest first; with `key` of that run only."""
        tags = {self._root.id_tag: self._folder_id} if key is None else key.tags(self._folder_id)
        query = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
        order = ["attributes.start_time ASC"]
        found: dict[str, list[str]] = {}
        token = None
        while True:
            page = self._client.search_runs([experiment_id], query, max_results=_PAGE, order_by=order, page_token=token)
            for run in page:
                owner = RunKey.of_tags(run.data.tags)
                is_ours = owner is not None and owner.id_tag == self._root.id_tag
                if owner is not None and is_ours and key in (None, owner):
                    found.setdefault(owner.text, []).append(run.info.run_id)
            token = page.token
            if not token:
                return found

    @_failures_sorted(refusable=False)
    def exists(self, run_id: str) -> bool:
        """True when MLflow knows the run, be it deleted."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        return True

    @_failures_sorted()
    def create(self, experiment_id: str, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
        """Create a run with all its tags in one call, so that `find` sees it from the first moment on."""
        run = self._client.create_run(experiment_id, start_time=start_ms, tags=dict(tags), run_name=name)
        return str(run.info.run_id)

    @_failures_sorted()
    def log(
        self, run_id: str, metrics: Sequence[MetricPoint], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        """Log everything in as few calls as the limits of a call allow; repeating it changes nothing."""
        from mlflow.entities import Metric, Param, RunTag

        values = [Metric(m.name, m.value, m.time_ms, m.step) for m in metrics]
        settings = [Param(name, value) for name, value in params.items()]
        labels = [RunTag(name, value) for name, value in tags.items()]
        while values or settings or labels:
            self._client.log_batch(run_id, values[:_MAX_METRICS], settings[:_MAX_OTHERS], labels[:_MAX_OTHERS])
            del values[:_MAX_METRICS], settings[:_MAX_OTHERS], labels[:_MAX_OTHERS]

    @_failures_sorted()
    def log_dataset(self, run_id: str, name: str, digest: str, source: str) -> None:
        """Note what the run reads."""
        from mlflow.entities import Dataset, DatasetInput

        dataset = Dataset(name[:_MAX_DATASET_NAME], digest[:_MAX_DIGEST], "local", source)
        self._client.log_inputs(run_id, [DatasetInput(dataset)])

    @_failures_sorted()
    def set_status(self, run_id: str, status: str, end_ms: int | None) -> None:
        """Set the run's status, and its end time unless it is running."""
        if status == "RUNNING":
            self._client.update_run(run_id, status)
        else:
            self._client.set_terminated(run_id, status, end_ms)

    @_failures_sorted()
    def upload(self, run_id: str, file: Path, artifact_dir: str) -> None:
        """Upload one file; UnreachableError when the artifact store does not take it, though the server may answer."""
        if not file.is_file():
            raise RefusedError(f"{file} is not there any more")
        self._client.log_artifact(run_id, str(file), artifact_dir or None)

    @_failures_sorted(refusable=False)
    def flush(self) -> None:
        """Return when all of it is durable; a server sees to that itself."""
        if (database := sqlite_file(self._uri)) is not None:
            flush(database)

    @_failures_sorted()
    def delete(self, run_id: str) -> None:
        """Delete a run (it stays restorable in MLflow)."""
        self._client.delete_run(run_id)


def prepare_environment() -> None:
    """Set this process up for MLflow's client: no retries, no telemetry, short timeouts unless the user chose some."""
    os.environ.update(_SETTINGS)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    os.environ.pop("MLFLOW_RUN_ID", None)  # would override the parent


@_failures_sorted(refusable=False)
def load_client() -> None:
    """Load MLflow, which takes long on a busy machine, and asks nobody."""
    from mlflow.tracking import MlflowClient  # noqa: F401


def _connect(uri: str) -> Any:
    from mlflow.tracking import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters reaches us as an exception
    address = connect_uri(uri)
    database = sqlite_file(uri)
    if database is None:
        return MlflowClient(address)
    database.parent.mkdir(parents=True, exist_ok=True)
    for place in (database, database.parent):  # a journal and the lock lie beside it
        if place.exists() and not os.access(place, os.W_OK):
            raise UnreachableError(f"{place} can only be read; let it be written, or name another tracker")
    commit_without_waiting()
    if any(mark in str(database.parent) for mark in "%?"):
        # MLflow makes the folders of an address as it is spelled, escapes included: beside the right ones.
        os.chdir(database.parent)
        address = sqlite_uri(Path(database.name))
    # Two sweeps that start at once would both create the tables.
    with FileLock(database.with_name(database.name + ".lock")):
        create_whole(sqlite_file(address) or database)
        require_whole(uri)
        relocate_artifacts(database)
        return MlflowClient(address)


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
