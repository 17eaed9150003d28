"""DTLN against its definition, block by block, on random weights stored as the published files store them."""

import numpy as np
import onnx
import pytest

from dfkd_core.errors import ConfigError
from dfkd_core.teachers.dtln import DTLNTeacher

UNITS, FEATURES, BLOCK, SHIFT = 128, 256, 512, 128


def random_weights(rng):
    def draw(*shape):
        return rng.normal(0, 0.1, shape).astype(np.float32)

    first = {"dense_2/kernel:0": draw(UNITS, 257), "dense_2/bias:0": draw(257)}
    for name, size in (("lstm_4", 257), ("lstm_5", UNITS)):
        first |= {f"{name}_W": draw(1, 512, size), f"{name}_R": draw(1, 512, UNITS), f"{name}_B": draw(1, 1024)}
    variable = "ReadVariableOp/resource:0"
    second = {
        "conv1d_2/kernel:0": draw(FEATURES, BLOCK, 1),
        "conv1d_3/kernel:0": draw(BLOCK, FEATURES, 1),
        "model_2/dense_3/Tensordot/Reshape_1:0": draw(UNITS, FEATURES),
        f"model_2/dense_3/BiasAdd/{variable}": draw(FEATURES),
        f"model_2/instant_layer_normalization_1/mul/{variable}": draw(FEATURES),
        f"model_2/instant_layer_normalization_1/add_1/{variable}": draw(FEATURES),
    }
    for name, size in (("lstm_6", FEATURES), ("lstm_7", UNITS)):
        second |= {f"model_2/{name}/MatMul/{variable}": draw(size, 512)}
        second |= {f"model_2/{name}/MatMul_1/{variable}": draw(UNITS, 512)}
        second |= {f"model_2/{name}/BiasAdd/{variable}": draw(512)}
    return first, second


def write(folder, first, second):
    for name, weights in (("model_1.onnx", first), ("model_2.onnx", second)):
        initializers = [onnx.numpy_helper.from_array(array, key) for key, array in weights.items()]
        onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], name, [], [], initializers)), folder / name)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Cell:
    """One LSTM step from its four gates."""

    def __init__(self):
        self.h, self.c = np.zeros(UNITS), np.zeros(UNITS)

    def step(self, i, f, candidate, o):
        self.c = sigmoid(f) * self.c + sigmoid(i) * np.tanh(candidate)
        self.h = sigmoid(o) * np.tanh(self.c)
        return self.h


def block_by_block(noisy, first, second):
    """The recurrence of the published graphs: gates i o f c in stage 1 (ONNX), i f c o in stage 2 (Keras)."""
    second = {key.removeprefix("model_2/").removesuffix("/ReadVariableOp/resource:0"): w for key, w in second.items()}
    cells = [Cell() for _ in range(4)]
    padded = np.pad(noisy.astype(np.float64), (BLOCK - SHIFT, BLOCK))
    output = np.zeros(len(padded) + BLOCK)
    for start in range(0, len(noisy) + BLOCK - SHIFT, SHIFT):
        spectrum = np.fft.rfft(padded[start : start + BLOCK], BLOCK)
        x = np.abs(spectrum)
        for name, cell in zip(("lstm_4", "lstm_5"), cells[:2], strict=True):
            input_bias, state_bias = np.split(first[f"{name}_B"][0], 2)
            gates = first[f"{name}_W"][0] @ x + first[f"{name}_R"][0] @ cell.h + input_bias + state_bias
            i, o, f, c = np.split(gates, 4)
            x = cell.step(i, f, c, o)
        mask = sigmoid(x @ first["dense_2/kernel:0"] + first["dense_2/bias:0"])
        features = second["conv1d_2/kernel:0"][:, :, 0] @ np.fft.irfft(spectrum * mask)
        norm = "instant_layer_normalization_1"
        x = (features - features.mean()) / np.sqrt(features.var() + 1e-7)
        x = x * second[f"{norm}/mul"] + second[f"{norm}/add_1"]
        for name, cell in zip(("lstm_6", "lstm_7"), cells[2:], strict=True):
            gates = x @ second[f"{name}/MatMul"] + cell.h @ second[f"{name}/MatMul_1"] + second[f"{name}/BiasAdd"]
            x = cell.step(*np.split(gates, 4))
        mask = sigmoid(x @ second["dense_3/Tensordot/Reshape_1:0"] + second["dense_3/BiasAdd"])
        output[start : start + BLOCK] += second["conv1d_3/kernel:0"][:, :, 0] @ (features * mask)
    return output[BLOCK - SHIFT :][: len(noisy)]


@pytest.mark.parametrize("num_samples", [1, 127, 128, 1000])
def test_all_blocks_at_once_equal_one_block_after_the_other(tmp_path, num_samples):
    rng = np.random.default_rng(0)
    first, second = random_weights(rng)
    write(tmp_path, first, second)
    noisy = rng.normal(0, 0.1, (2, num_samples)).astype(np.float32)
    estimate = DTLNTeacher(tmp_path)(noisy)
    for row, signal in zip(estimate, noisy, strict=True):
        np.testing.assert_allclose(row, block_by_block(signal, first, second), atol=1e-5)


def test_its_identity_is_that_of_the_files(tmp_path):
    first, second = random_weights(np.random.default_rng(0))
    write(tmp_path, first, second)
    before = DTLNTeacher(tmp_path).sha256
    assert before == DTLNTeacher(tmp_path).sha256
    write(tmp_path, {**first, "dense_2/bias:0": first["dense_2/bias:0"] + 1}, second)
    assert before != DTLNTeacher(tmp_path).sha256


def test_missing_and_broken_files_are_told_in_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"lacks model_1.onnx, model_2.onnx"):
        DTLNTeacher(tmp_path)
    for name in ("model_1.onnx", "model_2.onnx"):
        (tmp_path / name).write_bytes(b"\xff not a model")
    with pytest.raises(ConfigError, match="must be an ONNX file"):
        DTLNTeacher(tmp_path)(np.zeros((1, 100), np.float32))
