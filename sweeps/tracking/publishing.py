"""A model folder in MLflow's model registry."""

from __future__ import annotations

import io
import shlex
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np

from dfkd_core.errors import ConfigError, DFKDError
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.trained.model_folder import load_model
from dfkd_core.trained.model_record import CARD, CONFIG, METRICS, WEIGHTS, read_record
from dfkd_core.training.seeds import trained_in
from sweeps.tracking.addresses import RunAddresses, connect_uri, require_tracker
from sweeps.tracking.mlflow_runs import MlflowRuns, RefusedError, UnreachableError, prepare_environment
from sweeps.tracking.model_runs import EXPERIMENT, TRAINING, tracker_for
from sweeps.tracking.run_updates import MetricPoint
from sweeps.tracking.spool_state import DeliveryState

FILES = (CONFIG, WEIGHTS, METRICS, CARD)
LONGEST_NAME = 256  # characters, of a registered model


def publish(model: Path, name: str) -> str:
    """Register the model under `name` in the tracker that has, or would have, its training; returns what to do next.

    It is logged to the training's run, else to one of its own. ConfigError: a name or tracker that MLflow does not
    take. CheckpointError: no model folder, or a damaged one. DFKDError: MLflow does not answer, or does not take it.
    """
    if not name.strip() or set(name) & {"/", ":"} or name == "." or name.startswith("..") or len(name) > LONGEST_NAME:
        rule = f"must be a name of 1 to {LONGEST_NAME} characters without / and :, and not begin with .."
        raise ConfigError(f"{rule}, but got {name[:LONGEST_NAME]!r}; use {model.resolve().name!r}", key="--name")
    require_tracker()
    (_, config), record = load_model(model), read_record(model)
    import mlflow
    from mlflow.exceptions import MlflowException
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    prepare_environment()
    waves = Schema([TensorSpec(np.dtype(np.float32), (-1, -1))])
    said = io.StringIO()  # MLflow's bars and remarks; what matters is an exception
    try:
        uri, experiment_id, run_id = _run_of(model, config.model_dump(mode="json"), record.metrics)
        address = connect_uri(uri)
        mlflow.set_tracking_uri(address)
        mlflow.set_registry_uri(address)
        with tempfile.TemporaryDirectory() as place, redirect_stderr(said), mlflow.start_run(run_id):
            for file in FILES:
                if (model / file).exists():
                    (Path(place) / file).write_bytes((model / file).read_bytes())
            logged = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(Path(__file__).with_name("served_model.py")),
                artifacts={"model": place},
                signature=ModelSignature(inputs=waves, outputs=waves),
                input_example=np.zeros((1, SAMPLE_RATE_HZ // 4), np.float32),
                registered_model_name=name,
                pip_requirements=["dfkd-sweeps"],
                metadata={"sample_rate_hz": SAMPLE_RATE_HZ},
            )
            version = logged.registered_model_version
    except (MlflowException, RefusedError, UnreachableError) as error:
        raise DFKDError(
            f"{model}: MLflow does not take it as {name!r}: {' '.join(str(error).split())[:300]}"
        ) from error
    set_up = f"MLFLOW_TRACKING_URI={shlex.quote(uri)}"
    if shutil.which("mlflow") is None:  # its server's own programs are looked for on PATH, too
        set_up = f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH {set_up}"
    serve = (
        f"{set_up} mlflow models serve -m {shlex.quote(f'models:/{name}/{version}')} --env-manager local --port 5001"
    )
    return f"{name}, version {version}\nrun     {RunAddresses(uri, experiment_id).page(run_id)}\nserve   {serve}"


def _run_of(model: Path, config: Mapping[str, Any], metrics: Mapping[str, float | None]) -> tuple[str, str, str]:
    """Tracker, experiment and run of the model's training; without one it gets a run with its scores."""
    trained = DeliveryState.load(trained_in(model))
    uri = tracker_for(model, trained, config.get("provenance") or {})
    runs = MlflowRuns(uri, trained.sweep_id or uuid.uuid4().hex, TRAINING)
    known = trained.runs.get(TRAINING.text)
    if known is not None and runs.exists(known):
        return uri, runs.experiment(EXPERIMENT, known), known
    experiment_id, now_ms = runs.experiment(EXPERIMENT), round(1000 * time.time())
    run_id = runs.create(experiment_id, model.resolve().name, now_ms, TRAINING.tags(uuid.uuid4().hex))
    points = [MetricPoint(name, value, now_ms, 0) for name, value in metrics.items() if value is not None]
    runs.log(run_id, points, {}, {})
    return uri, experiment_id, run_id
