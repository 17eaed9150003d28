"""A streaming graph that is not what its metadata says is told in one line."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from dfkd_core.errors import ConfigError
from dfkd_core.live import Enhancer
from dfkd_core.live.onnx_core import DELAY, FORM, FRAMING, OnnxCore
from sweeps.cli import run

WHOLE = {FORM: "streaming", FRAMING: json.dumps({"window_samples": 4, "hop_samples": 2}), DELAY: "0"}


def graph(path, metadata, kind=TensorProto.FLOAT, frame=(1, 1, 4), state=(1, 3)):
    """A graph that hands frames and its one state through."""
    ports = {"frame": frame, "state_0": state, "enhanced": frame, "new_0": state}
    values = {name: helper.make_tensor_value_info(name, kind, shape) for name, shape in ports.items()}
    nodes = [helper.make_node("Identity", [a], [b]) for a, b in (("frame", "enhanced"), ("state_0", "new_0"))]
    ins, outs = [values["frame"], values["state_0"]], [values["enhanced"], values["new_0"]]
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(helper.make_graph(nodes, "g", ins, outs), opset_imports=opset, ir_version=8)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


def test_a_whole_one_hands_its_frames_through(tmp_path):
    enhancer = Enhancer(OnnxCore(graph(tmp_path / "x.onnx", WHOLE)), None)
    assert len(np.concatenate([enhancer.process(np.ones(9, np.float32)), enhancer.finish()])) == 9


@pytest.mark.parametrize(
    ("changes", "fields", "said"),
    [
        ({FRAMING: None}, {}, "but lacks 'dfkd.framing'; export it anew"),
        ({DELAY: None}, {}, "but lacks 'dfkd.delay_frames'"),
        ({FRAMING: "{"}, {}, "but Expecting property name"),
        ({FRAMING: "[]"}, {}, "argument after ** must be a mapping"),
        ({FRAMING: "7"}, {}, "but argument of type 'int' is not iterable"),
        ({FRAMING: '{"window_samples": 4}'}, {}, "missing 1 required positional argument: 'hop_samples'"),
        ({FRAMING: '{"window_samples": 4, "hop_samples": 1.5}'}, {}, "cannot be interpreted as an integer"),
        ({FRAMING: '{"window_samples": "4", "hop_samples": 2}'}, {}, "cannot be interpreted as an integer"),
        ({FRAMING: '{"window_samples": 4, "hop_samples": 0}'}, {}, "a hop of 0, a window of 4"),
        ({FRAMING: '{"n_fft": 7}'}, {}, "n_fft must be even"),
        ({DELAY: "soon"}, {}, "invalid literal"),
        ({DELAY: "-1"}, {}, "a delay of -1 frames"),
        ({}, {"kind": TensorProto.FLOAT16}, "expected: (tensor(float16))"),
        ({}, {"frame": (1, 1, 5)}, "Got invalid dimensions"),
        ({}, {"state": ("batch", 3)}, "export it anew"),
    ],
)
def test_a_damaged_one_is_told_in_one_line(tmp_path, capsys, changes, fields, said):
    metadata = {key: value for key, value in {**WHOLE, **changes}.items() if value is not None}
    path = graph(tmp_path / "x.ONNX", metadata, **fields)
    with pytest.raises(ConfigError, match=r"x\.ONNX: must hold the frames, states and metadata that"):
        OnnxCore(path)
    assert run(["enhance", str(path), str(path), str(tmp_path / "out.wav")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
