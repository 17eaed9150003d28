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
