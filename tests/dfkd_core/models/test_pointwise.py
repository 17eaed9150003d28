import pytest
import torch
from torch import nn

from dfkd_core.models.depthwise import DepthwiseConv1d
from dfkd_core.models.norms import CumulativeLayerNorm, GlobalLayerNorm
from dfkd_core.models.pointwise import PointwiseConv1d

LAYERS = {
    "1 x 1": lambda: PointwiseConv1d(5, 3),
    "dilated": lambda: DepthwiseConv1d(5, 3, 4, causal=False),
    "longer than the signal": lambda: DepthwiseConv1d(5, 3, 40, causal=False),
    "past only": lambda: DepthwiseConv1d(5, 2, 3, causal=True),
}


def filled(module):
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module


def value_and_gradients(layer, norm, signal, folded):
    output = layer(signal, norm=norm) if folded else layer(norm(signal))
    gradient = torch.randn(output.shape, dtype=output.dtype, generator=torch.Generator().manual_seed(1))
    leaves = (signal, *layer.parameters(), *norm.parameters())
    return output, *torch.autograd.grad(output, leaves, gradient)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("frames", [1, 11])
def test_a_folded_norm_gives_the_value_and_gradients_of_the_norm_written_out(kind, frames):
    layer, norm = filled(LAYERS[kind]()).double(), filled(GlobalLayerNorm(5)).double()
    signal = (2 + torch.randn(2, 5, frames, dtype=torch.float64)).requires_grad_()
    folded, plain = (value_and_gradients(layer, norm, signal, folded) for folded in (True, False))
    for one, other in zip(folded, plain, strict=True):
        torch.testing.assert_close(one, other)


def test_a_folded_norm_keeps_no_normalised_signal():
    layer, norm, signal = PointwiseConv1d(64, 1), GlobalLayerNorm(64), torch.randn(1, 64, 1000, requires_grad=True)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        layer(signal, norm=norm)
    assert {tensor.data_ptr() for tensor in kept if tensor.numel() >= signal.numel()} == {signal.data_ptr()}


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_constant_signal_has_finite_gradients(level):
    layer, norm = PointwiseConv1d(5, 3), GlobalLayerNorm(5)
    signal = torch.full((2, 5, 700), level, requires_grad=True)
    layer(signal, norm=norm).sum().backward()
    assert signal.grad.isfinite().all() and norm.weight.grad.isfinite().all()


@pytest.mark.parametrize("kind", LAYERS)
def test_other_norms_stay_in_front_of_the_layer(kind):
    layer, norm, signal = LAYERS[kind](), filled(CumulativeLayerNorm(5)), torch.randn(2, 5, 11)
    assert torch.equal(layer(signal, norm=norm), layer(norm(signal)))
