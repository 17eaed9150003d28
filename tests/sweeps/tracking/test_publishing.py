"""A model in the registry: served over HTTP it does what `dfkd enhance` does."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import tiny_corpus as tiny
from mlflow.tracking import MlflowClient

from dfkd_core.config import ExperimentConfig
from dfkd_core.models import build_student
from dfkd_core.signal.level import at_reference_level
from dfkd_core.teachers import open_network
from dfkd_core.trained.model_folder import write_model_folder
from sweeps.cli import run


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    base = tiny.experiment(tmp_path / "corpus", tmp_path / "gain.onnx")
    config = ExperimentConfig.parse(base)
    folder = tmp_path / "models" / "best"
    scores = {"val/pesq_wb": 1.5}
    write_model_folder(
        folder, config, build_student(config.student).state_dict(), scores, noisy={}, epochs=1, origin={}
    )
    return folder


def test_a_folder_that_is_no_model_is_refused_in_one_line(tmp_path, capsys):
    assert run(["publish", str(tmp_path), "--name", "x"]) == 2
    assert "must be a model folder" in capsys.readouterr().err


def served(command, port):
    """The server's process, once it answers."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[3])
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.3)
    raise RuntimeError("the model's server did not start")


@pytest.mark.slow
def test_a_published_model_enhances_a_wav_over_http(model, capsys):
    assert run(["publish", str(model), "--name", "small-dccrn"]) == 0
    first, page, _ = capsys.readouterr().out.splitlines()
    assert first == "small-dccrn, version 1"
    assert run(["publish", str(model), "--name", "small-dccrn"]) == 0
    assert "small-dccrn, version 2" in capsys.readouterr().out
    uri = f"sqlite:///{model.parent}/mlflow.db"
    found = MlflowClient(uri).get_run(page.rpartition("/")[2])
    assert (found.data.tags["dfkd.kind"], found.data.metrics["val/pesq_wb"]) == ("final", 1.5)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/small-dccrn/1"]
    os.environ["MLFLOW_TRACKING_URI"] = uri
    server = served([*command, "--env-manager", "local", "--port", str(port), "--host", "127.0.0.1"], port)
    try:
        noisy = 0.01 * np.random.default_rng(0).standard_normal((1, 8000)).astype(np.float32)
        body = json.dumps({"inputs": noisy.tolist()}).encode()
        address, kind = f"http://127.0.0.1:{port}/invocations", {"Content-Type": "application/json"}
        for _ in range(100):  # the port is open before the model is loaded
            try:
                with urllib.request.urlopen(urllib.request.Request(address, body, kind), timeout=60) as answer:
                    said = json.loads(answer.read())
                break
            except OSError:
                time.sleep(0.5)
    finally:
        os.killpg(server.pid, 9)
        server.wait()
        del os.environ["MLFLOW_TRACKING_URI"]
    expected = at_reference_level(open_network(model), noisy)
    np.testing.assert_allclose(np.array(said["predictions"]), expected, atol=1e-6)
