"""Multiply-adds of any module, counted while it runs; torch's FlopCounterMode sees none of an LSTM's on CPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Counter = Callable[[Any, tuple[Tensor, ...], Any], int]


def count_macs(model: nn.Module, num_samples: int) -> int:
    """Multiply-adds of one forward pass over a signal (1, num_samples), layer by layer.

    A layer that has `layer_macs(*inputs, output)` counts itself; torch's layers are counted by COUNTERS; element-wise
    work is free. What no layer does (an STFT), `model.extra_macs(num_samples)` adds where the model has it.
    """
    total = 0

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        nonlocal total
        if hasattr(module, "layer_macs"):
            total += int(module.layer_macs(*inputs, output))  # type: ignore[operator]
        elif (counter := COUNTERS.get(type(module))) is not None:
            total += counter(module, inputs, output)

    hooks = [module.register_forward_hook(add) for module in model.modules()]
    training, like = model.training, next(model.parameters())
    try:
        with torch.no_grad():
            model.eval()(like.new_zeros(1, num_samples))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    extra: int = model.extra_macs(num_samples) if hasattr(model, "extra_macs") else 0  # type: ignore[operator]
    return total + extra


def _convolution(layer: nn.Conv1d, inputs: tuple[Tensor, ...], output: Tensor) -> int:
    return output.numel() * layer.in_channels // layer.groups * math.prod(layer.kernel_size)


def _transposed(layer: nn.ConvTranspose1d, inputs: tuple[Tensor, ...], output: Tensor) -> int:
    return inputs[0].numel() * layer.out_channels // layer.groups * math.prod(layer.kernel_size)


def _recurrent(layer: nn.RNNBase, inputs: tuple[Tensor, ...], output: Any) -> int:
    weights = sum(p.numel() for name, p in layer.named_parameters() if name.startswith("weight"))
    return inputs[0].numel() // layer.input_size * weights


def _attention(layer: nn.MultiheadAttention, inputs: tuple[Tensor, ...], output: Any) -> int:
    """Four projections of each position, and the products of queries with keys and of weights with values."""
    embed: int = layer.embed_dim
    keys_axis = 1 if layer.batch_first else 0
    queries, keys = inputs[0].numel() // embed, inputs[1].numel() // embed
    return 2 * (queries + keys) * embed**2 + 2 * queries * inputs[1].shape[keys_axis] * embed


COUNTERS: dict[type[nn.Module], Counter] = {
    nn.Linear: lambda layer, inputs, output: output.numel() * layer.in_features,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.ConvTranspose1d: _transposed,
    nn.ConvTranspose2d: _transposed,
    nn.LSTM: _recurrent,
    nn.GRU: _recurrent,
    nn.MultiheadAttention: _attention,
}
