import pytest
import torch
from torch.nn import functional as F

from dfkd_core.models.halving import _up_in_phases, double, halve

KERNELS = [(time, freq, pad) for time in (1, 2, 3) for freq in (1, 3, 5, 7) for pad in range(time)]


@pytest.mark.parametrize(("time", "freq", "pad"), KERNELS)
def test_two_phases_are_the_transposed_convolution(time, freq, pad):
    signal = torch.randn(2, 6, 9, 8, dtype=torch.float64)
    weight, bias = torch.randn(6, 4, time, freq, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    expected = F.conv_transpose2d(signal, weight, bias, (1, 2), (pad, freq // 2), output_padding=(0, 1))
    torch.testing.assert_close(_up_in_phases(signal, weight, bias, pad), expected)


@pytest.mark.parametrize("layer", [halve, double])
@pytest.mark.parametrize("pad", [0, 1])
def test_gradients_are_those_of_finite_differences(layer, pad):
    signal = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 2, 2, 5, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s, w, b: layer(s, w, b, pad), (signal, weight, bias))


def test_many_channels_take_the_other_way_to_the_same_numbers():
    signal, weight = torch.randn(1, 3, 5, 4), torch.randn(3, 40, 2, 5)
    expected = F.conv_transpose2d(signal, weight, torch.zeros(40), (1, 2), (1, 2), output_padding=(0, 1))
    torch.testing.assert_close(double(signal, weight, torch.zeros(40), 1), expected)
    torch.testing.assert_close(_up_in_phases(signal, weight, None, 1), expected, rtol=1e-4, atol=1e-5)
