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
