"""A student of the user's own in other runtimes: whole signals, frame by frame where the class says how, or a line."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.export.onnx_file import export_streaming, export_whole
from dfkd_core.live import Enhancer
from dfkd_core.live.onnx_core import OnnxCore
from dfkd_core.models import build_student
from dfkd_core.trained.model_folder import load_model, write_model_folder

DOCUMENT = Path(__file__).parents[3] / "docs" / "models.md"
MORE = """

class Wilful(MyNet):
    def forward(self, noisy):
        return super().forward(noisy) * float(noisy.abs().max() > 0.5 and 0.9 or 1.0)


class Odd(MyNet):
    def live_core(self):
        return 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Makes a model folder of a class in the documented module."""
    code = "".join(re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL))
    (tmp_path / "documented_student.py").write_text(code + MORE)
    monkeypatch.syspath_prepend(tmp_path)

    def make(name):
        torch.manual_seed(0)
        config = ExperimentConfig.parse({"student": {"model": f"documented_student:{name}", "taps": 48}})
        state = build_student(config.student).state_dict()
        write_model_folder(tmp_path / name, config, state, {}, noisy={}, epochs=1, origin={})
        return tmp_path / name

    yield make
    sys.modules.pop("documented_student", None)


def test_whole_signals_of_any_length_are_exported_and_checked(folder, tmp_path):
    report = export_whole(folder("MyNet"), tmp_path / "own.onnx")
    assert report.form == "whole signal" and report.difference <= 1e-4
    assert "onnxruntime, whole signal" in (tmp_path / "MyNet" / "README.md").read_text()


def test_a_class_with_a_live_core_streams_as_it_computes(folder, tmp_path):
    place = folder("MyLiveNet")
    report = export_streaming(place, tmp_path / "live.onnx")
    assert report.difference <= 1e-4 and report.latency_ms == 2.0 and report.state_bytes == 4 * 47
    noisy = (0.1 * np.random.default_rng(0).standard_normal(3_333)).astype(np.float32)
    with torch.inference_mode():
        expected = load_model(place)[0](torch.from_numpy(noisy)[None])[0].numpy()
    for enhancer in (Enhancer(load_model(place)[0]), Enhancer(OnnxCore(tmp_path / "live.onnx"))):
        streamed = np.concatenate([enhancer.process(noisy[:1000]), enhancer.process(noisy[1000:]), enhancer.finish()])
        np.testing.assert_allclose(streamed, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "export", "told"),
    [
        ("MyNet", export_streaming, "MyNet cannot run frame by frame.*and a class of your own that has live_core"),
        ("Odd", export_streaming, "live_core.. must return a dfkd_core.live.core.LiveCore, but Odd's returns int"),
        ("Wilful", export_whole, "Wilful cannot be written as a graph that computes the same"),
    ],
)
def test_what_cannot_be_exported_is_told_in_a_line(folder, tmp_path, name, export, told):
    with pytest.raises(ConfigError, match=told):
        export(folder(name), tmp_path / "own.onnx")
    assert not (tmp_path / "own.onnx").exists()
