import pytest
import torch
from torch import nn

from dfkd_core.models.prelu import PReLU


@pytest.mark.parametrize("slope", [0.25, 1e-4, 0.0, -0.5])
def test_values_and_gradients_are_torchs(slope):
    ours, theirs = PReLU(), nn.PReLU()
    for module in (ours, theirs):
        nn.init.constant_(module.weight, slope)
    gradient = torch.randn(2, 3, 5).transpose(0, 2).contiguous().transpose(0, 2)  # with gaps, as from a slice
    results = []
    signal = torch.randn(2, 3, 10)[..., ::2]
    for module in (ours, theirs):
        leaf = signal.clone().requires_grad_()
        output = module(leaf)
        output.backward(gradient)
        results.append((output.detach(), leaf.grad, module.weight.grad))
    for mine, expected in zip(*results, strict=True):
        torch.testing.assert_close(mine, expected)


@pytest.mark.parametrize("slope", [0.25, 1e-4])
def test_in_place_gives_the_same_values_and_gradients(slope):
    signal = torch.randn(2, 3, 5)
    results = []
    for in_place in (False, True):
        activation, leaf = PReLU(in_place), signal.clone().requires_grad_()
        nn.init.constant_(activation.weight, slope)
        output = activation(2 * leaf)
        output.square().sum().backward()
        results.append((output.detach(), leaf.grad, activation.weight.grad))
    for plain, overwritten in zip(*results, strict=True):
        torch.testing.assert_close(plain, overwritten)


def test_in_place_overwrites_its_input():
    signal = torch.randn(2, 3, 5)
    assert PReLU(in_place=True)(signal).data_ptr() == signal.data_ptr()
