"""The public DTLN model as a teacher."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dfkd_core.base.atomic_files import sha256_file
from dfkd_core.errors import ConfigError
from dfkd_core.teachers.base import Listed, Waveforms
from dfkd_core.teachers.dtln_network import DTLN

FILES = ("model_1.onnx", "model_2.onnx")

Weights = Mapping[str, Tensor]


class DTLNTeacher:
    """DTLN with its published weights (MIT), 1 M parameters, read from the two ONNX files of its stages.

    The files hold graphs of one block and one utterance; their weights in `DTLN` give the same samples
    (to 1e-5) some 10 times faster.
    """

    def __init__(self, folder: Path) -> None:
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise ConfigError(f"must hold {', '.join(FILES)}, but lacks {', '.join(missing)}", file=folder)
        self.folder = folder
        self.name = "dtln"

    @cached_property
    def sha256(self) -> str:
        """Hash over both files."""
        return hashlib.sha256("".join(sha256_file(self.folder / name) for name in FILES).encode()).hexdigest()

    @cached_property
    def network(self) -> DTLN:
        """The network with its weights, loaded on first use."""
        first, second = (_read_weights(self.folder / name) for name in FILES)
        network = DTLN()
        network.load_state_dict({**_spectral(first), **_temporal(second)})
        return network.eval().requires_grad_(False)

    def __call__(self, noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        """Estimates (batch, time) of noisy (batch, time) at 16 kHz."""
        with torch.inference_mode():
            estimate: Waveforms = self.network(torch.from_numpy(np.ascontiguousarray(noisy))).numpy()
        return estimate


def _read_weights(path: Path) -> dict[str, Tensor]:
    """Initializers of an ONNX file by the last part of their name."""
    import onnx

    try:
        initializers = onnx.load(str(path)).graph.initializer
    except Exception as error:  # protobuf's errors share no base class
        raise ConfigError(f"must be an ONNX file, but {type(error).__name__}: {error}", file=path) from error
    return {
        i.name.removeprefix("model_2/"): torch.from_numpy(onnx.numpy_helper.to_array(i).copy()) for i in initializers
    }


def _spectral(weights: Weights) -> dict[str, Tensor]:
    """Stage 1: its LSTMs are ONNX operators, whose gates stand as i o f c where torch has i f c o."""
    state: dict[str, Tensor] = {}
    for layer, name in enumerate(("lstm_4", "lstm_5")):
        input_bias, state_bias = weights[f"{name}_B"][0].chunk(2)
        parts = (weights[f"{name}_W"][0], weights[f"{name}_R"][0], input_bias, state_bias)
        in_order = [[part.chunk(4)[gate] for gate in (0, 2, 3, 1)] for part in parts]
        state |= _lstm("spectral", layer, [torch.cat(gates) for gates in in_order])
    dense = {"weight": weights["dense_2/kernel:0"].T, "bias": weights["dense_2/bias:0"]}
    return state | {f"spectral.dense.{key}": value for key, value in dense.items()}


def _temporal(weights: Weights) -> dict[str, Tensor]:
    """Stage 2: its LSTMs are spelled out in Keras' order of gates, which is torch's."""
    state: dict[str, Tensor] = {}
    for layer, name in enumerate(("lstm_6", "lstm_7")):
        bias = weights[f"{name}/BiasAdd/ReadVariableOp/resource:0"]
        kernels = [weights[f"{name}/{product}/ReadVariableOp/resource:0"].T for product in ("MatMul", "MatMul_1")]
        state |= _lstm("temporal", layer, [*kernels, bias, torch.zeros_like(bias)])
    norm = "instant_layer_normalization_1"
    return state | {
        "temporal.dense.weight": weights["dense_3/Tensordot/Reshape_1:0"].T,
        "temporal.dense.bias": weights["dense_3/BiasAdd/ReadVariableOp/resource:0"],
        "encoder.weight": weights["conv1d_2/kernel:0"][:, :, 0],
        "decoder.weight": weights["conv1d_3/kernel:0"][:, :, 0],
        "norm.weight": weights[f"{norm}/mul/ReadVariableOp/resource:0"],
        "norm.bias": weights[f"{norm}/add_1/ReadVariableOp/resource:0"],
    }


def _lstm(stage: str, layer: int, parts: Sequence[Tensor]) -> dict[str, Tensor]:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return {f"{stage}.lstm.{name}_l{layer}": part for name, part in zip(names, parts, strict=True)}
