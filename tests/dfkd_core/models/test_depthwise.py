import pytest
import torch
from torch.nn import functional as F

from dfkd_core.models.depthwise import DepthwiseConv1d


@pytest.mark.parametrize(("kernel", "dilation", "causal"), [(3, 1, False), (3, 4, False), (3, 4, True), (2, 16, True)])
def test_shifted_multiply_adds_are_the_grouped_convolution_and_its_gradients(kernel, dilation, causal):
    layer = DepthwiseConv1d(4, kernel, dilation, causal).double()
    signal = torch.randn(2, 4, 11, dtype=torch.float64, requires_grad=True)
    left = (kernel - 1) * dilation if causal else (kernel - 1) // 2 * dilation
    padded = F.pad(signal, (left, (kernel - 1) * dilation - left))
    expected = F.conv1d(padded, layer.weight.t()[:, None], layer.bias, dilation=dilation, groups=4)
    output = layer(signal)
    torch.testing.assert_close(output, expected)
    leaves = (signal, layer.weight, layer.bias)
    gradient = torch.randn_like(output)
    mine, theirs = (torch.autograd.grad(y, leaves, gradient) for y in (output, expected))
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other)
