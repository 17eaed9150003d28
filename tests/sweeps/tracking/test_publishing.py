"""A model in the registry: loaded back, and served over HTTP, it does what `dfkd enhance` does."""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import mlflow.pyfunc
import numpy as np
import pytest
import soundfile
import tiny_corpus as tiny
from mlflow.tracking import MlflowClient

from dfkd_core.config import ExperimentConfig
from dfkd_core.models import build_student
from dfkd_core.signal.level import at_reference_level
from dfkd_core.teachers import open_network
from dfkd_core.trained.model_folder import write_model_folder
from sweeps.cli import run

DOCS = Path(__file__).parents[3] / "docs" / "exporting.md"


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = ExperimentConfig.parse(tiny.experiment(tmp_path / "corpus", tmp_path / "gain.onnx"))
    weights = build_student(config.student).state_dict()
    scores = {"val/pesq_wb": 1.5}
    write_model_folder(tmp_path / "models" / "best", config, weights, scores, noisy={}, epochs=1, origin={})
    with mock.patch.dict(os.environ):  # MLflow leaves its address there
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        yield tmp_path / "models" / "best"


def test_a_folder_that_is_no_model_is_refused_in_one_line(tmp_path, capsys):
    assert run(["publish", str(tmp_path), "--name", "x"]) == 2
    assert "must be a model folder" in capsys.readouterr().err


@pytest.mark.parametrize("name", [" ", "a/b", "a:b", ".", "../b", "x" * 257])
def test_a_name_that_the_registry_does_not_take_is_refused_before_mlflow_hears_of_it(model, tmp_path, name, capsys):
    assert run(["publish", str(model), "--name", name]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--name: must be a name of 1 to 256 characters without / and :" in line and line.endswith("use 'best'")
    assert not list(tmp_path.rglob("mlflow.db"))


def test_damaged_weights_and_a_tracker_of_no_known_kind_are_refused_before_mlflow_hears_of_it(
    model, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "foo://host")
    assert run(["publish", str(model), "--name", "x"]) == 2
    assert "MLFLOW_TRACKING_URI: must be http(s)://HOST" in capsys.readouterr().err
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    (model / "model.safetensors").write_bytes(b"")
    assert run(["publish", str(model), "--name", "x"]) == 2
    assert "must have sha256" in capsys.readouterr().err
    assert not list(tmp_path.rglob("mlflow.db"))


@contextmanager
def served(command, port, tmp_path):
    """The server of the printed command, started where its programs are found, whatever PATH is here."""
    program = tmp_path / "bin" / "uvicorn"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m uvicorn "$@"\n')
    program.chmod(0o755)
    words = [word for word in shlex.split(command) if "=" not in word]
    assert words[:3] == ["mlflow", "models", "serve"]
    words = [sys.executable, "-m", *words[: words.index("--port")], "--port", str(port)]
    uri = next(word.partition("=")[2] for word in shlex.split(command) if word.startswith("MLFLOW_TRACKING_URI="))
    root = str(Path(__file__).parents[3])
    known = {"PATH": f"{program.parent}:{os.environ['PATH']}", "MLFLOW_TRACKING_URI": uri, "PYTHONPATH": root}
    with (tmp_path / "serve.log").open("wb") as log:
        process = subprocess.Popen(words, env=os.environ | known, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def test_a_published_model_enhances_loaded_back_and_over_http(model, tmp_path, capsys):
    wav = tmp_path / "noisy.wav"
    soundfile.write(wav, tiny.talking(2.0, 0) + tiny.hissing(2.0, 0), 16_000, subtype="PCM_16")
    noisy = soundfile.read(wav, dtype="float32", always_2d=True)[0].T
    assert run(["enhance", str(model), str(wav), str(tmp_path / "clean.wav")]) == 0
    capsys.readouterr()

    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        assert run(["publish", str(model), "--name", "small-dccrn"]) == 0
    assert [str(remark.message) for remark in remarks if "ype hint" in str(remark.message)] == []
    told = capsys.readouterr()
    first, page, command = (line.removeprefix("run").removeprefix("serve").strip() for line in told.out.splitlines())
    assert (first, told.err) == ("small-dccrn, version 1", "")
    uri = f"sqlite:///{model.parent}/mlflow.db"
    found = MlflowClient(uri).get_run(page.rpartition("/")[2])
    assert (found.data.tags["dfkd.kind"], found.data.metrics["val/pesq_wb"]) == ("final", 1.5)

    mlflow.set_tracking_uri(uri)
    loaded = mlflow.pyfunc.load_model("models:/small-dccrn/1")
    expected = at_reference_level(open_network(model), noisy)
    np.testing.assert_array_equal(loaded.predict(noisy), expected)
    assert [port.shape for port in loaded.metadata.signature.inputs] == [(-1, -1)]
    assert loaded.input_example.shape == (1, 4000)
    with pytest.raises(mlflow.exceptions.MlflowException, match="shape"):
        loaded.predict(noisy[0])

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (block,) = (b for b in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL) if "/invocations" in b)
    assert ":5001/" in block and "noisy.wav" in block and "clean.wav" in block
    with served(command, port, tmp_path) as process:
        deadline = time.monotonic() + 300
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=60).close()
                break
            except OSError as error:
                log = (tmp_path / "serve.log").read_text()[-2000:]
                assert process.poll() is None and time.monotonic() < deadline, f"{error}: {log}"
                time.sleep(0.3)
        exec(block.replace("5001", str(port)).replace("clean.wav", "served.wav"), said := {})
    np.testing.assert_allclose(said["clean"], expected, atol=1e-6)
    by_file, by_http = (soundfile.read(tmp_path / name, dtype="int16")[0] for name in ("clean.wav", "served.wav"))
    np.testing.assert_allclose(by_http.astype(int), by_file.astype(int), atol=1)
    assert run(["publish", str(model), "--name", "small-dccrn"]) == 0
    assert "small-dccrn, version 2" in capsys.readouterr().out
    odd = """v1\\b 'of' "mine\""""
    assert run(["publish", str(model), "--name", odd]) == 0
    assert f"{odd}, version 1" in capsys.readouterr().out
