import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from dfkd_core.errors import ConfigError
from dfkd_core.teachers.onnx_file import ONNXTeacher

NOISY = np.random.default_rng(0).normal(size=(3, 160)).astype(np.float32)


def halving(path, shape, num_inputs=1, sample_rate=None):
    """A model that halves a waveform whose axes have this shape."""
    ports = [helper.make_tensor_value_info(f"noisy{i}", TensorProto.FLOAT, shape) for i in range(num_inputs)]
    output = helper.make_tensor_value_info("estimate", TensorProto.FLOAT, shape)
    half = onnx.numpy_helper.from_array(np.float32(0.5), "half")
    graph = helper.make_graph([helper.make_node("Mul", ["noisy0", "half"], ["estimate"])], "g", ports, [output], [half])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if sample_rate:
        helper.set_model_props(model, {"sample_rate": sample_rate})
    onnx.save(model, path)
    return ONNXTeacher(path)


@pytest.mark.parametrize("shape", [["time"], [1, "time"], ["batch", "time"], ["batch", 1, "time"], [1, 1, 160], [160]])
def test_every_usual_shape_of_a_waveform_is_understood(tmp_path, shape):
    assert np.array_equal(halving(tmp_path / "half.onnx", shape)(NOISY), NOISY / 2)


def test_a_fixed_length_must_be_that_of_the_mixtures(tmp_path):
    with pytest.raises(ConfigError, match="takes 100 samples, but mixtures have 160"):
        halving(tmp_path / "half.onnx", [1, 100])(NOISY)


def test_an_export_of_one_length_hears_others_in_pieces(tmp_path):
    path = tmp_path / "half.onnx"
    halving(path, [1, 100])
    model = onnx.load(path)
    helper.set_model_props(model, {"dfkd.form": "whole signal"})
    onnx.save(model, path)
    for length in (1, 99, 100, 101, 160):
        np.testing.assert_allclose(ONNXTeacher(path)(NOISY[:, :length]), NOISY[:, :length] / 2, atol=1e-6)


def test_several_inputs_are_no_waveform(tmp_path):
    with pytest.raises(ConfigError, match="one waveform to one waveform"):
        halving(tmp_path / "half.onnx", [1, "time"], num_inputs=2)(NOISY)


def test_another_rate_is_refused(tmp_path):
    assert halving(tmp_path / "half.onnx", ["time"], sample_rate="16000")(NOISY).shape == NOISY.shape
    with pytest.raises(ConfigError, match="must work at 16000 Hz, but states 48000 Hz"):
        halving(tmp_path / "half.onnx", ["time"], sample_rate="48000")(NOISY)


def test_a_file_that_is_no_model_is_told_in_one_line(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"\xff nothing")
    with pytest.raises(ConfigError, match="must be an ONNX model") as caught:
        ONNXTeacher(tmp_path / "x.onnx")(NOISY)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="existing ONNX file"):
        ONNXTeacher(tmp_path / "absent.onnx")


def test_its_identity_is_that_of_the_file(tmp_path):
    one, other = halving(tmp_path / "a.onnx", ["time"]), halving(tmp_path / "b.onnx", [1, "time"])
    assert one.sha256 == ONNXTeacher(tmp_path / "a.onnx").sha256 != other.sha256


def passing(path, kind, shape=("batch", "time"), given=None):
    """A model that hands back what it takes, through a cast where it gives another type."""
    ports = [helper.make_tensor_value_info(n, k, shape) for n, k in (("x", kind), ("y", given or kind))]
    node = helper.make_node("Cast", ["x"], ["y"], to=given) if given else helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "g", ports[:1], ports[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return ONNXTeacher(path)


@pytest.mark.parametrize(
    ("kind", "given", "tolerance"),
    [
        (TensorProto.FLOAT16, None, 1e-3),
        (TensorProto.DOUBLE, None, 1e-7),
        (TensorProto.INT16, None, 2e-5),
        (TensorProto.FLOAT, TensorProto.FLOAT16, 1e-3),
        (TensorProto.FLOAT16, TensorProto.FLOAT, 1e-3),
    ],
)
def test_a_graph_is_fed_in_its_own_type(tmp_path, kind, given, tolerance):
    signal = 0.2 * np.clip(NOISY, -4, 4)
    estimate = passing(tmp_path / "x.onnx", kind, given=given)(signal)
    assert estimate.dtype == np.float32
    np.testing.assert_allclose(estimate, signal, atol=tolerance)


def test_integers_hold_no_more_than_full_scale(tmp_path):
    loud = np.array([[2.0, -2.0, 0.5]], np.float32)
    np.testing.assert_allclose(passing(tmp_path / "x.onnx", TensorProto.INT16)(loud), [[1, -1, 0.5]], atol=4e-5)


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.UINT8, TensorProto.BOOL, TensorProto.STRING])
def test_another_type_is_told_in_one_line(tmp_path, kind):
    with pytest.raises(ConfigError, match=r"must take and give tensor\(float\).*but x is tensor") as caught:
        passing(tmp_path / "x.onnx", kind)(NOISY)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [("batch", 257, "frames"), ("batch", 2, "time"), (1, 257, 10)])
def test_channels_and_spectra_are_no_waveform(tmp_path, shape):
    with pytest.raises(ConfigError, match=rf"x has shape .*: {shape[1]} channels or bins"):
        passing(tmp_path / "x.onnx", TensorProto.FLOAT, shape)(NOISY)


def test_what_the_runtime_refuses_is_told_in_one_line(tmp_path):
    teacher = passing(tmp_path / "x.onnx", TensorProto.FLOAT)
    nodes = [helper.make_node("Reshape", ["x", "to"], ["y"])]
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", "time"]) for n in ("x", "y")]
    to = onnx.numpy_helper.from_array(np.array([7, 7], np.int64), "to")
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], [to])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), teacher.path)
    with pytest.raises(ConfigError, match=r"must take a waveform \[3, 160\], but ") as caught:
        ONNXTeacher(teacher.path)(NOISY)
    assert "\n" not in str(caught.value)


def test_a_pipe_in_its_place_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "x.onnx")
    with pytest.raises(ConfigError, match="must be"):
        ONNXTeacher(tmp_path / "x.onnx")(NOISY)
